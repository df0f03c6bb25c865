/**
 * What compiles and what does not, as a user sees it. Compiled with the tests, never run: a line below
 * `@ts-expect-error` that compiles is an error.
 */
import {
  type Address,
  CidrSet,
  type CloseReason,
  type Connection,
  type ConnectionSettings,
  delimiter,
  type EngineChoice,
  type IpAddress,
  NetError,
  type NetErrorCode,
  PROXY_TLV,
  type ProxyHeader,
  type ProxySsl,
  pack,
  proxySsl,
  proxyTlvText,
  pull,
  push,
  type ReceiveModel,
  type SendResult,
  TcpAgent,
  TcpClient,
  TcpServer,
  type TcpTarget,
} from "hp-socket";
import { MemoryEngine } from "hp-socket/testing";

interface Device {
  readonly since: number;
}

declare const chosen: boolean;
declare const connection: Connection;

/** Says what type a value has, no wider and no narrower. */
function exactly<Expected>() {
  return <Actual>(
    _value: Actual,
    ..._same: [Actual] extends [Expected] ? ([Expected] extends [Actual] ? [] : [never]) : [never]
  ): void => {};
}

// — what onReceive gets follows from the model —

new TcpServer({ onReceive: (_, bytes) => exactly<Buffer>()(bytes) });
new TcpServer({ receive: push(), onReceive: (_, bytes) => exactly<Buffer>()(bytes) });
new TcpServer({ receive: pack(), onReceive: (_, packet) => exactly<Buffer>()(packet) });
new TcpServer({ receive: pull(), onReceive: (_, unread) => exactly<number>()(unread) });
new TcpAgent({ receive: pull(), onReceive: (_, unread) => exactly<number>()(unread) });
new TcpClient({ receive: pull(), onReceive: (_, unread) => exactly<number>()(unread) });
new TcpServer({
  receive: pull(),
  // @ts-expect-error: pull gives a count
  onReceive: (_, bytes: Buffer) => bytes.length,
});
new TcpServer({
  receive: pack(),
  // @ts-expect-error: pack gives bytes
  onReceive: (_, packet) => packet.toFixed(),
});

// — a model that is chosen at run time —

const model = chosen ? pull() : delimiter();
new TcpServer({ receive: model, onReceive: (_, got) => exactly<Buffer | number>()(got) });
new TcpAgent({ receive: model, onReceive: (_, got) => exactly<Buffer | number>()(got) });
new TcpClient({ receive: model, onReceive: (_, got) => exactly<Buffer | number>()(got) });
export const anyModel: ReceiveModel = model;
new TcpServer({
  receive: model,
  // @ts-expect-error: it may give a count
  onReceive: (_, bytes: Buffer) => bytes.length,
});

// — a component of any model and context can be handed on —

function takesServer(server: TcpServer): number {
  return server.connectionCount;
}
function takesAgent(agent: TcpAgent): number {
  return agent.connectionCount;
}
function takesClient(client: TcpClient): number {
  return client.connectionCount;
}
takesServer(new TcpServer({ receive: pull() }));
takesServer(new TcpServer({ receive: model }));
takesServer(new TcpServer({ context: (): Device => ({ since: 1 }) }));
takesServer(new TcpServer<number, Device>({ receive: pull(), context: () => ({ since: 1 }) }));
takesAgent(new TcpAgent({ receive: pull(), context: () => "text" }));
takesClient(new TcpClient({ receive: pull() }));
// @ts-expect-error: an agent is no server
takesServer(new TcpAgent());

// — the context —

new TcpServer({
  context: (): Device => ({ since: 1 }),
  onReceive: ({ context }) => exactly<Device>()(context),
});
new TcpServer({ onReceive: ({ context }) => exactly<unknown>()(context) });
// @ts-expect-error: nobody makes the context
new TcpServer<Buffer, Device>({ onReceive() {} });
// @ts-expect-error: the same
new TcpAgent<Buffer, Device>({});
// @ts-expect-error: the same
new TcpClient<Buffer, Device>({});
new TcpServer<Buffer, Device | undefined>({
  onReceive: ({ context }) => exactly<Device | undefined>()(context),
});
new TcpServer<Buffer, Device>({ context: () => ({ since: 1 }) }).broadcast("x", {
  filter: ({ context }) => context.since > 0,
});

// — addresses —

export const peerHost: string | undefined = connection.remoteAddress?.host;
export const peerPort: number | undefined = connection.localAddress?.port;
export function where(address: Address): string {
  return "path" in address ? address.path : `${address.host}:${address.port}`;
}
export function sorted(address: Address): string {
  return address.host === undefined ? address.path : address.host;
}
export const listening: Promise<IpAddress> = new TcpServer().listen({ port: 0 });
export const listeningOnPath: Promise<Address> = new TcpServer().listen({ path: "/x" });
// @ts-expect-error: on a path it is no IP address
export const notIp: Promise<IpAddress> = new TcpServer().listen({ path: "/x" });
export const again = async (server: TcpServer): Promise<Address> =>
  server.listen(await server.listen());
export const there = async (server: TcpServer, agent: TcpAgent): Promise<Connection> =>
  agent.connect(await server.listen());
