/**
 * Finds out that a peer floods us with records of TLS that bring no data: renewed keys, tickets, refused
 * renegotiations.
 * Node deciphers and answers them silently. So whenever the stream is looked at (`stream-rounds.ts`), what was
 * read of cipher text is compared with what came out of it, and the cipher text that waits to be sent with what the
 * application writes: what is beyond that are answers, which the peer does not read.
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { NetError } from "../../errors.js";
import { MAX_ANSWER_BYTES, tooManyAnswers } from "../tls/unread-answers.js";
import { waitingBytes } from "./taken-by-kernel.js";

/** Cipher text without a byte of data in it: 4 records of the largest size, or 2,400 renewed keys. */
export const MAX_EMPTY_CIPHER_BYTES: number = 65_536;

/** A record adds less than 128 bytes to its 16 KiB of data: this share of what is written. */
const RECORD_SHARE = 1 / 128;

/** What one secured stream was sent. */
export class RecordFlood {
  private readonly secure: TLSSocket;
  private readonly plain: Socket;
  /** Of data, when we looked last. */
  private dataBytes = 0;
  /** Of cipher text, when data was seen last. */
  private cipherBytes: number;

  /** The handshake on `plain` is done, as `secure`. */
  constructor(secure: TLSSocket, plain: Socket) {
    this.secure = secure;
    this.plain = plain;
    this.cipherBytes = plain.bytesRead;
  }

  /** Looks at the stream: why it has to end, or undefined. */
  look(): NetError | undefined {
    return this.answerBytes() > MAX_ANSWER_BYTES ? tooManyAnswers() : this.emptyRecords();
  }

  /** Waiting cipher text that is not the application's; 0 where Node does not tell. */
  private answerBytes(): number {
    const { writableLength } = this.secure;
    return (waitingBytes(this.secure) ?? 0) - writableLength * (1 + RECORD_SHARE);
  }

  private emptyRecords(): NetError | undefined {
    const dataBytes = this.secure.bytesRead;
    const cipherBytes = this.plain.bytesRead;
    if (dataBytes !== this.dataBytes) {
      this.dataBytes = dataBytes;
      this.cipherBytes = cipherBytes;
      return undefined;
    }
    const emptyBytes = cipherBytes - this.cipherBytes;
    if (emptyBytes <= MAX_EMPTY_CIPHER_BYTES) return undefined;
    const text =
      `the peer has sent ${emptyBytes} bytes of records in a row without data, ` +
      `more than ${MAX_EMPTY_CIPHER_BYTES}`;
    return new NetError("TLS_FAILED", text, { operation: "receive" });
  }
}
