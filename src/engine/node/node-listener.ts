/**
 * One listener over node:net.
 *
 * Every report to the sink is made from an event of the server or from a later tick, never from
 * inside `listen` or `close`. The server's own `close` event is of no use here: it waits for the
 * last connection, while a listener is gone as soon as its descriptor is.
 */
import { createServer, type Server, type Socket } from "node:net";
import process from "node:process";
import type { SendMemory } from "../../bytes/send-memory.js";
import { NetError, rethrowLater } from "../../errors.js";
import type { Clock } from "../../time/clock.js";
import { inRootContext } from "../../time/root-context.js";
import { addressText } from "../address-text.js";
import type { Address, Listener, ListenerSink, ListenTarget } from "../engine.js";
import {
  bindErrorName,
  checkedListenTarget,
  type SocketFile,
  socketFileAt,
} from "../path-address.js";
import { ReportBackOff } from "../report-back-off.js";
import { callSink } from "../sink-defect.js";
import { acceptErrorKind, errnoNameOf, systemError } from "../system-error.js";
import { InheritedOptions } from "./inherited-options.js";
import { addressFromInfo, remoteAddressOf } from "./node-address.js";
import { NodeStream } from "./node-stream.js";
import type { NodeTurn } from "./node-turn.js";
import { closePath } from "./path-listener.js";
import type { ProcessHold } from "./process-hold.js";
import type { SharedReading } from "./shared-reading.js";
import { removeStaleSocket } from "./stale-socket.js";
import type { StreamRounds } from "./stream-rounds.js";

/** What listeners need of their engine. */
export interface ListenerService {
  readonly clock: Clock;
  readonly turn: NodeTurn;
  readonly hold: ProcessHold;
  readonly rounds: StreamRounds;
  readonly memory: SendMemory;
  readonly reading: SharedReading;
}

/** One listener over node:net. */
export class NodeListener implements Listener {
  private readonly target: ListenTarget;
  private readonly sink: ListenerSink;
  private readonly service: ListenerService;
  private readonly server: Server;
  private readonly backOff: ReportBackOff;
  /** The server has not answered yet whether it is bound. */
  private isBinding = false;
  private isClosed = false;
  private isSecondTry = false;
  private file: SocketFile | undefined;
  /** From when it listens on; none of a path. */
  private inherited: InheritedOptions | undefined;

  constructor(target: ListenTarget, sink: ListenerSink, service: ListenerService) {
    this.target = checkedListenTarget(target);
    this.sink = sink;
    this.service = service;
    this.backOff = new ReportBackOff(service.clock);
    this.server = createServer({ allowHalfOpen: true });
    this.server.on("connection", (socket) => this.accepted(socket));
    this.server.on("listening", () => this.opened());
    this.server.on("error", (error) => this.failed(error));
    this.listen();
  }

  close(): void {
    this.closeWith(undefined);
  }

  ref(): void {
    this.server.ref();
  }

  unref(): void {
    this.server.unref();
  }

  private listen(): void {
    const { address, backlog, dualStack, reusePort } = this.target;
    const options =
      "path" in address
        ? { path: address.path, backlog }
        : { host: address.host, port: address.port, backlog, ipv6Only: !dualStack, reusePort };
    try {
      this.server.listen(options);
      this.isBinding = true;
    } catch (cause) {
      const text = `can't listen at ${addressText(address)}`;
      throw new NetError("INVALID_ARGUMENT", text, { operation: "listen", cause });
    }
  }

  private opened(): void {
    this.isBinding = false;
    const { address: wanted } = this.target;
    if ("path" in wanted) this.file = socketFileAt(wanted.path);
    else this.inherited = new InheritedOptions(this.server, this.target.stream);
    if (this.isClosed) {
      this.release(undefined);
      return;
    }
    const info = this.server.address();
    const address: Address =
      info === null || typeof info === "string" ? this.target.address : addressFromInfo(info);
    callSink(() => this.sink.listenerOpened(address));
  }

  private accepted(socket: Socket): void {
    if (this.isClosed) {
      socket.destroy();
      return;
    }
    const { address, stream: options } = this.target;
    const { turn, hold, rounds, memory, reading } = this.service;
    const isPath = "path" in address;
    const stream = new NodeStream({
      socket,
      options,
      isOpen: true,
      hasOptions: this.inherited?.areOn(socket) === true,
      // TLS takes a socket over with Node's own way of reading.
      lendsBytes: options.mayStartTls !== true && reading.lend(socket, options.keepsBytes === true),
      remote: isPath ? { path: "" } : remoteAddressOf(socket),
      local: isPath ? address : undefined,
      turn,
      hold,
      rounds,
      memory,
    });
    try {
      const sink = this.sink.listenerAccepted(stream);
      if (sink === undefined) stream.close();
      else stream.sink = sink;
    } catch (defect) {
      stream.close();
      rethrowLater(defect);
    }
    stream.accepted();
  }

  private failed(cause: Error): void {
    if (this.isBinding) this.bindFailed(cause);
    else if (!this.isClosed) this.acceptFailed(cause);
  }

  private bindFailed(cause: Error): void {
    this.isBinding = false;
    if (this.isClosed) {
      this.release(undefined);
      return;
    }
    const { address } = this.target;
    const errnoName = errnoNameOf(cause);
    const name = "path" in address ? bindErrorName(errnoName, address.path) : errnoName;
    if (name === "EADDRINUSE" && "path" in address && !this.isSecondTry) {
      this.isSecondTry = true;
      this.tryStalePath(address.path, cause);
    } else {
      this.closeWith(systemError(name, "listen", cause, addressText(address)));
    }
  }

  private acceptFailed(cause: Error): void {
    const name = errnoNameOf(cause);
    const kind = acceptErrorKind(name);
    const error = systemError(name, "accept", cause, addressText(this.target.address));
    if (kind === "fatal") this.closeWith(error);
    else if (kind === "peer" || this.backOff.failed()) {
      callSink(() => this.sink.listenerAcceptFailed(error));
    }
  }

  private tryStalePath(path: string, cause: Error): void {
    removeStaleSocket(path, (isRemoved) => {
      if (this.isClosed) return;
      if (isRemoved) this.listen();
      else this.closeWith(systemError("EADDRINUSE", "listen", cause, path));
    });
  }

  private closeWith(error: NetError | undefined): void {
    if (this.isClosed) return;
    this.isClosed = true;
    // A server that is still binding can't be closed yet; its answer comes within a turn.
    if (!this.isBinding) this.release(error);
  }

  private release(error: NetError | undefined): void {
    const { address } = this.target;
    const close = (): void => {
      if (this.server.listening) this.server.close();
    };
    if ("path" in address) closePath(address.path, this.file, close);
    else close();
    inRootContext(() => process.nextTick(() => callSink(() => this.sink.listenerClosed(error))));
  }
}
