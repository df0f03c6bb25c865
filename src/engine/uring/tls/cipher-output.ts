/**
 * The way out of one secured stream of the ring. Hot.
 *
 *     answers of the session  ──►  what is written, part by part  ──►  close_notify  ──►  FIN
 *
 * What is written waits in `PlainPieces`. It is ciphered into the memory it is sent from, a part at a time, when the part
 * before has been sent. The session's own records (handshake, alerts, answers) go first.
 *
 * The sessions of a thread share the way out of OpenSSL: output is taken out (`collect`, `keep`) before any other
 * session is called, and before a sink is.
 */
import { PieceQueue } from "../../../bytes/piece-queue.js";
import { SEGMENT_BYTES } from "../../../bytes/send-memory.js";
import { NetError } from "../../../errors.js";
import { sealedRoom } from "../../openssl/cipher-port.js";
import type { TlsLibrary } from "../../openssl/tls-library.js";
import { READ_FAILED, type TlsSession } from "../../openssl/tls-session.js";
import { tlsError } from "../../tls/tls-error.js";
import { MAX_ANSWER_BYTES, tooManyAnswers } from "../../tls/unread-answers.js";
import { NONE } from "../memory/shared-memory.js";
import type { UringLoop } from "../ring/uring-loop.js";
import type { StreamWrite } from "../sockets/stream-write.js";
import type { CipherStream } from "./cipher-stream.js";
import type { PlainPieces } from "./plain-pieces.js";

/** Regions that are sent at once. */
const MAX_REGIONS = 6;

/** A single piece up to this length takes the short way. */
const ONE_WRITE_BYTES = 4_096;

const IDLE = -1;

/** The way out of one secured stream of the ring. */
export class CipherOutput {
  /** Its session, once there is one. */
  session: TlsSession | undefined = undefined;
  /** The handshake is done: data can be written. */
  isOpen = false;
  private readonly stream: CipherStream;
  private readonly loop: UringLoop;
  /** Whether our side is to end, has said so, and has finished. */
  private finishing: "no" | "wanted" | "said" | "done" = "no";
  /** Bytes of the write under way, or IDLE. */
  private writeBytes: number = IDLE;
  /** What of it is not ciphered yet; undefined when all is. */
  private plain: PlainPieces | undefined = undefined;
  /** The send under way brings the last of the write. */
  private isLastPart = false;
  /** Output of the session that waits for the send under way. */
  private answers: PieceQueue | undefined = undefined;

  constructor(stream: CipherStream, loop: UringLoop) {
    this.stream = stream;
    this.loop = loop;
  }

  /** How far the write under way is: what was ciphered, which goes out part by part. */
  get sendProgress(): number {
    return this.writeBytes === IDLE ? 0 : this.writeBytes - (this.plain?.leftBytes ?? 0);
  }

  /** Starts a write. The array may be used again afterwards. */
  write(pieces: readonly Uint8Array[], byteCount: number): void {
    this.assertMayWrite();
    this.writeBytes = byteCount;
    this.plain = this.loop.security!.takePieces();
    this.plain.begin(pieces, byteCount);
    if (this.isFree) this.sendPart();
    this.plain?.keep();
  }

  /** The same with one piece: what comes most, in one record and without lists. */
  writePiece(piece: Uint8Array): void {
    const byteCount = piece.length;
    if (byteCount === 0 || byteCount > ONE_WRITE_BYTES || !this.isFree) {
      this.write([piece], byteCount);
      return;
    }
    this.assertMayWrite();
    const { arena, buffers } = this.loop;
    const { port } = this.library;
    const room = sealedRoom(byteCount);
    const into = arena.take(room);
    if (into === NONE) {
      this.write([piece], byteCount);
      return;
    }
    const offset = arena.offsetOf(piece);
    if (offset === NONE) port.staging.set(piece);
    const from = offset === NONE ? port.stagingAddress : buffers.memory.addressOf(offset);
    const count = this.session!.write(from, byteCount, buffers.memory.addressOf(into));
    arena.release(piece);
    if (count === READ_FAILED) {
      arena.releaseAt(into);
      this.stream.failCipher(tlsError(this.session!.error!, "send"));
      return;
    }
    arena.giveBackEnd(into, room, count);
    this.writeBytes = byteCount;
    this.isLastPart = true;
    const write = this.loop.sends.take();
    write.beginAt(into, count);
    this.stream.sendCipher(write);
  }

  private assertMayWrite(): void {
    if (this.isOpen && this.writeBytes === IDLE && this.finishing === "no") return;
    let why = `while one of ${this.writeBytes} bytes is under way`;
    if (!this.isOpen) why = "before TLS was established";
    else if (this.finishing !== "no") why = "after finish()";
    throw new NetError("INVALID_STATE", `a write was started ${why}`, { operation: "send" });
  }

  /** Ends our side behind what is written: close_notify, then FIN. */
  finish(): void {
    if (this.finishing !== "no") return;
    this.finishing = "wanted";
    if (this.isFree && this.writeBytes === IDLE) this.goOn();
  }

  /** Says goodbye, where that can go at once, because the stream is closed. */
  close(): void {
    if (!this.isOpen || this.finishing !== "no") return;
    if (this.writeBytes !== IDLE || this.stream.isSending) return;
    this.finishing = "said";
    this.session!.endOutput();
    this.collect();
    if (this.answers !== undefined && !this.stream.isSending) this.sendAnswers();
  }

