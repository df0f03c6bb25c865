/**
 * An engine without a kernel: streams and datagrams between components of one process, over a network
 * that a script and a seed decide. With a ManualClock a run is the same every time, down to the order
 * of the calls.
 */
import { isIP } from "node:net";
import { HeapSendMemory, type SendMemory } from "../../bytes/send-memory.js";
import { assertKnownKeys, assertObject, describe, NetError, type Operation } from "../../errors.js";
import { type Clock, ManualClock, systemClock } from "../../time/clock.js";
import type {
  Address,
  Capabilities,
  ConnectTarget,
  DatagramSink,
  DatagramSocket,
  DatagramTarget,
  Engine,
  Listener,
  ListenerSink,
  ListenTarget,
  ResolvedHost,
  StreamOptions,
  StreamSink,
  StreamSocket,
} from "../engine.js";
import { assertZone } from "../ip-zone.js";
import { NO_TLS, refuseTls } from "../no-tls.js";
import { assertConnectAddress, checkedListenTarget } from "../path-address.js";
import { noAddress } from "../system-error.js";
import { MemoryBindings } from "./memory-bindings.js";
import { MemoryDatagram } from "./memory-datagram.js";
import { MemoryLink } from "./memory-link.js";
import { MemoryListener } from "./memory-listener.js";
import {
  MEMORY_NETWORK_OPTIONS,
  MemoryNetwork,
  type MemoryNetworkOptions,
} from "./memory-network.js";
import { MemoryStream } from "./memory-stream.js";
import { TurnLoop } from "./turn-loop.js";

/** Options of {@link MemoryEngine}. */
export interface MemoryEngineOptions extends MemoryNetworkOptions {
  /** Where time comes from. Default: the machine's clock; then delays take real time. */
  readonly clock?: Clock | undefined;
  /** Addresses of host names, for `resolve`. `localhost` is always there. */
  readonly names?: Readonly<Record<string, readonly string[]>> | undefined;
  /**
   * Whether received bytes are lent for the call only; they are overwritten after it, so that
   * keeping them shows. Default: true.
   */
  readonly lendsBytes?: boolean | undefined;
}

const NO_KERNEL = "the memory engine has no kernel underneath";

const CAPABILITIES: Capabilities = {
  reusePort: true,
  keepAliveInterval: true,
  userTimeout: NO_KERNEL,
  tcpInfo: NO_KERNEL,
  pathAddress: true,
  socketBuffers: `${NO_KERNEL}; see windowBytes`,
  datagramBuffers: NO_KERNEL,
  datagram: true,
  resetWhilePaused: true,
  carry: "bytes in memory have no shorter way than through the layers above",
  tls: NO_TLS,
};

const LOOPBACK: readonly string[] = ["127.0.0.1", "::1", "0.0.0.0", "::"];

function resolvedHost(host: string): ResolvedHost {
  return { host, family: isIP(host) === 6 ? "IPv6" : "IPv4" };
}

/** An engine without a kernel: streams and datagrams between components of one process, over a network that a script and a seed decide. Give the same engine to all components that are to reach each other. */
export class MemoryEngine implements Engine {
  /** Its name. */
  readonly name: "memory" = "memory";
  /** Memory that is sent from. */
  readonly memory: SendMemory = new HeapSendMemory();
  /** What it can do, or why not. */
  readonly capabilities: Capabilities = CAPABILITIES;
  /** The clock that it goes by. */
  readonly clock: Clock;
  /** The network's settings; changes hold from now on. */
  readonly network: MemoryNetwork;
  readonly #loop: TurnLoop;
  readonly #lendsBytes: boolean;
  readonly #names: ReadonlyMap<string, readonly string[]>;
  readonly #listeners = new MemoryBindings<MemoryListener>();
  readonly #datagrams = new MemoryBindings<MemoryDatagram>();
  readonly #links = new Set<MemoryLink>();

