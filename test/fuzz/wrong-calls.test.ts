/**
 * Wrong calls: each method of what the public classes are, and of what handlers are given, with each value of a list in
 * each place, while they are new, while all goes well, and when they have ended. What is wrong is refused by a `NetError`,
 * thrown or as a rejection; nothing else is, nothing hangs, and nothing is left.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it, type TestContext } from "node:test";
import { delimiter, NetError, TcpAgent, TcpClient, TcpServer } from "hp-socket";
import { ArqAgent, ArqClient, ArqServer } from "hp-socket/arq";
import { CookieStore, HttpAgent, HttpClient, HttpServer } from "hp-socket/http";
import { ConnectionPool } from "hp-socket/pool";
import { ProxyServer, Relay, UdpRelay } from "hp-socket/proxy";
import { ManualClock, MemoryEngine } from "hp-socket/testing";
import { UdpAgent, UdpClient, UdpNode, UdpServer } from "hp-socket/udp";
import { WebSocketAgent, WebSocketClient, WebSocketServer } from "hp-socket/websocket";
import { PROJECT } from "../support/document.js";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { Random } from "../support/random.js";
import { Mine, WRONG_VALUES } from "../support/wrong-values.js";

/** What is behind the interfaces that handlers are given. */
const INTERFACES: Readonly<Record<string, readonly string[]>> = {
  StreamConnection: ["AnyConnection", "Connection"],
  Session: ["AnyConnection", "MessageConnection", "ArqConnection"],
  ServerExchange: ["HttpExchange"],
  ResponseBody: ["IncomingBody"],
  BodyIntake: ["IncomingBody"],
  BodyOutput: ["ResponseWriter"],
  LiveWebSocket: ["WebSocketConnection"],
  RequestHead: ["Fields"],
  ResponseHead: ["Fields"],
  Object: ["PoolLease"],
};

/** Public members of each type. */
const MEMBERS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  readFileSync(join(PROJECT, "test/unit/docs/public-members.txt"), "utf8")
    .split("\n")
    .flatMap((line) => {
      const [, name = "", members = ""] = /^ {2}(\w+): (.*)/.exec(line) ?? [];
      return name === "" ? [] : [[name, new Set(members.split(" "))] as const];
    }),
);

/** Called last: nothing comes after it. */
const LAST =
  /^(?:stop|close|closeAll|abort|finish|release|end|destroy|clear|discard|setDeadline|close\w+)$/;

function publicNames(target: object): string[] {
  const names: string[] = [];
  for (let at = target; at !== Object.prototype && at !== null; at = Object.getPrototypeOf(at)) {
    const kind = at.constructor?.name ?? "";
    const types = [kind, ...(INTERFACES[kind] ?? []), "SocketGroup"];
    const known = Object.getOwnPropertyNames(at).filter((name) =>
      types.some((type) => MEMBERS.get(type)?.has(name) === true),
    );
    names.push(...known);
  }
  return [...new Set(names)].filter(
    (name) => /^[a-z]/.test(name) && !/^(?:constructor$|on[A-Z])/.test(name),
  );
}

/** What stands before a value: it is tried in each place. */
const PLACES: readonly unknown[][] = [[], ["x"], [1, "x"], ["x", {}], []];

/** The platform's own: `fetch` throws what the platform's does, and a stream's error is its owner's. */
const OF_THE_PLATFORM: ReadonlySet<string> = new Set(["fetch", "toDuplex", "toWeb"]);

/** What is wrong with what was thrown. */
function fault(error: unknown): string | undefined {
  if (error instanceof NetError || error instanceof Mine) return undefined;
  // What the platform says of its own streams and signals.
  if (error instanceof DOMException) return undefined;
  return String((error as Error)?.stack ?? error).slice(0, 400);
}

/** Calls everything, and knows what became of it. */
class Caller {
  readonly faults: Map<string, string> = new Map();
  readonly #pending: Set<string> = new Set();
  readonly #stride = Math.round(WRONG_VALUES.length / fuzzRuns(WRONG_VALUES.length));
  #turn = 0;
  callCount = 0;