export const toAny = (agent: TcpAgent, address: Address): Promise<Connection> =>
  agent.connect(address);

// — engines —

new TcpServer({ engine: "auto" });
new TcpServer({ engine: "uring" });
new TcpServer({ engine: new MemoryEngine() });
// @ts-expect-error: a memory engine is made and handed over
new TcpServer({ engine: "memory" });
// @ts-expect-error: there is none of this name
export const engine: EngineChoice = "iocp";

// — what send answers, and what refuses —

exactly<SendResult>()(connection.send("x"));
exactly<Promise<SendResult>>()(connection.sendSmallFile("x"));
exactly<SendResult>()(new TcpServer().send(1, "x"));
new TcpServer({ onHandshake: (peer) => peer.send("hello"), onAccept: () => false });
new TcpServer({ onHandshake: async (peer) => peer.isOpen });
// @ts-expect-error: a verdict is no number
new TcpServer({ onHandshake: () => 1 });
// @ts-expect-error: data is text or bytes
connection.send({ text: "x" });
// @ts-expect-error: a number is no data
connection.send(1);

// — settings are read-only, options are known —

const server = new TcpServer();
// @ts-expect-error: configure changes them
server.settings = {} as ConnectionSettings;
// @ts-expect-error: the same
server.settings.idleTimeoutMs = 1;
// @ts-expect-error: the same
connection.id = 1;
// @ts-expect-error: the same
server.state = "started";
server.configure({ idleTimeoutMs: 1, duplicateKey: "keep" });
// @ts-expect-error: there is no such rule
server.configure({ duplicateKey: "throw" });
// @ts-expect-error: there is no such option
new TcpServer({ onRecieve() {} });
// @ts-expect-error: there is no such option
server.listen({ prot: 1 });
// @ts-expect-error: a server's is no client's
new TcpClient({ tls: { clientCertificate: "require" } });

// — what has ended, and errors —

new TcpServer({ onClose: (_, reason) => exactly<CloseReason>()(reason) });
export const code: NetErrorCode = new NetError("DEADLINE_PASSED").code;
// @ts-expect-error: there is no such code
new NetError("NO_SUCH_CODE");
exactly<string | undefined>()(connection.remoteHost);
exactly<unknown>()(connection.key);
exactly<boolean>()(connection.setDeadline(1, "why"));

// — who may come in —

new TcpServer({
  access: { allow: ["10.0.0.0/8"], deny: new CidrSet(["10.0.0.1"]), maxConnectionsPerAddress: 1 },
  proxyHeader: { from: ["10.0.0.0/8"], timeoutMs: 1_000 },
  onAccept: ({ proxyHeader }) => {
    exactly<ProxyHeader | undefined>()(proxyHeader);
    if (proxyHeader !== undefined) {
      exactly<string | undefined>()(proxyTlvText(proxyHeader, PROXY_TLV.authority));
      exactly<ProxySsl | undefined>()(proxySsl(proxyHeader));
    }
  },
  onRefuse: (error, from) => {
    exactly<NetError>()(error);
    exactly<Address | undefined>()(from);
  },
});
// @ts-expect-error: networks are text, or a set
new TcpServer({ access: { allow: [10] } });
// @ts-expect-error: from whom a header is required has to be said
new TcpServer({ proxyHeader: {} });
// @ts-expect-error: a client lets nobody in
new TcpClient({ access: { allow: [] } });
// @ts-expect-error: nor does an agent
new TcpAgent({ proxyHeader: { from: [] } });
new TcpServer().configure({ idleTimeoutMs: 1 });

// — reconnecting —

new TcpClient<Buffer, Device>({
  context: () => ({ since: 1 }),
  reconnect: {
    firstDelayMs: 1,
    targets: [{ port: 1 }, { host: "h", port: 2 }],
    greeting: () => Buffer.alloc(1),
    shouldReconnect: (reason, attempt) => {
      exactly<CloseReason>()(reason);
      return attempt < 3;
    },
  },
  onReconnecting(client, attempt, delayMs, reason, unsentBytes) {
    exactly<TcpClient<Buffer, Device>>()(client);
    exactly<CloseReason>()(reason);
    exactly<number>()(attempt + delayMs + unsentBytes + client.context.since);
  },
});
new TcpAgent<Buffer, Device>({
  context: () => ({ since: 1 }),
  reconnect: true,
  onReconnected(target, attempt) {
    exactly<TcpTarget<Device>>()(target);
    exactly<number>()(attempt + target.context.since);
    exactly<number | undefined>()(target.destination.port);
    exactly<SendResult>()(target.send("x"));
  },
  // @ts-expect-error: the second argument is a number
  onGiveUp: (_, lostBytes: string) => void lostBytes,
});
void new TcpAgent().connect({ port: 1, reconnect: { maxAttempts: 1 } });
// @ts-expect-error: a client has one set of options
void new TcpClient().connect({ port: 1, reconnect: true });
// @ts-expect-error: no such option
new TcpClient({ reconnect: { delayMs: 1 } });
// @ts-expect-error: servers make no connections
new TcpServer({ reconnect: true });
