/** What is said of misuse and of limits: the name, the limit and the value. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { delimiter, push, TcpAgent, TcpClient, TcpServer } from "hp-socket";
import { ArqServer } from "hp-socket/arq";
import { CookieStore, HttpAgent, HttpClient, HttpServer } from "hp-socket/http";
import { ConnectionPool } from "hp-socket/pool";
import { ProxyServer, Relay } from "hp-socket/proxy";
import { MemoryEngine, selfSignedCertificate } from "hp-socket/testing";
import { UdpCast, UdpServer } from "hp-socket/udp";
import { WebSocketClient, WebSocketServer } from "hp-socket/websocket";

/** Whatever type it has: what TypeScript refuses, JavaScript may give. */
// biome-ignore lint/suspicious/noExplicitAny: what is given is wrong on purpose, and no type would take it
type Anything = any;

const { cert, key } = selfSignedCertificate();
const engine = new MemoryEngine();
const server = new TcpServer({ engine, receive: delimiter(), onReceive() {} });
const client = new TcpClient({ engine, receive: delimiter(), requestTimeoutMs: 30 });

const WRONG_OPTIONS: Readonly<Record<string, readonly [options: Anything, message: string]>> = {
  "an engine that is none": [
    { engine: {} },
    "engine must be an engine, or the name of one, and the object given is none",
  ],
  "no authority for client certificates": [
    { tls: { cert, key, clientCertificate: "require" } },
    'tls.clientCertificate "require" needs tls.ca or tls.caFile: whose certificates to let in',
  ],
  "an empty list": [
    { tls: { cert, key, alpnProtocols: [] } },
    "tls.alpnProtocols must be an array that is not empty, not an empty array",
  ],
  "null for left out": [
    { maxConnections: null },
    "maxConnections must be a whole number from 1 to 5000000, not null",
  ],
};

type Call = (self: Anything) => unknown;

const WRONG_CALLS: Readonly<Record<string, readonly [call: Call, message: string]>> = {
  "read(null)": [(self) => self.read(null), "the options of read must be an object, not null"],
  'read("5")': [
    (self) => self.read("5"),
    'byteCount must be a whole number from 1 to 9007199254740991, not "5"',
  ],
  "read({ timeout })": [
    (self) => self.read({ timeout: 1 }),
    'read has no option "timeout"; did you mean timeoutMs?',
  ],
  "drained(null)": [
    (self) => self.drained(null),
    "the options of drained must be an object, not null",
  ],
  "request with null": [
    (self) => self.request("x", { timeoutMs: null }),
    "timeoutMs must be a whole number from 0 to 2147483647, not null",
  ],
  "stop({ drain })": [
    (self) => self.stop({ drain: 1 }),
    'stop has no option "drain"; did you mean drainMs?',
  ],
  "configure(null)": [
    async (self) => self.configure(null),
    "the options of configure must be an object, not null",
  ],
  "toDuplex({ objectMode })": [
    async (self) => self.toDuplex({ objectMode: true }),
    'toDuplex has no option "objectMode"; known: readableHighWaterMark, writableHighWaterMark, allowHalfOpen',
  ],
  "sendSmallFile(1)": [
    (self) => self.sendSmallFile(1),
    "path must be text that is not empty, not 1",
  ],
  "setNoDelay(1)": [async (self) => self.setNoDelay(1), "setNoDelay must be true or false, not 1"],
  "connect while connected": [
    (self) => self.connect(server.address),
    "can't connect: the client has a connection already",
  ],
};

const TIME_OUTS: Readonly<Record<string, readonly [call: Call, message: string]>> = {
  read: [(self) => self.read({ timeoutMs: 5 }), "read took longer than timeoutMs (5)"],
  "read(undefined, …)": [
    (self) => self.read(undefined, { timeoutMs: 5 }),
    "read took longer than timeoutMs (5)",
  ],
  readUntil: [
    (self) => self.readUntil("x", { timeoutMs: 5 }),
    "readUntil took longer than timeoutMs (5)",
  ],
  request: [(self) => self.request("x"), "request took longer than requestTimeoutMs (30)"],
  "request with its own": [
    (self) => self.request("x", { timeoutMs: 5 }),
    "request took longer than timeoutMs (5)",
  ],
  closed: [(self) => self.closed({ timeoutMs: 5 }), "closed took longer than timeoutMs (5)"],
  stopped: [(self) => self.stopped({ timeoutMs: 5 }), "stopped took longer than timeoutMs (5)"],
  "a signal": [(self) => self.closed({ signal: AbortSignal.timeout(5) }), "closed was aborted"],
};