  /** Calls the methods of a target for which `isWanted` holds, with each value in each place. */
  callAll(target: object, isWanted: (name: string) => boolean): void {
    for (const name of publicNames(target)) {
      if (!isWanted(name) || OF_THE_PLATFORM.has(name)) continue;
      const member: unknown = this.#guard(`${target.constructor.name}.${name}`, () =>
        Reflect.get(target, name),
      );
      if (typeof member !== "function") continue;
      for (const [shown, make] of WRONG_VALUES) {
        if (this.#turn++ % this.#stride !== 0) continue;
        const before = PLACES[this.#turn % PLACES.length] as unknown[];
        const what = `${target.constructor.name}.${name}(${[...before, shown].join(", ")})`;
        this.#call(what, () => member.call(target, ...before, make()));
      }
    }
  }

  /** Calls something, by chance, of what a handler was given. */
  callSome(given: readonly unknown[], random: Random): void {
    const targets = given.filter((one) => typeof one === "object" && one !== null) as object[];
    if (targets.length === 0 || random.next() < 0.5) return;
    const target = random.pick(targets);
    const names = publicNames(target).filter((name) => !OF_THE_PLATFORM.has(name));
    if (names.length === 0) return;
    const name = random.pick(names);
    if (LAST.test(name) && random.next() < 0.7) return;
    const what = `${target.constructor.name}.${name} in a handler`;
    const member: unknown = this.#guard(what, () => Reflect.get(target, name));
    if (typeof member !== "function") return;
    const before = random.pick(PLACES);
    const [shown, make] = random.pick(WRONG_VALUES);
    this.#call(`${what} (${[...before, shown]})`, () => member.call(target, ...before, make()));
  }

  /** What a call that is right rejects with is looked at as well. */
  async attempt(what: string, call: () => Promise<unknown>): Promise<void> {
    try {
      await call();
    } catch (error) {
      this.#note(what, error);
    }
  }

  #guard(what: string, call: () => unknown): unknown {
    try {
      return call();
    } catch (error) {
      this.#note(what, error);
      return undefined;
    }
  }

  #call(what: string, call: () => unknown): void {
    this.callCount++;
    const result = this.#guard(what, call);
    if (!(result instanceof Promise)) return;
    this.#pending.add(what);
    result.then(
      () => this.#pending.delete(what),
      (error: unknown) => {
        this.#pending.delete(what);
        this.#note(what, error);
      },
    );
  }

  #note(what: string, error: unknown): void {
    const found = fault(error);
    if (found !== undefined) this.faults.set(what, found);
  }

  /** Resolves when all promises are settled; answers those that do not settle. */
  async settled(): Promise<string[]> {
    for (let turn = 0; turn < 500 && this.#pending.size > 0; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return [...this.#pending];
  }
}

type Component = object & { stop(options: { drainMs: number }): Promise<unknown> };

const host = "127.0.0.1";

/** Handlers by name that make wrong calls of what they are given. */
type Chaos = (names: string) => Record<string, (...given: unknown[]) => unknown>;

const LISTENING = "onPrepareListen onAccept onRefuse onShutdown";
const CONNECTING = "onPrepareConnect onConnect";
const CONNECTED = "onHandshake onReceive onSend onDrain onClose";
const MESSAGES = "onHeader onHeadersComplete onBody onMessageComplete onClose";
const SOCKETS = "onOpen onMessage onDrain onClose";

