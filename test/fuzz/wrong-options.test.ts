/**
 * Wrong options: each option of each public class and function, given alone, with each value of a list, and the options
 * that are objects again from inside. What can't be is refused by a `NetError` that says so; nothing else is thrown.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as root from "hp-socket";
import * as arq from "hp-socket/arq";
import * as http from "hp-socket/http";
import * as pools from "hp-socket/pool";
import * as proxies from "hp-socket/proxy";
import * as testing from "hp-socket/testing";
import * as udp from "hp-socket/udp";
import * as sockets from "hp-socket/websocket";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { Mine, WRONG_VALUES } from "../support/wrong-values.js";

type Options = Readonly<Record<string, unknown>>;
type Taker = (options: unknown) => unknown;

const engine = new testing.MemoryEngine();

/** Who takes options, and those without which it takes none. */
const TAKERS: Readonly<Record<string, readonly [make: Taker, needed: Options]>> = {
  TcpServer: [(given) => new root.TcpServer(given as object), { engine }],
  TcpAgent: [(given) => new root.TcpAgent(given as object), { engine }],
  TcpClient: [(given) => new root.TcpClient(given as object), { engine }],
  UdpServer: [(given) => new udp.UdpServer(given as object), { engine }],
  UdpAgent: [(given) => new udp.UdpAgent(given as object), { engine }],
  UdpClient: [(given) => new udp.UdpClient(given as object), { engine }],
  UdpCast: [(given) => new udp.UdpCast(given as object), { engine }],
  UdpNode: [(given) => new udp.UdpNode(given as object), { engine }],
  ArqServer: [(given) => new arq.ArqServer(given as object), { engine }],
  ArqAgent: [(given) => new arq.ArqAgent(given as object), { engine }],
  ArqClient: [(given) => new arq.ArqClient(given as object), { engine }],
  HttpServer: [(given) => new http.HttpServer(given as never), { engine, onRequest() {} }],
  HttpAgent: [(given) => new http.HttpAgent(given as object), { engine }],
  HttpClient: [(given) => new http.HttpClient(given as object), { engine }],
  CookieStore: [(given) => new http.CookieStore(given as object), {}],
  WebSocketServer: [(given) => new sockets.WebSocketServer(given as object), { engine }],
  WebSocketAgent: [(given) => new sockets.WebSocketAgent(given as object), { engine }],
  WebSocketClient: [(given) => new sockets.WebSocketClient(given as object), { engine }],
  webSocket: [(given) => sockets.webSocket(given as object), {}],
  ProxyServer: [(given) => new proxies.ProxyServer(given as object), { engine }],
  Relay: [(given) => new proxies.Relay(given as never), { engine, to: ["127.0.0.1:1"] }],
  UdpRelay: [(given) => new proxies.UdpRelay(given as never), { engine, to: ["127.0.0.1:1"] }],
  ConnectionPool: [
    (given) => new pools.ConnectionPool(given as never),
    { destinations: [{ port: 1 }], agent: { engine } },
  ],
  accessLog: [(given) => http.accessLog(given as object), {}],
  pack: [(given) => root.pack(given as object), {}],
  delimiter: [(given) => root.delimiter(given as object), {}],
  fixedLength: [(given) => root.fixedLength(given as never), { bytes: 4 }],
  lengthPrefix: [(given) => root.lengthPrefix(given as never), { format: "uint32be" }],
  startEnd: [(given) => root.startEnd(given as never), { start: "<", end: ">" }],
  untilClosed: [(given) => root.untilClosed(given as object), {}],
  MemoryEngine: [(given) => new testing.MemoryEngine(given as object), {}],
  SimulatedLink: [(given) => new testing.SimulatedLink(given as object), {}],
  selfSignedCertificate: [(given) => testing.selfSignedCertificate(given as object), {}],
};

/** No option's name. */
const NO_OPTION = "noSuchOption";

/** The names that `take` knows at this place: it looks for one that is none in a list of them. */
function namesKnown(take: Taker, given: Options): readonly string[] {
  const { includes } = Array.prototype;
  let names: readonly string[] = [];
  Array.prototype.includes = function includesAny(this: unknown[], wanted: unknown, ...rest) {
    if (wanted === NO_OPTION) names = this as string[];
    return includes.call(this, wanted, ...rest);
  };
  try {
    attempt(take, { ...given, [NO_OPTION]: 1 });
  } finally {
    Array.prototype.includes = includes;
  }
  return names;
}

// Thousands of errors are made, whose stacks nobody reads.
Error.stackTraceLimit = 4;

/** Of the values that an option is tried with: which ones, goes round. */
const STRIDE = Math.round(WRONG_VALUES.length / fuzzRuns(WRONG_VALUES.length));
let turn = 0;

function attempt(take: Taker, given: unknown): unknown {
  try {
    const made = take(given) as { stop?: (options: object) => Promise<unknown> } | undefined;
    // A pool that is made has begun to look at its destinations.
    if (made instanceof pools.ConnectionPool) void made.stop({ drainMs: 0 });
    return undefined;
  } catch (error) {
    return error;
  }
}

/** What is wrong with what was thrown. */
function fault(error: unknown): string | undefined {
  if (error === undefined || error instanceof Mine) return undefined;
  if (!(error instanceof root.NetError)) return String((error as Error)?.stack ?? error);
  const isSaid = error.fault === "usage" && !error.message.includes("[object");
  return isSaid ? undefined : `${error.code}: ${error.message}`;
}

/** Tries each option that `take` knows, and those inside them; `path` is where it is. */
function explore(path: string, take: Taker, needed: Options, depth: number): string[] {
  const faults: string[] = [];
  for (const name of namesKnown(take, needed)) {
    for (const [shown, make] of WRONG_VALUES) {
      if (turn++ % STRIDE !== 0) continue;
      const found = fault(attempt(take, { ...needed, [name]: make() }));
      if (found !== undefined) faults.push(`${path}.${name} = ${shown}: ${found}`);
    }
    if (depth === 0 || name === "engine") continue;
    const { [name]: below = {} } = needed as Readonly<Record<string, Options>>;
    const takeInner: Taker = (given) => take({ ...needed, [name]: given });
    faults.push(...explore(`${path}.${name}`, takeInner, below, depth - 1));
  }
  return faults;
}

describe("wrong options", () => {
  for (const [who, [take, needed]] of Object.entries(TAKERS)) {
    it(`of ${who} are refused by a NetError`, () => {
      const faults = WRONG_VALUES.flatMap(([shown, make]) => {
        const found = fault(attempt(take, make()));
        return found === undefined ? [] : [`${who}(${shown}): ${found}`];
      });
      assert.ok(namesKnown(take, needed).length > 0, "it has options");
      faults.push(...explore(who, take, needed, fuzzRuns(2)));

      assert.deepEqual(faults.slice(0, 20), [], `${faults.length} faults`);
    });
  }
});