  constructor(options: MemoryEngineOptions = {}) {
    const known = [...MEMORY_NETWORK_OPTIONS, "clock", "names", "lendsBytes"];
    assertObject("the options of MemoryEngine", options);
    assertKnownKeys("MemoryEngine", options, known);
    assertEngineOptions(options);
    this.clock = options.clock ?? systemClock;
    this.network = new MemoryNetwork(options);
    this.#loop = new TurnLoop(this.clock);
    this.#lendsBytes = options.lendsBytes ?? true;
    const names = { localhost: ["127.0.0.1", "::1"], ...options.names };
    this.#names = new Map(Object.entries(names));
  }

  /** For components: throws, since it has no TLS. */
  createTlsContext(): never {
    return refuseTls();
  }

  /** For components: calls `task` when the turn ends. */
  afterTurn(task: () => void): void {
    this.#loop.afterTurn(task);
  }

  /** For components: looks a name up in `names`. */
  async resolve(host: string, signal?: AbortSignal): Promise<readonly ResolvedHost[]> {
    signal?.throwIfAborted();
    if (isIP(host) !== 0) return [resolvedHost(host)];
    const found = this.#names.get(host) ?? [];
    if (found.length === 0) throw noAddress(host);
    return found.map(resolvedHost);
  }

  /** For components: listens. */
  listen(target: ListenTarget, sink: ListenerSink): Listener {
    assertStreamOptions(target.stream, "listen");
    assertZone(target.address, "listen");
    const isLocal = (host: string): boolean => this.#isLocal(host);
    return new MemoryListener({
      loop: this.#loop,
      bindings: this.#listeners,
      target: checkedListenTarget(target),
      sink,
      isLocal,
    });
  }

  /** For components: connects a stream. */
  connect(target: ConnectTarget, sink: StreamSink): StreamSocket {
    assertStreamOptions(target.stream, "connect");
    const { address } = target;
    assertConnectAddress(address);
    assertZone(address, "connect");
    const local = this.#localEnd(target);
    const stream = this.#stream(local, address);
    stream.sink = sink;
    const delayMs = this.#handshakeDelayMs(local, address);
    const fate = this.network.connectFate(address);
    if (local.host !== undefined && !this.#isLocal(local.host)) {
      this.#loop.post(() => stream.fail("EADDRNOTAVAIL", "connect"));
    } else if (fate === "answer") {
      this.#loop.post(() => this.#arriveConnect(stream, local, address), delayMs);
    } else if (fate !== "blackHole") {
      this.#loop.post(() => stream.fail(fate, "connect"), 2 * delayMs);
    }
    return stream;
  }

  /** For components: opens a socket for datagrams. */
  openDatagram(target: DatagramTarget, sink: DatagramSink): DatagramSocket {
    const { receiveBufferBytes, sendBufferBytes } = target;
    assertNotWanted("receiveBufferBytes", receiveBufferBytes, "listen");
    assertNotWanted("sendBufferBytes", sendBufferBytes, "listen");
    return new MemoryDatagram({
      loop: this.#loop,
      network: this.network,
      bindings: this.#datagrams,
      target,
      sink,
      lendsBytes: this.#lendsBytes,
      isLocal: (host) => this.#isLocal(host),
    });
  }

  /**
   * Ends every connection that has an end at `at` with an error of the system on both ends, as a
   * broken cable in the end does. Returns how many there were.
   */
  cut(at: Address, errnoName = "ECONNRESET"): number {
    const links = this.#linksAt(at);
    for (const link of links) link.cut(errnoName);
    return links.length;
  }

  /**
   * Lets nothing pass any more on the connections that have an end at `at`, and tells nobody, as a
   * peer that lost its power does. Returns how many there were.
   */
  silence(at: Address): number {
    const links = this.#linksAt(at);
    for (const link of links) link.silence();
    return links.length;
  }

  /** Number of connections that are not closed on both ends. */
  get connectionCount(): number {
    return this.#links.size;
  }

  /** Resolves when nothing more will happen until the clock moves. */
  async settle(): Promise<void> {
    await this.#loop.settle();
  }

