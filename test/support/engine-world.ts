/**
 * Where an engine's contract is tried out: opens listeners, streams and datagram sockets with probes,
 * and at the end closes them all and checks the rules that hold for every case.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  Address,
  ConnectTarget,
  DatagramTarget,
  Engine,
  IpAddress,
  ListenTarget,
  StreamOptions,
} from "#src/engine/engine.js";
import {
  CallDepth,
  DatagramProbe,
  ListenerProbe,
  StreamProbe,
  watchedEngine,
} from "./engine-probe.js";
import { turns } from "./engine-wait.js";
import { until } from "./until.js";

/** Two ends of one connection, both open. */
export interface StreamPair {
  readonly client: StreamProbe;
  readonly server: StreamProbe;
  readonly listener: ListenerProbe;
}

export const PLAIN_STREAM: StreamOptions = { noDelay: true, keepAlive: false };

/** An IPv4 address on the loopback interface; port 0 unless told. */
export function loopback(port = 0): IpAddress {
  return { host: "127.0.0.1", port, family: "IPv4" };
}

/** Streams, listeners and datagram sockets of one case, with their probes. */
export class EngineWorld {
  readonly engine: Engine;
  readonly depth: CallDepth = new CallDepth();
  readonly #streams: StreamProbe[] = [];
  readonly #listeners: ListenerProbe[] = [];
  readonly #datagrams: DatagramProbe[] = [];
  #folder: string | undefined = undefined;

  constructor(engine: Engine) {
    this.engine = watchedEngine(engine, this.depth);
  }

  /** A path for a socket, in a folder that goes away at the end. */
  path(name = "socket"): string {
    this.#folder ??= mkdtempSync(join(tmpdir(), "engine-"));
    return join(this.#folder, name);
  }

  /** Starts listening; the probe may fail yet. */
  startListen(address: Address, options: Partial<ListenTarget> = {}): ListenerProbe {
    const probe = new ListenerProbe(this.depth);
    const target: ListenTarget = {
      address,
      backlog: 128,
      reusePort: false,
      dualStack: false,
      stream: PLAIN_STREAM,
      ...options,
    };
    probe.listener = this.engine.listen(target, probe);
    this.#listeners.push(probe);
    return probe;
  }

  /** Listens, and waits until the listener is open. */
  async listen(
    address: Address = loopback(),
    options: Partial<ListenTarget> = {},
  ): Promise<ListenerProbe> {
    const probe = this.startListen(address, options);
    await until(() => probe.isOpened || probe.isClosed);
    assert.equal(probe.error, undefined);
    return probe;
  }

  /** Starts to connect; the probe may fail yet. */
  startConnect(address: Address, options: Partial<ConnectTarget> = {}): StreamProbe {
    const probe = new StreamProbe(this.depth);
    probe.socket = this.engine.connect({ address, stream: PLAIN_STREAM, ...options }, probe);
    this.#streams.push(probe);
    return probe;
  }

  /** Connects to a listener, and waits until both ends are open. */
  async pair(listening?: ListenerProbe, options: Partial<ConnectTarget> = {}): Promise<StreamPair> {
    const listener = listening ?? (await this.listen());
    const before = listener.accepted.length;
    const client = this.startConnect(listener.address!, options);
    await until(() => (client.isOpened && listener.accepted.length > before) || client.isClosed);
    assert.equal(client.error, undefined);
    return { client, server: listener.accepted[before]!, listener };
  }

  /** Opens a datagram socket; the probe may fail yet. */
  startDatagram(options: Partial<DatagramTarget> = {}): DatagramProbe {
    const probe = new DatagramProbe(this.depth);
    const target: DatagramTarget = {
      address: loopback(),
      reuseAddress: false,
      reusePort: false,
      dualStack: false,
      broadcast: false,
      ...options,
    };
    probe.socket = this.engine.openDatagram(target, probe);
    this.#datagrams.push(probe);
    return probe;
  }

  /** Opens a datagram socket, and waits until it is open. */
  async datagram(options: Partial<DatagramTarget> = {}): Promise<DatagramProbe> {
    const probe = this.startDatagram(options);
    await until(() => probe.isOpened || probe.isClosed);
    assert.equal(probe.error, undefined);
    return probe;
  }

  /** Closes everything and checks that each got one `closed`, last, and no sink call re-entered. */
  async end(): Promise<void> {
    const accepted = this.#listeners.flatMap((listener) => listener.accepted);
    const streams = [...this.#streams, ...accepted];
    for (const stream of streams) stream.socket.reset();
    for (const listener of this.#listeners) listener.listener?.close();
    for (const datagram of this.#datagrams) datagram.socket.close();
    const probes = [...streams, ...this.#listeners, ...this.#datagrams];
    await until(() => probes.every((probe) => probe.isClosed));
    await turns(3);
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    for (const { events } of probes) {
      const closedCount = events.filter((event) => event.startsWith("closed")).length;
      assert.equal(closedCount, 1, `exactly one closed in: ${events.join(", ")}`);
      assert.match(events.at(-1)!, /^closed/, "closed is the last call");
      const endedCount = events.filter((event) => event === "ended").length;
      assert.ok(endedCount <= 1, `ended at most once in: ${events.join(", ")}`);
    }
    for (const stream of streams) stream.forget();
    assert.deepEqual(this.depth.violations, [], "sink calls from inside a call into the engine");
  }
}
