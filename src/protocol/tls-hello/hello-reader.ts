/**
 * Takes the first bytes of a TLS client, in whichever pieces they come, until its ClientHello is whole. All that
 * came is kept, to be passed on.
 *
 *     record: u8 type 22 │ u16 version 3.x │ u16 length │ a piece of the message
 *
 * A message may be spread over records, and a record over pieces (RFC 8446 §5.1). Invariants: no byte is looked at
 * twice; what is kept is never longer than `maxBytes` and the piece that came last.
 */
import { Buffer } from "node:buffer";
import { NetError } from "../../errors.js";
import { CLIENT_HELLO, type ClientHello, malformed, parseClientHello } from "./client-hello.js";

const HANDSHAKE_RECORD = 22;
const MAJOR_VERSION = 3;
const RECORD_HEAD_BYTES = 5;
const MAX_RECORD_BYTES = 16_384;
const MESSAGE_HEAD_BYTES = 4;
const FIRST_ROOM_BYTES = 2_048;

/** Default of the longest ClientHello. Those of today have 300 to 2,000 bytes. */
export const MAX_HELLO_BYTES = 16_384;

/** Takes the first bytes of a TLS client. */
export class HelloReader {
  private readonly maxBytes: number;
  /** All that came. */
  private kept: Buffer = Buffer.alloc(FIRST_ROOM_BYTES);
  private keptBytes = 0;
  /** How far records were read. */
  private readBytes = 0;
  /** Bytes that are missing of the record that was begun. */
  private recordLeft = 0;
  /** The message, without heads of records. */
  private message: Buffer = Buffer.alloc(FIRST_ROOM_BYTES);
  private messageBytes = 0;

  /** `maxBytes`: the longest message, and the most that is kept for it with the heads of its records. */
  constructor(maxBytes: number = MAX_HELLO_BYTES) {
    this.maxBytes = maxBytes;
  }

  /** All that came so far. */
  get bytes(): Buffer {
    return this.kept.subarray(0, this.keptBytes);
  }

  /**
   * Takes more. Returns the ClientHello when it is whole, undefined while it is not. Throws `TLS_FAILED` for what is
   * none, or too long. Not called any more after either.
   */
  feed(bytes: Uint8Array): ClientHello | undefined {
    this.keep(bytes);
    for (;;) {
      if (this.recordLeft > 0) {
        if (this.readBytes === this.keptBytes) break;
        this.readPiece();
        const hello = this.wholeHello();
        if (hello !== undefined) return hello;
      } else if (!this.readHead()) break;
    }
    if (this.keptBytes > this.maxBytes) throw this.tooLong();
    return undefined;
  }

  private keep(bytes: Uint8Array): void {
    this.kept = withRoom(this.kept, this.keptBytes, bytes.length);
    this.kept.set(bytes, this.keptBytes);
    this.keptBytes += bytes.length;
  }

  /** Reads the head of a record. False where it is not there yet; what of it is there is looked at. */
  private readHead(): boolean {
    const { kept, readBytes } = this;
    const there = this.keptBytes - readBytes;
    if (there > 0 && kept[readBytes] !== HANDSHAKE_RECORD) {
      throw malformed(`byte ${readBytes} is no record of a handshake`);
    }
    if (there > 1 && kept[readBytes + 1] !== MAJOR_VERSION) throw malformed("it is no TLS");
    if (there < RECORD_HEAD_BYTES) return false;
    const length = kept.readUInt16BE(readBytes + 3);
    if (length === 0 || length > MAX_RECORD_BYTES) {
      throw malformed(`a record has ${length} bytes`);
    }
    this.readBytes += RECORD_HEAD_BYTES;
    this.recordLeft = length;
    return true;
  }

  private readPiece(): void {
    const { kept, readBytes } = this;
    const end = Math.min(readBytes + this.recordLeft, this.keptBytes);
    const byteCount = end - readBytes;
    this.message = withRoom(this.message, this.messageBytes, byteCount);
    kept.copy(this.message, this.messageBytes, readBytes, end);
    this.messageBytes += byteCount;
    this.recordLeft -= byteCount;
    this.readBytes = end;
  }

  private wholeHello(): ClientHello | undefined {
    const { message, messageBytes } = this;
    if (message[0] !== CLIENT_HELLO) throw malformed("its first message is no ClientHello");
    if (messageBytes < MESSAGE_HEAD_BYTES) return undefined;
    const end = MESSAGE_HEAD_BYTES + message.readUIntBE(1, 3);
    if (end > this.maxBytes) throw this.tooLong();
    if (messageBytes < end) return undefined;
    return parseClientHello(message.subarray(MESSAGE_HEAD_BYTES, end));
  }

  private tooLong(): NetError {
    const text = `the client's TLS begins with more than maxHelloBytes (${this.maxBytes})`;
    return new NetError("TLS_FAILED", text, { operation: "handshake" });
  }
}

/** The same bytes, with room for so many more. */
function withRoom(bytes: Buffer, used: number, more: number): Buffer {
  if (bytes.length - used >= more) return bytes;
  const larger = Buffer.alloc(Math.max(2 * bytes.length, used + more));
  bytes.copy(larger, 0, 0, used);
  return larger;
}
