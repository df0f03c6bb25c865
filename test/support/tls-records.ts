/** A peer that makes its records of TLS 1.3 itself (RFC 8446 §5.2), so that they can be what no library sends. */
import { createCipheriv, createHmac } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";
import { Duplex } from "node:stream";
import type { TestContext } from "node:test";
import {
  connect as connectTls,
  createServer as createTlsServer,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from "node:tls";

const CIPHER = "TLS_AES_128_GCM_SHA256";
const KEY_BYTES = 16;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const LEGACY_VERSION = 0x0303;
const HEAD_BYTES = 5;

export const ALERT_TYPE = 21;
export const HANDSHAKE_TYPE = 22;
export const DATA_TYPE = 23;

/** Head of a record. */
export function recordHead(type: number, byteCount: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head[0] = type;
  head.writeUInt16BE(LEGACY_VERSION, 1);
  head.writeUInt16BE(byteCount, 3);
  return head;
}

/** HKDF-Expand-Label without a context (RFC 8446 §7.1), for at most one hash. */
function expand(secret: Buffer, label: string, byteCount: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.from([0, byteCount, name.length, ...name, 0, 1]);
  return createHmac("sha256", secret).update(info).digest().subarray(0, byteCount);
}

/** A peer that has shaken hands. */
export class RecordPeer {
  readonly #key: Buffer;
  readonly #iv: Buffer;
  readonly #send: (bytes: Buffer) => void;
  #sequence = 0n;

  constructor(secret: Buffer, send: (bytes: Buffer) => void) {
    this.#key = expand(secret, "key", KEY_BYTES);
    this.#iv = expand(secret, "iv", IV_BYTES);
    this.#send = send;
  }

  /** A record with this inside, and zeros behind it. */
  record(type: number, content: Buffer, paddingBytes = 0): Buffer {
    const inner = Buffer.concat([content, Buffer.of(type), Buffer.alloc(paddingBytes)]);
    const head = recordHead(DATA_TYPE, inner.length + TAG_BYTES);
    const nonce = Buffer.from(this.#iv);
    const last = nonce.readBigUInt64BE(IV_BYTES - 8) ^ this.#sequence++;
    nonce.writeBigUInt64BE(last, IV_BYTES - 8);
    const cipher = createCipheriv("aes-128-gcm", this.#key, nonce).setAAD(head);
    return Buffer.concat([head, cipher.update(inner), cipher.final(), cipher.getAuthTag()]);
  }

  send(bytes: Buffer): void {
    this.#send(bytes);
  }
}

/** Connects one. */
export async function recordPeer(test: TestContext, port: number): Promise<RecordPeer> {
  const socket = connect({ host: "127.0.0.1", port });
  test.after(() => socket.destroy());
  socket.on("error", () => {});
  const secure = connectTls({
    socket: wayOver(socket, () => false),
    rejectUnauthorized: false,
    ciphers: CIPHER,
  });
  secure.on("error", () => {});
  const secret = secretOf(secure, "CLIENT_TRAFFIC_SECRET_0");
  await new Promise((resolve) => secure.once("secureConnect", resolve));
  return new RecordPeer(await secret, (bytes) => void socket.write(bytes));
}

/** A server for one client, whose port is told; it says nothing behind the handshake by itself. */
export async function recordServer(
  test: TestContext,
  certificate: TlsOptions,
): Promise<{ readonly port: number; readonly peer: Promise<RecordPeer> }> {
  const listener = createServer();
  test.after(() => listener.close());
  await new Promise<void>((resolve) => {
    listener.listen({ host: "127.0.0.1", port: 0 }, resolve);
  });
  const address = listener.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const peer = new Promise<Socket>((resolve) => {
    listener.once("connection", resolve);
  }).then(async (socket) => {
    test.after(() => socket.destroy());
    socket.on("error", () => {});
    // Hello, change of ciphers, and four ciphered messages: what follows is tickets.
    let left = 6;
    const server = createTlsServer({ ...certificate, ciphers: CIPHER });
    const secret = secretOf(server, "SERVER_TRAFFIC_SECRET_0");
    server.on("tlsClientError", () => {});
    const secured = new Promise((resolve) => server.once("secureConnection", resolve));
    server.emit(
      "connection",
      wayOver(socket, () => left-- <= 0),
    );
    await secured;
    return new RecordPeer(await secret, (bytes) => void socket.write(bytes));
  });
  return { port, peer };
}

/** The way of Node's own records, but for those that are to be left out; ours go beside it. */
function wayOver(socket: Socket, isLeftOut: () => boolean): Duplex {
  const way = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      const kept: Buffer[] = [];
      for (let at = 0; at < chunk.length; ) {
        const end = at + HEAD_BYTES + chunk.readUInt16BE(at + 3);
        if (!isLeftOut()) kept.push(chunk.subarray(at, end));
        at = end;
      }
      socket.write(Buffer.concat(kept), () => done());
    },
  });
  socket.on("data", (bytes) => way.push(bytes));
  return way;
}

/** A secret, as Node tells it for its file of keys. */
function secretOf(secure: TLSSocket | Server, wanted: string): Promise<Buffer> {
  return new Promise((resolve) => {
    secure.on("keylog", (line: Buffer) => {
      const [label, , value] = line.toString().trim().split(" ");
      if (label === wanted) resolve(Buffer.from(value ?? "", "hex"));
    });
  });
}
