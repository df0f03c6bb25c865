/**
 * One session of TLS: cipher text in, cipher text out. It knows no socket. Hot.
 *
 *     feed ─► handshake … handshake ─► read, write … ─► endOutput
 *
 * Whoever calls it says first where the input lies (`CipherPort.feed`), and afterwards takes the output
 * out, of which nothing may be left when another session is called. A session that has failed has an
 * `error`, and output too: the alert for the peer.
 *
 * Which side it is, and what is asked of the peer, is its `Side`'s.
 */
import { NetError } from "../../errors.js";
import type { TlsInfo } from "../tls-options.js";
import { NO_PLACE } from "./busy-sessions.js";
import { RECORD_BYTES, sealedRoom } from "./cipher-port.js";
import { OpenSslError, takeOpenSslError, takeTlsError } from "./openssl-error.js";
import type { AskedSession } from "./session-calls.js";
import { CLEAR_MODE, MODE_RELEASE_BUFFERS, SET_MODE, type TlsLibrary } from "./tls-library.js";

/** One side of a session. */
export interface Side extends AskedSession {
  /** The SSL_CTX to begin with. */
  readonly context: number;
  /** Sets up what the side asks for. */
  begin(ssl: number): void;
  /** The handshake is done: why the peer is not accepted all the same; undefined when it is. */
  refusal(): NetError | undefined;
  /** What a failed handshake means. */
  failure(error: Error): NetError;
  /** What is known of the session. */
  info(): TlsInfo;
}

/** What {@link TlsSession.handshake} answers. */
export const HANDSHAKE_DONE = 1;
/** It needs more input. */
export const HANDSHAKE_WAITS = 0;
/** It waits for a certificate; the input that is left has to be fed again. */
export const HANDSHAKE_ASKS = 2;
export const HANDSHAKE_FAILED = 3;

/** What {@link TlsSession.read} answers, besides a count: close_notify; an error. */
export const READ_ENDED = -1;
export const READ_FAILED = -2;
/** There was nothing to read, and may be. */
const READ_AGAIN = -3;

const SSL_ERROR_WANT_READ = 2;
const SSL_ERROR_WANT_LOOKUP = 4;
const SSL_ERROR_ZERO_RETURN = 6;

/**
 * Records in a row that bring no data: renewed keys, tickets, renegotiations that are refused. Each may
 * cost as much as thousands of bytes of data; one that has to be answered counts twice.
 */
export const MAX_IDLE_RECORDS: number = 64;

/**
 * Records that are ciphered with one key before it is renewed: AES-GCM is good for 23,700,000 of full length
 * (RFC 8446 §5.5), and OpenSSL does not count them. With TLS 1.2 keys can't be renewed.
 */
export const MAX_KEY_RECORDS: number = 16_777_216;

const KEY_UPDATE_NOT_REQUESTED = 0;

/** Records that a session reads before it may keep its buffers while they are empty. */
const READS_TO_BE_BUSY = 16;

/** Output of more plain text than this goes straight to where it is sent from. */
const DIRECT_BYTES = 2_048;

/** One session of TLS, without a socket. */
export class TlsSession {
  /** Why it has failed. */
  error: OpenSslError | NetError | undefined = undefined;
  readonly side: Side;
  private readonly library: TlsLibrary;
  private ssl: number;
  /** Records since the last one with data. */
  private idleRecords = 0;
  /** Records read: counts to READS_TO_BE_BUSY, and then no further. */
  private readCount = 0;
  /** Records ciphered with the present key. */
  private keyRecords = 0;
  /** Its place among the `BusySessions`, which set both. */
  place: number = NO_PLACE;
  wasBusy = false;

  constructor(library: TlsLibrary, side: Side) {
    const { functions, port } = library;
    this.library = library;
    this.side = side;
    this.ssl = functions.sslNew(side.context);
    if (this.ssl === 0) {
      throw takeOpenSslError(functions) ?? new OpenSslError(0, "no memory", "");
    }
    port.attach(this.ssl);
    side.begin(this.ssl);
    functions.clearErrors();
  }

  /** Goes on with the handshake, as far as the input goes. */
  handshake(): number {
    const { calls, functions } = this.library;
    functions.clearErrors();
    calls.active = this.side;
    const result = functions.sslHandshake(this.ssl);
    calls.active = undefined;
    if (result === 1) return HANDSHAKE_DONE;
    const kind = functions.sslError(this.ssl, result);
    if (kind === SSL_ERROR_WANT_READ) return HANDSHAKE_WAITS;
    if (kind === SSL_ERROR_WANT_LOOKUP) return HANDSHAKE_ASKS;
    this.fail(result);
    return HANDSHAKE_FAILED;
  }

