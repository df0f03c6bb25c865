import type { CloseReason, Handlers } from "hp-socket";

type Common = "onHandshake" | "onReceive" | "onSend" | "onEnd" | "onClose" | "onShutdown";

/** Notes the events of a component, in order, as `name` or `close:operation/code/initiator`. */
export class EventLog {
  readonly events: string[] = [];
  readonly reasons: CloseReason[] = [];
  #waiting: { count: number; resolve: () => void } | undefined;

  /** Handlers of a server that note their calls, and then do what `then` says for their name. */
  serverHandlers<Handle, Received>(
    then: Partial<Handlers<Handle, Received>> = {},
  ): Pick<Handlers<Handle, Received>, Common | "onAccept"> {
    return {
      onAccept: (handle) => {
        this.events.push("accept");
        return then.onAccept?.(handle);
      },
      ...this.#handlers(then),
    };
  }

  /** The same of a client or agent. */
  outgoingHandlers<Handle, Received>(
    then: Partial<Handlers<Handle, Received>> = {},
  ): Pick<Handlers<Handle, Received>, Common | "onPrepareConnect" | "onConnect"> {
    return {
      onPrepareConnect: (handle) => {
        this.events.push("prepareConnect");
        return then.onPrepareConnect?.(handle);
      },
      onConnect: (handle) => {
        this.events.push("connect");
        return then.onConnect?.(handle);
      },
      ...this.#handlers(then),
    };
  }

  #handlers<Handle, Received>(
    then: Partial<Handlers<Handle, Received>>,
  ): Pick<Handlers<Handle, Received>, Common> {
    const note = (name: string): void => {
      this.events.push(name);
    };
    return {
      onHandshake: (handle) => {
        note("handshake");
        return then.onHandshake?.(handle);
      },
      onReceive: (handle, received) => {
        note("receive");
        return then.onReceive?.(handle, received);
      },
      onSend: (handle, byteCount) => {
        note("send");
        return then.onSend?.(handle, byteCount);
      },
      onEnd: (handle) => {
        note("end");
        return then.onEnd?.(handle);
      },
      onClose: (handle, reason) => {
        note(`close:${reason.operation}/${reason.code}/${reason.initiator}`);
        this.reasons.push(reason);
        this.#wake();
        return then.onClose?.(handle, reason);
      },
      onShutdown: () => {
        note("shutdown");
        then.onShutdown?.();
      },
    };
  }

  /** Resolves when `count` connections have closed. */
  closed(count = 1): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = { count, resolve };
      this.#wake();
    });
  }

  #wake(): void {
    if (this.#waiting === undefined || this.reasons.length < this.#waiting.count) return;
    this.#waiting.resolve();
    this.#waiting = undefined;
  }
}