describe("messages", () => {
  // The memory engine holds no process, and deadlines don't either.
  let holder: NodeJS.Timeout;
  before(async () => {
    holder = setInterval(() => {}, 1_000);
    await client.connect(await server.listen());
  });
  after(async () => {
    await client.stop();
    await server.stop();
    clearInterval(holder);
  });

  for (const [what, [options, message]] of Object.entries(WRONG_OPTIONS)) {
    it(`say what is wrong: ${what}`, () => {
      assert.throws(() => new TcpServer({ engine: "node", ...options }), {
        code: "INVALID_ARGUMENT",
        message,
      });
    });
  }

  for (const [what, [call, message]] of Object.entries(WRONG_CALLS)) {
    it(`say what is wrong: ${what}`, async () => {
      await assert.rejects(async () => call(client), { message });
    });
  }

  for (const [what, [call, message]] of Object.entries(TIME_OUTS)) {
    it(`name the call that took too long: ${what}`, async () => {
      await assert.rejects(async () => call(client), { message });
    });
  }

  it("name the handler that refused", async () => {
    const agent = new TcpAgent({ engine, onHandshake: () => false });
    const address = await server.listen().catch(() => server.address);

    await assert.rejects(async () => agent.connect(address as Anything), {
      code: "REFUSED",
      message: "onHandshake refused the connection",
    });
    await agent.stop();
  });

  it("name limit and value of what was dropped, and of requests in flight", async () => {
    const settings = {
      maxPendingBytes: 100,
      slowConsumer: "drop",
      maxRequestsInFlight: 1,
    } as const;
    const agent = new TcpAgent({ engine, receive: delimiter(), ...settings });
    const connection = await agent.connect(server.address as Anything);
    connection.send("x".repeat(90));

    await assert.rejects(connection.request("y".repeat(50)), {
      code: "SEND_QUEUE_FULL",
      message: "91 bytes wait to be sent and maxPendingBytes is 100: the request was dropped",
    });
    const first = connection.request("z");
    await assert.rejects(connection.request("z"), {
      code: "REQUEST_LIMIT",
      message: "1 requests wait for a response, as many as maxRequestsInFlight (1) allows",
    });
    await agent.stop({ drainMs: 0 });
    await assert.rejects(first, { code: "CONNECTION_CLOSED" });
  });

  it("name drainMs when stop has cut a connection", async () => {
    const agent = new TcpAgent({ engine, closeTimeoutMs: 60_000 });
    const connection = await agent.connect(server.address as Anything);
    const ended = connection.closed();
    connection.send("x");
    await agent.stop({ drainMs: 0 });

    assert.equal(
      (await ended).cause?.message,
      "the component was stopped, and the connection had not ended within drainMs (0)",
    );
  });

  for (const [fate, local, message] of [
    ["EADDRNOTAVAIL", {}, /^no local port is left from which to connect to 10\.0\.0\.1 port 80/],
    [
      "EADDRNOTAVAIL",
      { localHost: "192.0.2.1" },
      /^the local address is not available here: localH/,
    ],
    ["EADDRINUSE", { localPort: 7 }, /^the local address is in use: localPort 7 \(EADDRINUSE\)$/],
  ] as const) {
    it(`tell local addresses from the peer's: ${fate} ${Object.keys(local)}`, async () => {
      const agent = new TcpAgent({ engine: new MemoryEngine({ connectFate: () => fate }) });

      await assert.rejects(agent.connect({ host: "10.0.0.1", port: 80, ...local }), { message });
      await agent.stop();
    });
  }

  for (const host of ["a:80", "http://a", "[::1]", "user@a", "a b"]) {
    it(`refuse what is no host before anything is looked up: ${host}`, async () => {
      const message = `host must be a name or an IP address, without scheme, port or brackets, not "${host}"`;
      const agent = new TcpAgent({ engine });
      const other = new TcpServer({ engine });

      await assert.rejects(agent.connect({ host, port: 1 }), { code: "INVALID_ARGUMENT", message });
      await assert.rejects(other.listen({ host }), { code: "INVALID_ARGUMENT", message });
      await agent.stop();
    });
  }

  it("refuse a local name before anything is looked up", async () => {
    const message = 'localHost must be an IP address, not "eth0"';
    const agent = new TcpAgent({ engine });

    assert.throws(() => new TcpAgent({ engine, localHost: "eth0" }), { message });
    await assert.rejects(agent.connect({ host: "no.such.host", port: 1, localHost: "eth0" }), {
      message,
    });
    await agent.stop();
  });
});