function components(engine: MemoryEngine, chaos: Chaos = () => ({})) {
  const receive = delimiter();
  const echo = {
    onReceive: (to: { send(bytes: Buffer): unknown }, bytes: Buffer) => void to.send(bytes),
  };
  return {
    tcpServer: new TcpServer({
      ...chaos(`${LISTENING} ${CONNECTED} onEnd`),
      engine,
      receive,
      ...echo,
    }),
    tcpAgent: new TcpAgent({
      ...chaos(`${CONNECTING} ${CONNECTED} onEnd onShutdown`),
      engine,
      receive,
    }),
    tcpClient: new TcpClient({ ...chaos(`${CONNECTING} ${CONNECTED} onEnd`), engine, receive }),
    udpServer: new UdpServer({ ...chaos(`${LISTENING} ${CONNECTED}`), engine, ...echo }),
    udpAgent: new UdpAgent({ ...chaos(`${CONNECTING} ${CONNECTED} onShutdown`), engine }),
    udpClient: new UdpClient({ ...chaos(`${CONNECTING} ${CONNECTED}`), engine }),
    udpNode: new UdpNode({ ...chaos(`onPrepareListen onReceive onSend onError onClose`), engine }),
    arqServer: new ArqServer({ ...chaos(`${LISTENING} ${CONNECTED}`), engine, ...echo }),
    arqAgent: new ArqAgent({ ...chaos(`${CONNECTING} ${CONNECTED} onShutdown`), engine }),
    arqClient: new ArqClient({ ...chaos(`${CONNECTING} ${CONNECTED}`), engine }),
    httpServer: new HttpServer({
      ...chaos(`${LISTENING} ${MESSAGES} onRequestLine onResponseComplete`),
      engine,
      onRequest: (exchange) => exchange.respond(200, {}, "x"),
    }),
    httpAgent: new HttpAgent({ ...chaos(`${CONNECTING} ${MESSAGES} onStatusLine`), engine }),
    httpClient: new HttpClient({ ...chaos(`${CONNECTING} ${MESSAGES} onStatusLine`), engine }),
    webSocketServer: new WebSocketServer({
      ...chaos(`${SOCKETS} onUpgrade`),
      engine,
      onMessage: (to, data) => void to.send(data),
    }),
    webSocketAgent: new WebSocketAgent({ ...chaos(SOCKETS), engine }),
    webSocketClient: new WebSocketClient({ ...chaos(SOCKETS), engine }),
    proxyServer: new ProxyServer({
      ...chaos(`onRequest onResponse onTunnel onAccess onRefuse`),
      engine,
      destinations: { allow: [host] },
    }),
    relay: new Relay({ ...chaos(`onRelayed onEject onRefuse`), engine, to: [`${host}:7001`] }),
    udpRelay: new UdpRelay({
      ...chaos(`onRelayed onEject onRefuse`),
      engine,
      to: [`${host}:7002`],
    }),
    pool: new ConnectionPool({
      ...chaos(`onEject onPanic`),
      destinations: [{ port: 7_001 }],
      agent: { engine, receive },
    }),
  };
}

type Attempt = (call: () => Promise<unknown>) => Promise<void>;

/** All of them at work: what their connections and the like are. `attempt` makes calls that may fail. */
async function begin(
  all: ReturnType<typeof components>,
  attempt: Attempt = async (call) => void (await call()),
): Promise<object[]> {
  const given: object[] = [];
  const keep = (call: () => Promise<object>): Promise<void> =>
    attempt(async () => given.push(await call()));
  const url = `http://${host}:7004`;
  const wish = { timeoutMs: 200 };
  await attempt(() => all.tcpServer.listen({ host, port: 7_001 }));
  await attempt(() => all.udpServer.listen({ host, port: 7_002 }));
  await attempt(() => all.arqServer.listen({ host, port: 7_003 }));
  await attempt(() => all.httpServer.listen({ host, port: 7_004 }));
  await attempt(() => all.webSocketServer.listen({ host, port: 7_005 }));
  await attempt(() => all.proxyServer.listen({ host, port: 7_006 }));
  await attempt(() => all.relay.listen({ host, port: 7_007 }));
  await attempt(() => all.udpRelay.listen({ host, port: 7_008 }));
  await attempt(() => all.udpNode.open({ host, port: 7_009 }));
  for (const port of [7_001, 7_007]) {
    await keep(() => all.tcpAgent.connect({ host, port, ...wish }));
  }
  for (const port of [7_002, 7_008]) {
    await keep(() => all.udpAgent.connect({ host, port, ...wish }));
  }
  await keep(() => all.arqAgent.connect({ host, port: 7_003, ...wish }));
  await attempt(() => all.tcpClient.connect({ host, port: 7_001, ...wish }));
  await attempt(() => all.udpClient.connect({ host, port: 7_002, ...wish }));
  await attempt(() => all.arqClient.connect({ host, port: 7_003, ...wish }));
  await attempt(() => all.httpClient.connect(url));
  for (const proxy of [undefined, `http://${host}:7006`]) {
    await attempt(async () => {
      const choice = proxy === undefined ? {} : { proxy };
      const response = await all.httpAgent.request({ url, ...wish, ...choice });
      given.push(response, response.body, response.headers);
    });
  }
  await attempt(() => all.webSocketClient.connect(`ws://${host}:7005/`, wish));
  await keep(() => all.webSocketAgent.connect(`ws://${host}:7005/`, wish));
  await keep(async () => all.webSocketClient.socket);
  await keep(() => all.pool.take(wish));
  for (const group of [all.tcpServer, all.webSocketServer]) {
    for (const id of group.connectionIds()) given.push(group.connection(id) as object);
  }
  return given;
}