  /** A send has completed. */
  sent(): void {
    const isWritten = this.isLastPart;
    const byteCount = this.writeBytes;
    if (isWritten) {
      this.isLastPart = false;
      this.writeBytes = IDLE;
    }
    this.goOn();
    if (isWritten && !this.stream.isClosing) this.stream.sink.streamWritten(byteCount);
  }

  /** The stream is gone, or will be. Idempotent. */
  dispose(): void {
    this.forgetPlain();
    this.answers = undefined;
  }

  private get library(): TlsLibrary {
    return this.loop.security!.library;
  }

  private get isFree(): boolean {
    return !this.stream.isSending && this.answers === undefined;
  }

  /** Goes on with whatever is to be sent next. */
  goOn(): void {
    if (this.stream.isClosing || this.stream.isSending) return;
    if (this.answers !== undefined) {
      this.sendAnswers();
    } else if (this.writeBytes !== IDLE && !this.isLastPart) {
      this.sendPart();
    } else if (this.finishing === "wanted" && this.isOpen) {
      this.finishing = "said";
      this.session!.endOutput();
      this.collect();
      if (!this.stream.isSending) this.goOn();
    } else if (this.finishing === "said") {
      this.finishing = "done";
      this.stream.finishCipher();
    }
  }

  /** Takes the session's output out, and sends it as soon as it can go. */
  collect(): void {
    const { port } = this.library;
    const byteCount = port.outputBytes;
    if (byteCount === 0) return;
    if (this.stream.isClosing) {
      port.discard();
      return;
    }
    const { arena, buffers } = this.loop;
    const isFree = this.isFree;
    const offset = isFree && byteCount <= SEGMENT_BYTES ? arena.take(byteCount) : NONE;
    if (offset !== NONE) {
      port.take(buffers.memory.addressOf(offset));
      const write = this.loop.sends.take();
      write.beginAt(offset, byteCount);
      this.stream.sendCipher(write);
      return;
    }
    this.keep();
    if (isFree) this.sendAnswers();
    else if (this.answers!.byteCount > MAX_ANSWER_BYTES) this.stream.failCipher(tooManyAnswers());
  }

  /** Takes it out, for later. */
  keep(): void {
    const { port, functions } = this.library;
    const byteCount = port.outputBytes;
    if (byteCount === 0) return;
    const bytes = Buffer.allocUnsafeSlow(byteCount);
    port.take(functions.addressOf(bytes));
    this.answers ??= new PieceQueue();
    this.answers.append(bytes, false);
  }

  private sendAnswers(): void {
    const bytes = this.answers!.takeAll();
    this.answers = undefined;
    const write = this.loop.sends.take();
    write.begin(bytes);
    this.stream.sendCipher(write);
  }

  /** Ciphers the next part of the write, and sends it. */
  private sendPart(): void {
    const write = this.loop.sends.take();
    const plain = this.plain!;
    if (plain.leftBytes === 0) write.beginAt(NONE, 0);
    else if (!this.seal(plain, write)) return;
    this.isLastPart = plain.leftBytes === 0;
    if (this.isLastPart) this.forgetPlain();
    this.stream.sendCipher(write);
  }

  /** Into one region, or into several for a large part. False: the stream has failed. */
  private seal(plain: PlainPieces, write: StreamWrite): boolean {
    const { arena, buffers } = this.loop;
    const regions: Buffer[] = [];
    let sentBytes = 0;
    while (plain.leftBytes > 0 && regions.length < MAX_REGIONS) {
      const byteCount = plain.next();
      if (byteCount === 0) return this.sealFailed(write, regions, changed());
      const room = sealedRoom(byteCount);
      const offset = arena.take(room);
      const heap = offset === NONE ? Buffer.allocUnsafeSlow(room) : undefined;
      const into =
        heap === undefined
          ? buffers.memory.addressOf(offset)
          : this.library.functions.addressOf(heap);
      const sealedBytes = this.session!.write(plain.address, byteCount, into);
      if (sealedBytes === READ_FAILED) {
        if (offset !== NONE) arena.releaseAt(offset);
        return this.sealFailed(write, regions, tlsError(this.session!.error!, "send"));
      }
      sentBytes += sealedBytes;
      if (offset !== NONE) arena.giveBackEnd(offset, room, sealedBytes);
      plain.consume(byteCount);
      if (plain.leftBytes === 0 && regions.length === 0 && heap === undefined) {
        write.beginAt(offset, sealedBytes);
        return true;
      }
      regions.push(heap?.subarray(0, sealedBytes) ?? buffers.memory.bytes(offset, sealedBytes));
    }
    if (regions.length === 1) write.begin(regions[0]!);
    else write.beginAll(regions, sentBytes);
    return true;
  }

  private sealFailed(write: StreamWrite, regions: readonly Buffer[], error: NetError): false {
    for (const region of regions) this.loop.arena.release(region);
    this.loop.sends.giveBack(write);
    this.stream.failCipher(error);
    return false;
  }

  private forgetPlain(): void {
    const { plain } = this;
    if (plain === undefined) return;
    this.plain = undefined;
    this.loop.security!.givePiecesBack(plain);
  }
}

function changed(): NetError {
  const text = "a piece was changed before it was sent: its memory was transferred or resized";
  return new NetError("INVALID_ARGUMENT", text, { operation: "send" });
}