describe("messages of HTTP clients", () => {
  const url = "http://no.such.host/";
  const calls: Readonly<Record<string, readonly [call: () => unknown, message: string]>> = {
    "a local name": [
      () => new HttpAgent({ localHost: "eth0" }),
      'localHost must be an IP address, not "eth0"',
    ],
    "an option of connect": [
      () => new HttpClient().connect(url, { timeout: 1 } as Anything),
      'connect has no option "timeout"; did you mean timeoutMs?',
    ],
    "an option of stop": [
      () => new HttpAgent().stop({ drain: 1 } as Anything),
      'stop has no option "drain"; did you mean drainMs?',
    ],
    "a length that the body has not": [
      () => new HttpAgent().request({ url, method: "POST", body: "abc", bodyLength: 9 }),
      "bodyLength is 9, but the body has 3 bytes",
    ],
  };

  for (const [what, [call, message]] of Object.entries(calls)) {
    it(`say what is wrong before anything is looked up: ${what}`, async () => {
      await assert.rejects(async () => call(), { code: "INVALID_ARGUMENT", message });
    });
  }
});

describe("messages of options", () => {
  const calls: Readonly<Record<string, readonly [call: () => unknown, message: string | RegExp]>> =
    {
      "a list for an object": [
        () => new TcpServer([] as Anything),
        "the options must be an object, not an empty array",
      ],
      "a name that no option has": [
        () => new TcpServer({ colour: 1 } as Anything),
        'there is no option "colour"',
      ],
      "a setting that is no handler": [
        () => new UdpServer({ reconnect: true } as Anything),
        'there is no option "reconnect"',
      ],
      "a port where it does not belong": [
        () => new TcpServer({ port: 80 } as Anything),
        'there is no option "port": it belongs to listen, connect or open',
      ],
      "an option where there are none": [
        () => (push as Anything)({ size: 1 }),
        'push has no option "size": it has none',
      ],
      "a path for a certificate": [
        () => new TcpServer({ engine: "node", tls: { cert: "server.pem", key: "server.key" } }),
        /^tls: cert or key is no PEM: certFile and keyFile take paths \(/,
      ],
      "text for compression": [
        () => new HttpServer({ onRequest() {}, compression: "gzip" as Anything }),
        'compression must be true, false or an object, not "gzip"',
      ],
      "a list of names and passwords": [
        () => new ProxyServer({ authenticate: ["me", "secret"] as Anything }),
        "authenticate must be a table { name: password } or a function, not an array",
      ],
      "text for a cookie store": [
        () => new CookieStore("cookies.txt" as Anything),
        'the options of CookieStore must be an object, not "cookies.txt"',
      ],
      "a path of a WebSocket": [
        () => new WebSocketServer({ path: "chat" }),
        'path must begin with "/", not "chat"',
      ],
      "text for a request": [
        () => new HttpAgent().request("http://a/" as Anything),
        'a request { url, … } must be an object, not "http://a/"',
      ],
      "a name without its unit": [
        () => new Relay({ to: ["127.0.0.1:1"], healthCheck: { every: 5 } as Anything }),
        'healthCheck has no option "every"; did you mean everyMs?',
      ],
      "a name of few": [
        () => new Relay({ sni: { "a.example": ["127.0.0.1:1"] } as Anything }),
        'sni has no option "a.example"; known: routes, choose, unnamed, unknown',
      ],
      "onConnect of a TCP server": [
        () => new TcpServer({ onConnect() {} } as Anything),
        'there is no option "onConnect"',
      ],
      "onConnect of a UDP server": [
        () => new UdpServer({ onConnect() {} } as Anything),
        'there is no option "onConnect"',
      ],
      "onPrepareConnect of an ARQ server": [
        () => new ArqServer({ onPrepareConnect() {} } as Anything),
        'there is no option "onPrepareConnect"',
      ],
      "onAccept of a client": [
        () => new TcpClient({ onAccept() {} } as Anything),
        'there is no option "onAccept"',
      ],
      "onRefuse of an agent": [
        () => new TcpAgent({ onRefuse() {} } as Anything),
        'there is no option "onRefuse"',
      ],
      "a number of a pool's agent": [
        () => new ConnectionPool({ destinations: [{ port: 1 }], agent: { maxPendingBytes: -1 } }),
        "agent.maxPendingBytes must be a whole number from 1 to 4294967296, not -1",
      ],
      "a name that a pool's agent has not": [
        () =>
          new ConnectionPool({ destinations: [{ port: 1 }], agent: { noDely: true } as Anything }),
        'agent has no option "noDely"; did you mean noDelay?',
      ],
      "an option of an option of a pool's agent": [
        () =>
          new ConnectionPool({
            destinations: [{ port: 1 }],
            agent: { tls: { minVersion: "TLSv1" as Anything } },
          }),
        'agent.tls.minVersion must be one of TLSv1.2, TLSv1.3, not "TLSv1"',
      ],
      "a handler of a pool's agent": [
        () =>
          new ConnectionPool({ destinations: [{ port: 1 }], agent: { onClose: 5 as Anything } }),
        "agent.onClose must be a function, not 5",
      ],
      "a number of the HTTP server below a WebSocket server": [
        () => new WebSocketServer({ http: { maxConnections: 0 } }),
        "http.maxConnections must be a whole number from 1 to 5000000, not 0",
      ],
      "a handler of the HTTP server below a WebSocket server": [
        () => new WebSocketServer({ http: { onRequest: 5 as Anything } }),
        "http.onRequest must be a function, not 5",
      ],
      "a number of compression, of HTTP and of WebSockets": [
        () => [
          assert.throws(() => new WebSocketServer({ compression: { level: 0 } }), {
            message: "compression.level must be a whole number from 1 to 9, not 0",
          }),
          new HttpServer({ onRequest() {}, compression: { maxCompressing: 0 } }),
        ],
        "compression.maxCompressing must be a whole number from 1 to 100000, not 0",
      ],
      "a limit of responses": [
        () => new HttpAgent({ limits: { maxHeaderCount: 0 } }),
        "limits.maxHeaderCount must be a whole number from 1 to 10000, not 0",
      ],
      "TLS of a relay to its destinations": [
        () => new Relay({ to: ["127.0.0.1:1"], toTls: { veryfy: "none" } as Anything }),
        'toTls has no option "veryfy"; did you mean verify?',
      ],
      "a network of access": [
        () => new TcpServer({ access: { deny: ["10.0.0.1/8"] } }),
        /^access\.deny: the network "10\.0\.0\.1\/8" /,
      ],
      "a network of relays": [
        () => new TcpServer({ proxyHeader: { from: 5 as Anything } }),
        "proxyHeader.from: networks must be a list, not 5",
      ],
      "ports of a proxy": [
        () => new ProxyServer({ destinations: { ports: 443 as Anything } }),
        "destinations.ports must be a list, not 443",
      ],
      "a list for the options of HTTP": [
        () => new HttpAgent([] as Anything),
        "the options must be an object, not an empty array",
      ],
      "both who can respond": [
        () => new HttpServer({ onRequest() {}, fetch: () => new Response() }),
        "an HTTP server needs either onRequest or fetch, not both",
      ],
      "a number for reconnect": [
        () => new TcpClient({ reconnect: 5 as Anything }),
        "reconnect must be true, false or an object, not 5",
      ],
      "what is no URL of a WebSocket": [
        () => new WebSocketClient().connect("x"),
        'url must be the URL of a WebSocket, not "x"',
      ],
      "a time of a pool's request": [
        () => new ConnectionPool({ destinations: [{ port: 1 }] }).request("x", { timeoutMs: -1 }),
        "timeoutMs must be a whole number from 0 to 2147483647, not -1",
      ],
      "data of a pool's request": [
        () => new ConnectionPool({ destinations: [{ port: 1 }] }).request(5 as Anything),
        "data must be text or a Uint8Array, not 5",
      ],
      "names of a certificate": [
        () => selfSignedCertificate({ names: "x" as Anything }),
        'certificate: names must be a list that is not empty, not "x"',
      ],
      "no options of the memory engine": [
        () => new MemoryEngine(null as Anything),
        "the options of MemoryEngine must be an object, not null",
      ],
      "a cookie of no URL": [
        () => new CookieStore().cookieHeader(undefined as Anything),
        "the URL must be an object, not undefined",
      ],
      "a destination of a pool as text": [
        () => new ConnectionPool({ destinations: ["127.0.0.1:5"] as Anything }),
        'a destination of a pool is { host, port }, not "127.0.0.1:5"',
      ],
      "a port instead of options, for a relay": [
        () => new Relay({ engine, to: ["127.0.0.1:1"] }).listen(5_555 as Anything),
        "the options of listen must be an object, not 5555",
      ],
      "a subprotocol that is no list": [
        () => new WebSocketClient().connect("ws://127.0.0.1:1/", { protocols: "v1" as Anything }),
        'protocols must be a list of subprotocols, not "v1"',
      ],
      "a group that is none": [
        () => new UdpCast().open({ group: "10.0.0.1", port: 5 }),
        `group must be a group's address, in 224.0.0.0/4 or ff00::/8, not "10.0.0.1"`,
      ],
      "a group of IPv6 that is none": [
        () => new UdpCast().open({ group: "fe80::1", port: 5 }),
        `group must be a group's address, in 224.0.0.0/4 or ff00::/8, not "fe80::1"`,
      ],
    };

  for (const [what, [call, message]] of Object.entries(calls)) {
    it(`say what is wrong: ${what}`, async () => {
      await assert.rejects(async () => call(), { code: "INVALID_ARGUMENT", message });
    });
  }
});
