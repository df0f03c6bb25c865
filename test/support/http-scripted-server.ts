/** Servers on the loopback whose every byte a script decides, and plain servers of Node. */
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import {
  createServer as createHttpsServer,
  type Server as HttpsServer,
  type ServerOptions as HttpsServerOptions,
} from "node:https";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { until } from "./until.js";

/** One connection of a scripted server. */
export class ScriptedPeer {
  readonly socket: Socket;
  /** Number of the connection, from 0. */
  readonly index: number;
  /** All that came, as Latin-1. */
  received = "";
  hasEnded = false;
  isClosed = false;
  #taken = 0;

  constructor(socket: Socket, index: number) {
    this.socket = socket;
    this.index = index;
    socket.on("data", (bytes) => {
      this.received += bytes.toString("latin1");
    });
    socket.on("end", () => {
      this.hasEnded = true;
    });
    socket.on("close", () => {
      this.isClosed = true;
    });
    socket.on("error", () => {});
  }

  /** The next request: its head, and its body by Content-Length or chunks, as they came. */
  async request(): Promise<string> {
    let end = -1;
    await until(() => {
      end = requestEnd(this.received, this.#taken);
      return end >= 0 || this.isClosed || this.hasEnded;
    });
    if (end < 0) throw new Error(`no whole request in ${JSON.stringify(this.received)}`);
    const text = this.received.slice(this.#taken, end);
    this.#taken = end;
    return text;
  }

  /** Resolves when the client has finished or is gone. Node takes a reset right behind bytes for an end. */
  async ended(): Promise<void> {
    await until(() => this.hasEnded || this.isClosed);
  }

  send(text: string | Uint8Array): void {
    if (typeof text === "string") this.socket.write(text, "latin1");
    else this.socket.write(text);
  }

  /** Sends an answer with Content-Length. */
  answer(body = "", head = ""): void {
    this.send(`HTTP/1.1 200 OK\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}`);
  }

  /** Sends FIN. */
  finish(): void {
    this.socket.end();
  }

  /** Sends RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }
}

function requestEnd(text: string, from: number): number {
  const headEnd = text.indexOf("\r\n\r\n", from);
  if (headEnd < 0) return -1;
  const head = text.slice(from, headEnd).toLowerCase();
  const bodyStart = headEnd + 4;
  if (head.includes("\r\ntransfer-encoding: chunked")) {
    const last = text.indexOf("0\r\n\r\n", bodyStart);
    return last < 0 ? -1 : last + 5;
  }
  const length = Number(/\r\ncontent-length: (\d+)/.exec(head)?.[1] ?? 0);
  return text.length < bodyStart + length ? -1 : bodyStart + length;
}

/** A scripted server that listens. */
export interface ScriptedServer {
  readonly port: number;
  /** `http://127.0.0.1:port`. */
  readonly origin: string;
  /** Connections that came so far. */
  readonly peers: readonly ScriptedPeer[];
  /** Takes no more connections; those that are there stay. Answers whether it took some before. */
  close(): Promise<boolean>;
}

/** Plays `script` with each connection. What a script throws fails the test when it ends. */
export async function scriptedServer(
  test: TestContext,
  script: (peer: ScriptedPeer) => Promise<unknown>,
): Promise<ScriptedServer> {
  const peers: ScriptedPeer[] = [];
  const failures: unknown[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const peer = new ScriptedPeer(socket, peers.length);
    peers.push(peer);
    script(peer).catch((error: unknown) => {
      failures.push(error);
      socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  test.after(() => {
    server.close();
    for (const { socket } of peers) socket.destroy();
    if (failures.length > 0) throw failures[0];
  });
  const close = async (): Promise<boolean> => {
    const { listening } = server;
    server.close();
    await until(() => !server.listening);
    return listening;
  };
  return { port, origin: `http://127.0.0.1:${port}`, peers, close };
}

/** A server of Node that listens. */
export interface NodeServer {
  readonly server: HttpServer;
  readonly port: number;
  readonly origin: string;
}

/** Starts a server of Node that ends with the test. */
export async function nodeServer(
  test: TestContext,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<NodeServer> {
  const server = createHttpServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  test.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { server, port, origin: `http://127.0.0.1:${port}` };
}

/** A server of Node with TLS that listens. */
export interface SecureNodeServer {
  readonly server: HttpsServer;
  readonly port: number;
  /** `https://localhost:port`. */
  readonly origin: string;
}

/** Starts a server of Node with TLS that ends with the test. */
export async function secureNodeServer(
  test: TestContext,
  options: HttpsServerOptions,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<SecureNodeServer> {
  const server = createHttpsServer(options, handler);
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  test.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { server, port, origin: `https://localhost:${port}` };
}

/** All bytes of a request's body. */
export async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const bytes of request) body += bytes;
  return body;
}
