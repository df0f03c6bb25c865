/** A peer that makes its records of TLS 1.3 itself (RFC 8446 §5.2), so that they can be what no library sends. */
import { createCipheriv, createHmac } from "node:crypto";
import { connect } from "node:net";
import { Duplex } from "node:stream";
import type { TestContext } from "node:test";
import { connect as connectTls } from "node:tls";

const CIPHER = "TLS_AES_128_GCM_SHA256";
const KEY_BYTES = 16;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const LEGACY_VERSION = 0x0303;

export const HANDSHAKE_TYPE = 22;
export const DATA_TYPE = 23;

/** Head of a record. */
export function recordHead(type: number, byteCount: number): Buffer {
  const head = Buffer.alloc(5);
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

/** A client that has shaken hands. */
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
  // The way of Node's own records; ours go beside it.
  const way = new Duplex({
    read() {},
    write: (chunk, _encoding, done) => void socket.write(chunk, () => done()),
  });
  socket.on("data", (bytes) => way.push(bytes));
  const secure = connectTls({ socket: way, rejectUnauthorized: false, ciphers: CIPHER });
  secure.on("error", () => {});
  let secret: Buffer | undefined;
  secure.on("keylog", (line: Buffer) => {
    const [label, , value] = line.toString().trim().split(" ");
    if (label === "CLIENT_TRAFFIC_SECRET_0") secret = Buffer.from(value ?? "", "hex");
  });
  await new Promise((resolve) => secure.once("secureConnect", resolve));
  if (secret === undefined) throw new Error("Node tells no secret");
  return new RecordPeer(secret, (bytes) => void socket.write(bytes));
}
