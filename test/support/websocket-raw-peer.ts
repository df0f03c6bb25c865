/** The other end of a WebSocket, on a plain socket: writes what it is told, and writes down each frame that comes. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { until } from "./until.js";
import { type FrameShape, frame } from "./websocket-frames.js";

/** A frame as it came, unmasked. */
export interface SeenFrame {
  readonly fin: boolean;
  readonly rsv: number;
  readonly opcode: number;
  readonly isMasked: boolean;
  readonly payload: Buffer;
}

const NAMES: Readonly<Record<number, string>> = {
  0: "continuation",
  1: "text",
  2: "binary",
  8: "close",
  9: "ping",
  10: "pong",
};

/** The other end of a WebSocket connection, on a plain socket. */
export class RawPeer {
  readonly socket: Socket;
  readonly role: "server" | "client";
  readonly frames: SeenFrame[] = [];
  head = "";
  hasEnded = false;
  #bytes: Buffer = Buffer.alloc(0);
  /** What came behind them: joined when the frame under way is whole, not with each piece. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  /** Bytes of the frame under way, as far as they are known. */
  #neededBytes = 0;

  constructor(socket: Socket, role: "server" | "client") {
    this.socket = socket;
    this.role = role;
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("end", () => {
      this.hasEnded = true;
    });
    socket.on("close", () => {
      this.hasEnded = true;
    });
    socket.on("data", (bytes) => {
      this.#pieces.push(bytes);
      this.#pieceBytes += bytes.length;
      if (this.#bytes.length + this.#pieceBytes < this.#neededBytes) return;
      this.#bytes = Buffer.concat([this.#bytes, ...this.#pieces]);
      this.#pieces = [];
      this.#pieceBytes = 0;
      this.#neededBytes = 0;
      this.#read();
    });
  }

  /** What came, one line a frame: as `text hello`, `close 1002`, large payloads as their length. */
  get seen(): string[] {
    return this.frames.map(({ fin, rsv, opcode, payload }) => {
      const name = NAMES[opcode] ?? `opcode ${opcode}`;
      if (opcode === 8) {
        return payload.length === 0
          ? name
          : `close ${payload.readUInt16BE(0)}${payload.length > 2 ? " …" : ""}`;
      }
      const text = payload.length > 200 ? `${payload.length} bytes` : payload.toString("latin1");
      return `${name}${rsv === 0 ? "" : ` rsv ${rsv}`}${fin ? "" : " …"} ${text}`.trimEnd();
    });
  }

  #read(): void {
    if (this.head === "") {
      const end = this.#bytes.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.head = this.#bytes.toString("latin1", 0, end);
      this.#bytes = this.#bytes.subarray(end + 4);
    }
    for (let seen = this.#take(); seen !== undefined; seen = this.#take()) this.frames.push(seen);
  }

  #take(): SeenFrame | undefined {
    const bytes = this.#bytes;
    if (bytes.length < 2) return undefined;
    const first = bytes[0]!;
    const isMasked = (bytes[1]! & 0x80) !== 0;
    let length = bytes[1]! & 0x7f;
    let at = 2;
    if (length === 126) {
      if (bytes.length < 4) return undefined;
      length = bytes.readUInt16BE(2);
      at = 4;
    } else if (length === 127) {
      if (bytes.length < 10) return undefined;
      length = Number(bytes.readBigUInt64BE(2));
      at = 10;
    }
    const key = isMasked ? bytes.subarray(at, at + 4) : undefined;
    if (isMasked) at += 4;
    if (bytes.length < at + length) {
      this.#neededBytes = at + length;
      return undefined;
    }
    const payload = Buffer.from(bytes.subarray(at, at + length));
    if (key !== undefined) {
      for (let index = 0; index < length; index++) payload[index]! ^= key[index & 3]!;
    }
    this.#bytes = bytes.subarray(at + length);
    return { fin: first >= 0x80, rsv: (first >> 4) & 7, opcode: first & 15, isMasked, payload };
  }

  /** The bytes of frames, as this role has to send them. */
  bytesOf(shapes: readonly FrameShape[]): Buffer {
    const frames = shapes.map((shape) =>
      frame(this.role === "server" && !("key" in shape) ? { ...shape, key: undefined } : shape),
    );
    return frames.length === 1 ? frames[0]! : Buffer.concat(frames);
  }

  /** Writes bytes, in pieces of `chop`. */
  async write(bytes: Buffer, chop = 0): Promise<void> {
    if (chop === 0) {
      this.socket.write(bytes);
      return;
    }
    for (let at = 0; at < bytes.length; at += chop) {
      if (this.hasEnded) return;
      this.socket.write(bytes.subarray(at, at + chop));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Resolves when so many frames have come, or the connection has ended. */
  async got(count: number): Promise<void> {
    await until(() => this.frames.length >= count || this.hasEnded);
  }

  /** The connection ends. A server ends it itself when both have closed. */
  async ended(): Promise<void> {
    await until(() => this.hasEnded);
    this.socket.end();
  }
}

/** Connects to a server and upgrades. */
export async function rawClient(
  test: TestContext,
  port: number,
  fields: readonly string[] = [],
): Promise<RawPeer> {
  const socket = connect({ port, host: "127.0.0.1" });
  test.after(() => socket.destroy());
  const peer = new RawPeer(socket, "client");
  const lines = [
    "GET / HTTP/1.1",
    "Host: server.example",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    ...fields,
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  await until(() => peer.head !== "" || peer.hasEnded);
  assert.match(peer.head, /^HTTP\/1\.1 101 /);
  return peer;
}

/** A server for clients that are made by `connect`; resolves with its end of the first. */
export async function rawServer(
  test: TestContext,
  connect: (url: string) => Promise<unknown>,
  extensions?: string,
): Promise<RawPeer> {
  const peers: RawPeer[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const peer = new RawPeer(socket, "server");
    peers.push(peer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  test.after(() => {
    server.close();
    for (const { socket } of peers) socket.destroy();
  });
  const connecting = connect(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await until(() => (peers[0]?.head ?? "") !== "");
  const [peer] = peers;
  const key = /sec-websocket-key: (.*)/i.exec(peer!.head)?.[1]?.trim() ?? "";
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept.digest("base64")}`,
  ];
  if (extensions !== undefined) lines.push(`Sec-WebSocket-Extensions: ${extensions}`);
  peer!.socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  await connecting;
  return peer!;
}