  /**
   * Deciphers one record, or less of it, to `address`, where `room` bytes are; returns how many came, 0
   * when the input is used up, {@link READ_ENDED} or {@link READ_FAILED}.
   */
  read(address: number, room: number): number {
    const { calls, functions } = this.library;
    calls.active = this.side;
    let count = functions.sslRead(this.ssl, address, room);
    while (count <= 0) {
      count = this.readNone(count);
      if (count !== READ_AGAIN) {
        calls.active = undefined;
        return count;
      }
      count = functions.sslRead(this.ssl, address, room);
    }
    calls.active = undefined;
    this.idleRecords = 0;
    this.wasBusy = true;
    return count;
  }

  /**
   * Errors that other code has left in the queue would be taken for this read's; emptying the queue before each read
   * costs too much. Where one is found, the read is repeated without them.
   */
  private readNone(result: number): number {
    const { functions, port } = this.library;
    const kind = functions.sslError(this.ssl, result);
    if (kind === SSL_ERROR_ZERO_RETURN) return READ_ENDED;
    if (kind !== SSL_ERROR_WANT_READ) {
      if (functions.newestError() === 0) this.error = new OpenSslError(0, kindText(kind), "");
      else this.error = takeTlsError(functions);
      return this.error === undefined ? READ_AGAIN : READ_FAILED;
    }
    const isAll = port.leftBytes === 0;
    // It may be a part of a record. Large ones come in parts, so it is counted once before OpenSSL is asked.
    if (isAll && this.idleRecords > 0 && functions.sslHasPending(this.ssl) === 1) return 0;
    if (++this.idleRecords <= MAX_IDLE_RECORDS) return isAll ? 0 : READ_AGAIN;
    const text = `the peer sends more than ${MAX_IDLE_RECORDS} records in a row without data`;
    this.error = new NetError("TLS_FAILED", text, { operation: "receive" });
    return READ_FAILED;
  }

  /** A row of reads is over: a session that is busy keeps its buffers. */
  wasRead(): void {
    if (this.readCount >= READS_TO_BE_BUSY) return;
    if (++this.readCount < READS_TO_BE_BUSY) return;
    if (!this.library.busy.add(this)) this.readCount = 0;
  }

  /** Keeps the buffers of records while they are empty: so they need not be made for each. */
  keepBuffers(): void {
    this.library.functions.sslControl(this.ssl, CLEAR_MODE, MODE_RELEASE_BUFFERS, null);
  }

  /** Gives them back, now and from now on. */
  releaseBuffers(): void {
    this.readCount = 0;
    const { functions } = this.library;
    functions.sslControl(this.ssl, SET_MODE, MODE_RELEASE_BUFFERS, null);
    functions.sslFreeBuffers(this.ssl);
  }

  /**
   * Ciphers `byteCount` bytes at `from` to `into`, where {@link sealedRoom} bytes are. Returns how many
   * came out, or {@link READ_FAILED}.
   */
  write(from: number, byteCount: number, into: number): number {
    const { port } = this.library;
    if (byteCount > DIRECT_BYTES) {
      const room = sealedRoom(byteCount);
      const count = port.sealInto(into, room, () => this.put(from, byteCount));
      return this.error === undefined ? count : READ_FAILED;
    }
    this.put(from, byteCount);
    if (this.error !== undefined) return READ_FAILED;
    const count = port.outputBytes;
    port.take(into);
    return count;
  }

  private put(from: number, byteCount: number): void {
    const { functions } = this.library;
    this.keyRecords += Math.ceil(byteCount / RECORD_BYTES);
    if (this.keyRecords > MAX_KEY_RECORDS) this.renewKey();
    const result = functions.sslWrite(this.ssl, from, byteCount);
    if (result !== byteCount) this.fail(result);
  }

  /** The peer is told with the record to come. */
  private renewKey(): void {
    const { functions } = this.library;
    this.keyRecords = 0;
    if (functions.sslKeyUpdate(this.ssl, KEY_UPDATE_NOT_REQUESTED) !== 1) functions.clearErrors();
  }

  /** Puts out close_notify. */
  endOutput(): void {
    if (this.ssl === 0 || this.error !== undefined) return;
    const { functions } = this.library;
    // Where it can't, during a handshake, it leaves an error behind.
    if (functions.sslShutdown(this.ssl) < 0) functions.clearErrors();
  }

  /** What is known; undefined once it is freed. */
  info(): TlsInfo | undefined {
    return this.ssl === 0 ? undefined : this.side.info();
  }

  /** Whether it is freed. */
  get isFreed(): boolean {
    return this.ssl === 0;
  }

  /** Frees everything it has. Idempotent. */
  free(): void {
    const { ssl } = this;
    if (ssl === 0) return;
    this.ssl = 0;
    this.library.busy.remove(this);
    this.library.functions.sslFree(ssl);
  }

  private fail(result: number): void {
    const { functions } = this.library;
    this.error =
      takeOpenSslError(functions) ??
      new OpenSslError(0, kindText(functions.sslError(this.ssl, result)), "");
  }
}

function kindText(kind: number): string {
  return kind === SSL_ERROR_ZERO_RETURN ? "the peer has ended" : `unexpected answer ${kind}`;
}
