import type { CloseReason, Handlers } from "hp-socket";

/** Notes the events of a component, in order, as `name` or `close:operation/code/initiator`. */
export class EventLog {
  readonly events: string[] = [];
  readonly reasons: CloseReason[] = [];
  #waiting: { count: number; resolve: () => void } | undefined;

  /** Handlers that note their calls, and then do what `then` says for their name. */
  handlers<Handle, Received>(
    then: Partial<Handlers<Handle, Received>> = {},
  ): Handlers<Handle, Received> {
    const note = (name: string): void => {
      this.events.push(name);
    };
    return {
      onPrepareConnect: (handle) => {
        note("prepareConnect");
        return then.onPrepareConnect?.(handle);
      },
      onAccept: (handle) => {
        note("accept");
        return then.onAccept?.(handle);
      },
      onConnect: (handle) => {
        note("connect");
        return then.onConnect?.(handle);
      },
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