/** A life in which every handler makes wrong calls, throws, and rejects. */
async function life(seed: number): Promise<void> {
  const clock = new ManualClock();
  let isOver = false;
  // Time passes with each turn of the loop, which lives on though a handler says `unref`.
  const tick = (): void => {
    clock.advance(20);
    if (!isOver) setImmediate(tick);
  };
  tick();
  try {
    await liveWrongly(seed, new MemoryEngine({ clock }));
  } finally {
    isOver = true;
  }
}

async function liveWrongly(seed: number, engine: MemoryEngine): Promise<void> {
  const random = new Random(seed);
  const caller = new Caller();
  let isChaos = true;
  const all = components(engine, (names) =>
    Object.fromEntries(
      names.split(" ").map((name) => [
        name,
        (...given: unknown[]) => {
          if (!isChaos) return undefined;
          caller.callSome(given, random);
          const chance = random.next();
          if (chance < 0.02) throw new Mine(name);
          return chance < 0.04 ? Promise.reject(new Mine(name)) : undefined;
        },
      ]),
    ),
  );
  const given = await begin(all, (call) => caller.attempt("a right call", call));
  for (let turn = 0; turn < 20; turn++) {
    for (const one of given) {
      const { send } = one as { send?: (data: string) => unknown };
      if (send !== undefined) await caller.attempt("send", async () => send.call(one, "hello\n"));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  isChaos = random.next() < 0.5;
  for (const one of Object.values(all) as Component[]) await one.stop({ drainMs: 0 });
  isChaos = false;
  for (const one of Object.values(all) as Component[]) await one.stop({ drainMs: 0 });
  const hanging = await caller.settled();
  assert.deepEqual([...caller.faults], [], `seed ${seed}`);
  assert.deepEqual(hanging, [], `seed ${seed}: promises do not settle`);
}

/** Handlers that fail on purpose warn of it. */
function unwarned(test: TestContext): void {
  const warnings = process.listeners("warning");
  process.removeAllListeners("warning");
  test.after(() => {
    for (const listener of warnings) process.on("warning", listener);
  });
}

describe("wrong calls", () => {
  it("from every handler are refused by a NetError, and nothing hangs", async (test) => {
    unwarned(test);
    for (let seed = 1; seed <= fuzzRuns(60); seed++) await life(seed);
  });

  it("are refused by a NetError, and nothing hangs or is left", async (test) => {
    unwarned(test);
    const engine = new MemoryEngine();
    const caller = new Caller();
    const fresh = components(engine);
    const quick = (name: string): boolean => !LAST.test(name);
    for (const target of Object.values(fresh)) caller.callAll(target, quick);
    const store = new CookieStore();
    caller.callAll(store, (name) => !/File$/.test(name));

    const all = components(new MemoryEngine());
    const given = await begin(all);
    const targets: object[] = [...given, ...Object.values(all)];
    for (const target of targets) caller.callAll(target, quick);
    for (const target of targets) caller.callAll(target, (name) => !quick(name));
    for (const target of targets) caller.callAll(target, quick);
    for (const one of [...Object.values(fresh), ...Object.values(all)] as Component[]) {
      await one.stop({ drainMs: 0 });
    }
    for (const target of targets) caller.callAll(target, () => true);
    for (const one of [...Object.values(fresh), ...Object.values(all)] as Component[]) {
      await one.stop({ drainMs: 0 });
    }

    const hanging = await caller.settled();
    console.log(`# ${caller.callCount} calls`);
    assert.deepEqual([...caller.faults].slice(0, 20), [], `${caller.faults.size} faults`);
    assert.deepEqual(hanging.slice(0, 20), [], `${hanging.length} promises do not settle`);
  });
});
