/** An option that is `undefined` is left out, on every component: nothing takes it for a value. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  delimiter,
  lengthPrefix,
  pack,
  startEnd,
  TcpAgent,
  TcpClient,
  TcpServer,
  untilClosed,
} from "hp-socket";
import { ArqAgent, ArqClient, ArqServer } from "hp-socket/arq";
import { accessLog, CookieStore, HttpAgent, HttpClient, HttpServer } from "hp-socket/http";
import { ConnectionPool } from "hp-socket/pool";
import { ProxyServer, Relay, UdpRelay } from "hp-socket/proxy";
import { MemoryEngine, selfSignedCertificate } from "hp-socket/testing";
import { UdpAgent, UdpCast, UdpClient, UdpNode, UdpServer } from "hp-socket/udp";
import { WebSocketAgent, WebSocketClient, WebSocketServer } from "hp-socket/websocket";

type Options = Record<string, unknown>;

/** Whatever type it has: the names come from what the library reads, not from the types. */
// biome-ignore lint/suspicious/noExplicitAny: no type says what is read
type Anything = any;

const engine = new MemoryEngine();
const tls = { ...selfSignedCertificate() };
const onRequest = (): void => {};

/** What is made, with the options that it needs. */
const MAKERS: Readonly<Record<string, [make: (options: Anything) => unknown, needed: Options]>> = {
  TcpServer: [(options) => new TcpServer(options), { engine }],
  TcpAgent: [(options) => new TcpAgent(options), { engine }],
  TcpClient: [(options) => new TcpClient(options), { engine }],
  "tls of TcpServer": [(tls) => new TcpServer({ engine: "node", tls }), { ...tls }],
  "tls of TcpClient": [(tls) => new TcpClient({ engine: "node", tls }), {}],
  "reconnect of TcpClient": [(reconnect) => new TcpClient({ engine, reconnect }), {}],
  "heartbeat of TcpServer": [
    (heartbeat) => new TcpServer({ engine, receive: delimiter(), heartbeat }),
    { message: "x" },
  ],
  "access of TcpServer": [(access) => new TcpServer({ engine, access }), {}],
  "proxyHeader of TcpServer": [
    (proxyHeader) => new TcpServer({ engine, proxyHeader }),
    { from: ["127.0.0.1"] },
  ],
  HttpServer: [(options) => new HttpServer(options), { engine, onRequest }],
  "compression of HttpServer": [
    (compression) => new HttpServer({ engine, onRequest, compression }),
    {},
  ],
  HttpAgent: [(options) => new HttpAgent(options), { engine }],
  HttpClient: [(options) => new HttpClient(options), { engine }],
  CookieStore: [(options) => new CookieStore(options), {}],
  accessLog: [(options) => accessLog(options), {}],
  UdpServer: [(options) => new UdpServer(options), { engine }],
  UdpAgent: [(options) => new UdpAgent(options), { engine }],
  UdpClient: [(options) => new UdpClient(options), { engine }],
  UdpCast: [(options) => new UdpCast(options), { engine }],
  UdpNode: [(options) => new UdpNode(options), { engine }],
  ArqServer: [(options) => new ArqServer(options), { engine }],
  ArqAgent: [(options) => new ArqAgent(options), { engine }],
  ArqClient: [(options) => new ArqClient(options), { engine }],
  WebSocketServer: [(options) => new WebSocketServer(options), { engine }],
  "compression of WebSocketServer": [
    (compression) => new WebSocketServer({ engine, compression }),
    {},
  ],
  WebSocketAgent: [(options) => new WebSocketAgent(options), { engine }],
  WebSocketClient: [(options) => new WebSocketClient(options), { engine }],
  ConnectionPool: [
    (options) => new ConnectionPool(options),
    { destinations: [{ port: 1 }], agent: { engine } },
  ],
  ProxyServer: [(options) => new ProxyServer(options), { engine }],
  "destinations of ProxyServer": [(destinations) => new ProxyServer({ engine, destinations }), {}],
  Relay: [(options) => new Relay(options), { engine, to: ["127.0.0.1:1"] }],
  UdpRelay: [(options) => new UdpRelay(options), { engine, to: ["127.0.0.1:1"] }],
  MemoryEngine: [(options) => new MemoryEngine(options), {}],
  pack: [pack, {}],
  delimiter: [delimiter, {}],
  lengthPrefix: [lengthPrefix, { format: "uint-be", bytes: 2 }],
  startEnd: [startEnd, { start: "<", end: ">" }],
  untilClosed: [untilClosed, {}],
};

/** The names of options: those that are read, without those that another component has. */
function namesRead(make: (options: Anything) => unknown, needed: Options): readonly string[] {
  const names = new Set<string>();
  const options = new Proxy(needed, {
    get(target, name) {
      if (typeof name === "string") names.add(name);
      return Reflect.get(target, name);
    },
  });
  make(options);
  return [...names].filter((name) => needed[name] === undefined && !isUnknown(make, needed, name));
}

function isUnknown(make: (options: Anything) => unknown, needed: Options, name: string): boolean {
  try {
    make({ ...needed, [name]: undefined });
    return false;
  } catch (error) {
    if (String(error).includes(`no option "${name}"`)) return true;
    throw error;
  }
}

describe("options that are left out", () => {
  for (const [what, [make, needed]] of Object.entries(MAKERS)) {
    it(`may be undefined: ${what}`, () => {
      const names = namesRead(make, needed);
      const undefineds = Object.fromEntries(names.map((name) => [name, undefined]));

      assert.ok(names.length > 0, "it reads options");
      make({ ...undefineds, ...needed });
    });
  }
});
