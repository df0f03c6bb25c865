/** A server and clients with TLS on the loopback, which end with their test. */
import { Buffer } from "node:buffer";
import { connect as connectSocket, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import {
  type ClientTls,
  type CloseReason,
  type Connection,
  NetError,
  type ServerTls,
  TcpClient,
  type TcpClientOptions,
  TcpServer,
  type TcpServerOptions,
} from "hp-socket";

/** A server with TLS and what has happened to it. */
export class SecureServer {
  readonly server: TcpServer;
  readonly accepted: Connection[] = [];
  readonly secured: Connection[] = [];
  readonly reasons: CloseReason[] = [];
  readonly refused: NetError[] = [];
  port = 0;

  constructor(tls: ServerTls, options: TcpServerOptions = {}) {
    this.server = new TcpServer({
      onReceive: (connection, bytes) => {
        connection.send(bytes);
      },
      ...options,
      tls,
      onAccept: (connection) => {
        this.accepted.push(connection);
        return options.onAccept?.(connection);
      },
      onHandshake: (connection) => {
        this.secured.push(connection);
        return options.onHandshake?.(connection);
      },
      onRefuse: (error) => {
        this.refused.push(error);
      },
      onClose: (connection, reason) => {
        this.reasons.push(reason);
        options.onClose?.(connection, reason);
      },
    });
  }

  /** Handshakes under way. */
  get underWayCount(): number {
    return this.server.stats.handshakeCount;
  }
}

/** Starts a server that echoes. */
export async function secureServer(
  test: TestContext,
  tls: ServerTls,
  options: TcpServerOptions = {},
): Promise<SecureServer> {
  const world = new SecureServer(tls, options);
  test.after(() => world.server.stop({ drainMs: 0 }));
  await world.server.listen({ host: "127.0.0.1" });
  world.port = world.server.port;
  return world;
}

/** A client that is not connected yet. */
export function secureClient(
  test: TestContext,
  tls: ClientTls,
  options: TcpClientOptions = {},
): TcpClient {
  const client = new TcpClient({ ...options, tls });
  test.after(() => client.stop({ drainMs: 0 }));
  return client;
}

/** Connects to `localhost`. */
export async function connected(client: TcpClient, port: number): Promise<TcpClient> {
  return await client.connect({ host: "localhost", port, family: "IPv4" });
}

/** The error with which connecting fails. */
export async function connectError(client: TcpClient, port: number): Promise<NetError> {
  try {
    await connected(client, port);
  } catch (error) {
    if (error instanceof NetError) return error;
    throw error;
  }
  throw new Error("the client was connected");
}

/** A peer of node:tls. */
export function tlsPeer(
  test: TestContext,
  port: number,
  options: ConnectionOptions = {},
): Promise<TLSSocket> {
  const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options });
  test.after(() => socket.destroy());
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      socket.off("error", reject);
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}

/** A plain peer. */
export function plainPeer(test: TestContext, port: number): Promise<Socket> {
  const socket = connectSocket({ host: "127.0.0.1", port, allowHalfOpen: true });
  socket.on("error", () => {});
  test.after(() => socket.destroy());
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(socket));
  });
}

/** The first bytes that a client of node:tls sends: its ClientHello. */
export async function clientHello(test: TestContext): Promise<Buffer> {
  const server = createServer();
  test.after(() => server.close());
  await new Promise<void>((resolve) => {
    server.listen({ host: "127.0.0.1", port: 0 }, resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const received = new Promise<Buffer>((resolve) => {
    server.once("connection", (socket) => {
      socket.on("error", () => {});
      socket.once("data", (bytes) => {
        resolve(bytes);
        socket.destroy();
      });
    });
  });
  const peer = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false });
  peer.on("error", () => {});
  return await received;
}

/** A way in between, which can cut what goes to one side. */
export interface Relay {
  readonly port: number;
  /** From now on `byteCount` bytes of the client go on to the server, then a FIN. */
  cutAfter(byteCount: number): void;
  /** Puts bytes in that neither side has sent. */
  inject(to: "client" | "server", bytes: Uint8Array): void;
  /** Bytes of the client that went on. */
  readonly passedBytes: number;
}

/** Starts a relay to `port` for one client. */
export async function startRelay(test: TestContext, port: number): Promise<Relay> {
  let left = Number.POSITIVE_INFINITY;
  let passedBytes = 0;
  const sockets: Socket[] = [];
  const relay = createServer({ allowHalfOpen: true }, (client) => {
    const server = connectSocket({ host: "127.0.0.1", port, allowHalfOpen: true });
    sockets.push(client, server);
    for (const socket of [client, server]) socket.on("error", () => {});
    client.on("data", (bytes) => {
      if (left === 0) return;
      const part = bytes.subarray(0, left);
      left -= part.length;
      passedBytes += part.length;
      server.write(part);
      if (left === 0) server.end();
    });
    client.on("end", () => server.end());
    server.on("data", (bytes) => client.write(bytes));
    server.on("end", () => client.end());
  });
  test.after(() => {
    relay.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>((resolve) => {
    relay.listen({ host: "127.0.0.1", port: 0 }, resolve);
  });
  const address = relay.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    cutAfter(byteCount) {
      left = byteCount;
      if (byteCount === 0) sockets[1]?.end();
    },
    inject(to, bytes) {
      sockets[to === "client" ? 0 : 1]?.write(bytes);
    },
    get passedBytes() {
      return passedBytes;
    },
  };
}

/** Reads `byteCount` bytes from a socket of Node. */
export async function readBytes(socket: Socket, byteCount: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  while (length < byteCount) {
    const piece = await new Promise<Buffer>((resolve, reject) => {
      const settle = (task: () => void): void => {
        socket.off("data", onData).off("end", onEnd).off("error", onError);
        socket.pause();
        task();
      };
      const onData = (bytes: Buffer): void => settle(() => resolve(bytes));
      const onEnd = (): void => settle(() => reject(new Error("the socket has ended")));
      const onError = (error: Error): void => settle(() => reject(error));
      socket.on("data", onData).on("end", onEnd).on("error", onError);
      socket.resume();
    });
    pieces.push(piece);
    length += piece.length;
  }
  return Buffer.concat(pieces);
}
