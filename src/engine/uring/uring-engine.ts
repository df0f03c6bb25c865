/** The engine over Linux's io_uring. See the README of this folder. */
import type { SendMemory } from "../../bytes/send-memory.js";
import { NetError } from "../../errors.js";
import type { Clock } from "../../time/clock.js";
import type {
  Capabilities,
  ConnectTarget,
  DatagramSink,
  DatagramSocket,
  DatagramTarget,
  Engine,
  EngineName,
  Listener,
  ListenerSink,
  ListenTarget,
  ResolvedHost,
  StreamSink,
  StreamSocket,
} from "../engine.js";
import { opensslAvailability } from "../openssl/availability.js";
import { assertConnectAddress, checkedListenTarget } from "../path-address.js";
import { resolveHost } from "../resolve-host.js";
import { TlsClientContext } from "../tls/tls-client-context.js";
import { TlsServerContext } from "../tls/tls-server-context.js";
import type { TlsClientOptions, TlsContext, TlsServerOptions } from "../tls-options.js";
import { type ForeignFunctions, loadForeignFunctions } from "./ring/foreign-functions.js";
import type { UringLoop } from "./ring/uring-loop.js";
import { uringAvailability } from "./setup/availability.js";
import { type AssembledLoop, createLoop } from "./setup/create-loop.js";
import { type UringOptions, uringSettings } from "./setup/uring-options.js";
import { openOutgoing } from "./sockets/outgoing.js";
import { encodeAddress } from "./sockets/socket-address.js";
import { UringDatagram } from "./sockets/uring-datagram.js";
import { UringListener } from "./sockets/uring-listener.js";
import { UringStream } from "./sockets/uring-stream.js";

export { type UringProbe, uringAvailability, uringProbes } from "./setup/availability.js";
export type { UringOptions } from "./setup/uring-options.js";

type TlsOptions = TlsServerOptions | TlsClientOptions;

const CAPABILITIES: Capabilities = {
  reusePort: true,
  keepAliveInterval: true,
  userTimeout: true,
  tcpInfo: true,
  pathAddress: true,
  socketBuffers: true,
  datagramBuffers: true,
  datagram: true,
  resetWhilePaused: true,
  carry: true,
  /** Looked for when it is asked for: it costs some milliseconds. */
  get tls() {
    return opensslAvailability();
  },
};

/** An engine with a ring of its own. Made by {@link makeUringEngine}. */
export class UringEngine implements Engine, Disposable {
  readonly name: EngineName = "uring";
  readonly capabilities: Capabilities = CAPABILITIES;
  readonly clock: Clock;
  private readonly assembled: AssembledLoop;

  constructor(assembled: AssembledLoop) {
    this.assembled = assembled;
    this.clock = assembled.loop.clock;
  }

  /** What the sockets run on; for tests and measurements. */
  get loop(): UringLoop {
    return this.assembled.loop;
  }

  /** The ring's own: see `memory/send-arena.ts`. */
  get memory(): SendMemory {
    return this.loop.arena;
  }

  /** Whether sockets belong to the ring, and go with its thread. */
  get ownsSockets(): boolean {
    return this.assembled.ownsSockets;
  }

  createTlsContext(role: "server" | "client", options: TlsOptions): TlsContext {
    const available = opensslAvailability();
    if (available !== true) {
      throw new NetError("NOT_SUPPORTED", available, { operation: "configure" });
    }
    return role === "server"
      ? new TlsServerContext(options as TlsServerOptions, this.clock)
      : new TlsClientContext(options as TlsClientOptions);
  }

  afterTurn(task: () => void): void {
    this.loop.afterTurn(task);
  }

  resolve(host: string, signal?: AbortSignal): Promise<readonly ResolvedHost[]> {
    return resolveHost(host, signal);
  }

  listen(target: ListenTarget, sink: ListenerSink): Listener {
    const where = checkedListenTarget(target);
    const address = encodeAddress(where.address);
    const listener = new UringListener(this.loop, where, sink);
    listener.open(address);
    return listener;
  }

  connect(target: ConnectTarget, sink: StreamSink): StreamSocket {
    const { loop } = this;
    assertConnectAddress(target.address);
    const address = encodeAddress(target.address);
    const descriptor = openOutgoing(loop.calls, target);
    const stream = UringStream.outgoing(loop, target, sink);
    stream.connect(descriptor, address);
    return stream;
  }

  openDatagram(target: DatagramTarget, sink: DatagramSink): DatagramSocket {
    encodeAddress(target.address);
    if (target.peer !== undefined) encodeAddress(target.peer);
    const socket = new UringDatagram(this.loop, target, sink);
    socket.open();
    return socket;
  }

  /** Frees the ring and its memory. Throws `INVALID_STATE` while sockets are open. */
  [Symbol.dispose](): void {
    const { heldCount } = this.loop.slots;
    if (heldCount > 0) {
      throw new NetError("INVALID_STATE", `the engine still has ${heldCount} sockets`, {
        operation: "close",
      });
    }
    this.assembled.close();
  }
}

/**
 * An engine with a ring and memory of its own, sized by `options`. Throws `INVALID_ARGUMENT` for options that can't
 * be, `ENGINE_UNAVAILABLE` where it can't run.
 */
export function createUringEngine(options: UringOptions = {}): Engine & Disposable {
  return makeUringEngine(options);
}

/** The same, and what else tests ask of it. `calls`: instead of the system's. */
export function makeUringEngine(options: UringOptions = {}, calls?: ForeignFunctions): UringEngine {
  const settings = uringSettings(options);
  const available = uringAvailability();
  if (available !== true) {
    throw new NetError("ENGINE_UNAVAILABLE", `the uring engine can't run here: ${available}`, {
      operation: "configure",
    });
  }
  return new UringEngine(createLoop(calls ?? loadForeignFunctions(), settings));
}

let engine: UringEngine | undefined;

/**
 * The uring engine of this thread, with the default options. Throws like {@link createUringEngine}.
 */
export function uringEngine(): Engine {
  engine ??= makeUringEngine();
  return engine;
}