  /**
   * Moves a ManualClock on by `ms`, in steps of `stepMs`, and lets everything settle before each step
   * and at the end. Throws `INVALID_STATE` with any other clock.
   */
  async advance(ms: number, stepMs = 1): Promise<void> {
    const { clock } = this;
    if (!(clock instanceof ManualClock)) {
      const text = "advance() needs an engine with a ManualClock";
      throw new NetError("INVALID_STATE", text, { operation: "configure" });
    }
    const untilMs = clock.now() + ms;
    await this.settle();
    while (clock.now() < untilMs) {
      // Without a timer nothing can happen on the way.
      const leftMs = untilMs - clock.now();
      clock.advance(clock.timerCount === 0 ? leftMs : Math.min(stepMs, leftMs));
      await this.settle();
    }
  }

  #isLocal(host: string): boolean {
    if (LOOPBACK.includes(host)) return true;
    for (const hosts of this.#names.values()) if (hosts.includes(host)) return true;
    return false;
  }

  #linksAt(at: Address): readonly MemoryLink[] {
    return [...this.#links].filter((link) => link.isAt(at));
  }

  #stream(local: Address, remote: Address): MemoryStream {
    return new MemoryStream({
      loop: this.#loop,
      lendsBytes: this.#lendsBytes,
      local,
      remote,
    });
  }

  #localEnd({ address, localHost, localPort }: ConnectTarget): Address {
    if ("path" in address) return { path: "" };
    const loopback = address.family === "IPv6" ? "::1" : "127.0.0.1";
    const port = localPort === undefined || localPort === 0 ? undefined : localPort;
    return {
      host: localHost ?? loopback,
      port: port ?? this.#listeners.freePort(),
      family: address.family,
    };
  }

  #handshakeDelayMs(from: Address, to: Address): number {
    return this.network.delayOf({ kind: "connect", from, to, byteCount: 0 });
  }

  /** The connect has reached the other side. */
  #arriveConnect(client: MemoryStream, clientAddress: Address, to: Address): void {
    if (client.isClosed) return;
    const delayMs = this.#handshakeDelayMs(to, clientAddress);
    const listener = this.#listeners.find(to);
    if (listener === undefined) {
      const errnoName = "path" in to ? "ENOENT" : "ECONNREFUSED";
      this.#loop.post(() => client.fail(errnoName, "connect"), delayMs);
      return;
    }
    const server = this.#stream(to, clientAddress);
    const { network } = this;
    this.#links.add(
      new MemoryLink({
        ...{ loop: this.#loop, network, client, server, clientAddress },
        serverAddress: to,
        onGone: (link) => this.#links.delete(link),
      }),
    );
    // As with a kernel: the connection is made before anybody accepts it.
    this.#loop.post(() => client.openConnected(), delayMs);
    const errnoName = this.network.acceptFate(to);
    server.openAccepted();
    if (errnoName === undefined) {
      listener.accept(server);
    } else {
      listener.failAccept(errnoName);
      server.reset();
    }
  }
}

function assertEngineOptions({ clock, names = {}, lendsBytes = true }: MemoryEngineOptions): void {
  const isClock = clock === undefined || typeof Object(clock).setTimer === "function";
  if (!isClock) throw invalid(`clock must be a clock, not ${describe(clock)}`);
  if (typeof lendsBytes !== "boolean") {
    throw invalid(`lendsBytes must be true or false, not ${describe(lendsBytes)}`);
  }
  if (typeof names !== "object" || names === null) {
    throw invalid(`names must be an object, not ${describe(names)}`);
  }
  for (const [name, hosts] of Object.entries(names)) {
    const isGood = Array.isArray(hosts) && hosts.every((host) => isIP(String(host)) !== 0);
    if (!isGood) throw invalid(`names[${JSON.stringify(name)}] must be an array of IP addresses`);
  }
}

function invalid(text: string): NetError {
  return new NetError("INVALID_ARGUMENT", text, { operation: "configure" });
}

function assertNotWanted(option: string, value: unknown, operation: Operation): void {
  if (value !== undefined) {
    throw new NetError("NOT_SUPPORTED", `${option}: ${NO_KERNEL}`, { operation });
  }
}

function assertStreamOptions(options: StreamOptions, operation: Operation): void {
  assertNotWanted("userTimeoutMs", options.userTimeoutMs, operation);
  assertNotWanted("receiveBufferBytes", options.receiveBufferBytes, operation);
  assertNotWanted("sendBufferBytes", options.sendBufferBytes, operation);
}
