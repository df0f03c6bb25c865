/** Proxies for tests, by node:net: SOCKS as it is scripted, and a tunnel behind it. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import type { NetError } from "hp-socket";
import type { SocksCredentials } from "#src/protocol/socks/socks-client.js";
import { REPLY, type Reply } from "#src/protocol/socks/socks-reply.js";
import {
  type SocksRequest,
  SocksServer,
  type SocksServerSink,
} from "#src/protocol/socks/socks-server.js";

/** A proxy that listens. */
export interface ScriptedProxy {
  readonly port: number;
  readonly requests: readonly SocksRequest[];
  readonly credentials: readonly SocksCredentials[];
  readonly sockets: readonly Socket[];
}

/** What the proxy does. */
export interface ProxyScript {
  /** The password it wants. */
  readonly password?: string;
  /** What it replies instead of connecting. */
  readonly reply?: Reply;
  /** Names it knows; others are taken for addresses. */
  readonly hosts?: Readonly<Record<string, string>>;
}

/** A SOCKS proxy, of all versions, on a port of its own. */
export async function socksProxy(
  test: TestContext,
  script: ProxyScript = {},
): Promise<ScriptedProxy> {
  const requests: SocksRequest[] = [];
  const credentials: SocksCredentials[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    new Client(socket, script, { requests, credentials, sockets });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  test.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, requests, credentials, sockets };
}

interface Notes {
  readonly requests: SocksRequest[];
  readonly credentials: SocksCredentials[];
  readonly sockets: Socket[];
}

class Client implements SocksServerSink {
  readonly #server = new SocksServer();
  readonly #socket: Socket;
  readonly #script: ProxyScript;
  readonly #notes: Notes;
  #onward: Socket | undefined;

  constructor(socket: Socket, script: ProxyScript, notes: Notes) {
    this.#socket = socket;
    this.#script = script;
    this.#notes = notes;
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      const taken = this.#server.feed(bytes, this);
      if (taken < bytes.length) this.#onward?.write(bytes.subarray(taken));
    });
    socket.on("end", () => this.#onward?.end());
  }

  socksMethods(): void {
    const method = this.#script.password === undefined ? "none" : "password";
    this.#socket.write(this.#server.chooseMethod(method));
  }

  socksCredentials(credentials: SocksCredentials): void {
    this.#notes.credentials.push(credentials);
    const isGood = credentials.password === this.#script.password;
    const answer = this.#server.answerCredentials(isGood);
    if (isGood) this.#socket.write(answer);
    else this.#socket.end(answer);
  }

  socksRequest(request: SocksRequest): void {
    this.#notes.requests.push(request);
    const { reply, hosts = {} } = this.#script;
    if (reply !== undefined) {
      this.#socket.end(this.#server.replyBytes(reply));
      return;
    }
    const { host, port } = request.target;
    const onward = connect({ host: hosts[host] ?? host, port }, () => {
      this.#socket.write(this.#server.replyBytes(REPLY.succeeded));
      onward.pipe(this.#socket);
    });
    this.#onward = onward;
    this.#notes.sockets.push(onward);
    onward.on("error", () => this.#socket.end(this.#server.replyBytes(REPLY.refused)));
  }

  socksFailed(_error: NetError, reply: Buffer | undefined): void {
    if (reply !== undefined) this.#socket.write(reply);
    this.#socket.end();
  }
}
