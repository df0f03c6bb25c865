import type { NetError, Operation } from "../../errors.js";
import { addressText } from "../address-text.js";
import type { Address, Listener, ListenerSink, ListenTarget, StreamSink } from "../engine.js";
import { callSink } from "../sink-defect.js";
import { acceptErrorKind, systemError } from "../system-error.js";
import type { MemoryBindings } from "./memory-bindings.js";
import type { MemoryStream } from "./memory-stream.js";
import type { TurnLoop } from "./turn-loop.js";

/** What a {@link MemoryListener} is made of. */
export interface MemoryListenerSetup {
  readonly loop: TurnLoop;
  readonly bindings: MemoryBindings<MemoryListener>;
  readonly target: ListenTarget;
  readonly sink: ListenerSink;
  /** Whether the network has this host. */
  readonly isLocal: (host: string) => boolean;
}

/** One listener in memory: bound at once, told in a later turn. */
export class MemoryListener implements Listener {
  private readonly setup: MemoryListenerSetup;
  private isClosed = false;

  constructor(setup: MemoryListenerSetup) {
    this.setup = setup;
    const { address, dualStack, reusePort } = setup.target;
    if (address.host !== undefined && !setup.isLocal(address.host)) {
      this.closeWith("EADDRNOTAVAIL");
      return;
    }
    const binding = { address, dualStack, isShared: reusePort, owner: this };
    const bound = setup.bindings.bind(binding);
    if (bound === undefined) this.closeWith("EADDRINUSE");
    else setup.loop.post(() => this.opened(bound));
  }

  close(): void {
    this.closeWith(undefined);
  }

  ref(): void {
    // Memory never keeps a process alive.
  }

  unref(): void {
    // As above.
  }

  /** Offers a connection to the sink, from within a turn. */
  accept(stream: MemoryStream): void {
    let sink: StreamSink | undefined;
    callSink(() => {
      sink = this.setup.sink.listenerAccepted(stream);
    });
    if (sink === undefined) stream.close();
    else stream.sink = sink;
  }

  /** Accepting has failed, from within a turn. */
  failAccept(errnoName: string): void {
    if (acceptErrorKind(errnoName) === "fatal") this.closeWith(errnoName);
    else callSink(() => this.setup.sink.listenerAcceptFailed(this.error(errnoName, "accept")));
  }

  private opened(address: Address): void {
    if (this.isClosed) return;
    callSink(() => this.setup.sink.listenerOpened(address));
  }

  private closeWith(errnoName: string | undefined): void {
    if (this.isClosed) return;
    this.isClosed = true;
    const { bindings, loop, sink } = this.setup;
    bindings.release(this);
    const error = errnoName === undefined ? undefined : this.error(errnoName, "listen");
    loop.post(() => callSink(() => sink.listenerClosed(error)));
  }

  private error(errnoName: string, operation: Operation): NetError {
    return systemError(errnoName, operation, undefined, addressText(this.setup.target.address));
  }
}
