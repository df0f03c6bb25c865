/**
 * TLS of one stream of the ring. Hot.
 *
 *     shaking ⇄ asking (for a certificate)
 *        └── handshake done, peer accepted ──► open ── close_notify of the peer ──► its end is told
 *
 * In: a receive buffer is fed to the session where it lies, which deciphers to `PlainMemory`; that is
 * lent to the sink. Out: what is written waits in `PlainPieces`, and is ciphered straight into the memory
 * it is sent from, a part at a time, when the one before is sent. What the session has to say by itself
 * (handshake, alerts, answers) goes before.
 *
 * The sessions of a thread share the way into OpenSSL, so: input is fed again after every call of a sink,
 * and output is taken out before one.
 */
import { SEGMENT_BYTES } from "../../../bytes/send-memory.js";
import { NetError, rethrowLater } from "../../../errors.js";
import { inRootContext } from "../../../time/root-context.js";
import { MAX_AHEAD_BYTES, type StreamSink } from "../../engine.js";
import { sealedRoom } from "../../openssl/cipher-port.js";
import { ClientSide } from "../../openssl/client-side.js";
import { ServerSide } from "../../openssl/server-side.js";
import type { TlsLibrary } from "../../openssl/tls-library.js";
import {
  HANDSHAKE_ASKS,
  HANDSHAKE_DONE,
  HANDSHAKE_FAILED,
  READ_ENDED,
  READ_FAILED,
  TlsSession,
} from "../../openssl/tls-session.js";
import { callSink } from "../../sink-defect.js";
import { TlsClientContext } from "../../tls/tls-client-context.js";
import { tlsError } from "../../tls/tls-error.js";
import { TlsServerContext } from "../../tls/tls-server-context.js";
import type { TlsContext, TlsInfo } from "../../tls-options.js";
import { NONE } from "../memory/shared-memory.js";
import type { UringLoop } from "../ring/uring-loop.js";
import type { StreamWrite } from "../sockets/stream-write.js";
import { LoopSecurity } from "./loop-security.js";
import type { PlainMemory } from "./plain-memory.js";
import type { PlainPieces } from "./plain-pieces.js";

/** Answers that wait because the peer does not read; one that makes us write more of them is ended. */
export const MAX_ANSWER_BYTES: number = 262_144;

/** Regions that are sent at once. */
const MAX_REGIONS = 6;

/** A piece that is written alone, and is not longer, takes the short way. */
const ONE_WRITE_BYTES = 4_096;

const IDLE = -1;

/** The stream under TLS, as TLS sees it. */
export interface CipherStream {
  sink: StreamSink;
  /** Whether a send is under way. */
  readonly isSending: boolean;
  readonly isClosing: boolean;
  /** Where the peer is, in words. */
  readonly peerText: string;
  /** Starts a send, which is none of the sink's. */
  sendCipher(write: StreamWrite): void;
  /** Sends FIN. */
  finishCipher(): void;
  /** Stops receiving, or goes on. */
  pauseCipher(): void;
  resumeCipher(): void;
  /** Ends the stream. */
  failCipher(error: NetError): void;
}

/** TLS of one stream of the ring. */
export class StreamSecurity {
  /** Whether anything came since the handshake began. */
  hasHeard = false;
  private readonly stream: CipherStream;
  private readonly loop: UringLoop;
  private readonly context: TlsContext;
  private session: TlsSession | undefined = undefined;
  private phase: "shaking" | "asking" | "open" = "shaking";
  /** The sink wants nothing now: for after the handshake. */
  private isPauseWanted: boolean;
  /** The peer has sent close_notify. */
  private hasEnded = false;
  /** Whether our side is to end, has said so, and has finished. */
  private finishing: "no" | "wanted" | "said" | "done" = "no";
  /** Bytes of the write under way, or IDLE. */
  private writeBytes: number = IDLE;
  /** What of it is not ciphered yet; undefined when all is. */
  private plain: PlainPieces | undefined = undefined;
  /** The send under way brings the last of the write. */
  private isLastPart = false;
  /** Output that waits for the send under way. */
  private answers: Buffer[] = [];
  private answerBytes = 0;
  /** Input that waits for a certificate. */
  private held: Buffer[] = [];
  private heldBytes = 0;
  private known: TlsInfo | undefined = undefined;

  constructor(stream: CipherStream, loop: UringLoop, context: TlsContext, isPaused: boolean) {
    this.stream = stream;
    this.loop = loop;
    this.context = context;
    this.isPauseWanted = isPaused;
    loop.security ??= new LoopSecurity(loop.buffers, loop.arena, loop.calls);
  }

  /** Begins. A server waits for the first bytes, and has no session before. `host` is what was connected to. */
  begin(host: string | undefined): void {
    if (this.isPauseWanted) this.stream.resumeCipher();
    if (this.context instanceof TlsClientContext) {
      const side = new ClientSide(this.library, this.context, host, this.stream.peerText);
      if (!this.makeSession(() => new TlsSession(this.library, side))) return;
      this.library.port.feed(0, 0);
      this.shake();
    } else if (!(this.context instanceof TlsServerContext)) {
      throw new NetError("INVALID_ARGUMENT", "the TLS context was made by another engine");
    }
  }

  /** The first bytes of a client have come already. They are taken once the call of the stream is over. */
  beginWith(early: Buffer): void {
    this.hasHeard = true;
    this.phase = "asking";
    this.held.push(early);
    this.heldBytes = early.length;
    queueMicrotask(() => {
      if (this.stream.isClosing || !this.makeSession(() => this.serverSession())) return;
      inRootContext(() => this.goOn());
    });
  }

  /** Whether the handshake is not done. */
  get isShaking(): boolean {
    return this.phase !== "open";
  }

  /** What is known; undefined before the handshake is done. What was asked once is kept. */
  info(): TlsInfo | undefined {
    if (this.phase === "open") this.known ??= this.session?.info();
    return this.known;
  }

  /** The sink wants to receive nothing. True: the stream goes on receiving all the same. */
  pause(): boolean {
    if (this.phase !== "open") this.isPauseWanted = true;
    return this.phase !== "open" || this.hasEnded;
  }

  /** The sink wants to receive. True: the stream stays as it is. */
  resume(): boolean {
    if (this.phase !== "open") this.isPauseWanted = false;
    return this.phase !== "open" || this.hasEnded;
  }

  /** The kernel has filled `byteCount` bytes of receive buffer `id`, and handed it over. */
  received(id: number, byteCount: number): void {
    const { buffers } = this.loop;
    this.hasHeard = true;
    buffers.handOver(id, byteCount);
    let isGivenAway = false;
    try {
      if (this.phase === "asking") this.hold(buffers.addressOf(id), byteCount);
      else if (!this.hasEnded) isGivenAway = this.take(buffers.addressOf(id), byteCount, id);
    } finally {
      if (!isGivenAway) buffers.giveBack(id);
    }
  }

  /** The peer has finished (FIN). */
  ended(): void {
    if (this.phase !== "open") this.stream.failCipher(brokenOff());
    else if (!this.hasEnded) this.stream.failCipher(truncated());
  }

  /** What an error of the stream below means. */
  errorOf(error: NetError): NetError {
    const isNetwork = error.systemCode !== undefined && error.fault !== "local";
    if (this.phase === "open" || !isNetwork || error.code.startsWith("TLS_")) return error;
    const { systemCode } = error;
    return new NetError("TLS_FAILED", `the peer broke off the handshake (${systemCode})`, {
      operation: "handshake",
      cause: error,
      ...(systemCode !== undefined && { systemCode }),
    });
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
    const write = this.loop.takeWrite();
    write.beginAt(into, count);
    this.stream.sendCipher(write);
  }

  private assertMayWrite(): void {
    if (this.phase === "open" && this.writeBytes === IDLE && this.finishing === "no") return;
    let why = `while one of ${this.writeBytes} bytes is under way`;
    if (this.phase !== "open") why = "before TLS was established";
    else if (this.finishing !== "no") why = "after finish()";
    throw new NetError("INVALID_STATE", `a write was started ${why}`, { operation: "send" });
  }

  /** Ends our side behind what is written: close_notify, then FIN. */
  finish(): void {
    if (this.finishing !== "no") return;
    this.finishing = "wanted";
    if (this.isFree && this.writeBytes === IDLE) this.next();
  }

  /** Says goodbye, where that can go at once, because the stream is closed. */
  close(): void {
    if (this.phase !== "open" || this.finishing !== "no") return;
    if (this.writeBytes !== IDLE || this.stream.isSending) return;
    this.finishing = "said";
    this.session!.endOutput();
    this.collect();
    if (this.answers.length > 0 && !this.stream.isSending) this.sendAnswers();
  }

  /** A send has completed. */
  sent(): void {
    const isWritten = this.isLastPart;
    const byteCount = this.writeBytes;
    if (isWritten) {
      this.isLastPart = false;
      this.writeBytes = IDLE;
    }
    this.next();
    if (isWritten && !this.stream.isClosing) this.stream.sink.streamWritten(byteCount);
  }

  /** The stream is gone, or will be: frees everything. Idempotent. */
  dispose(): void {
    this.session?.free();
    this.forgetPlain();
    this.answers = [];
    this.held = [];
  }

  private get library(): TlsLibrary {
    return this.loop.security!.library;
  }

  private get isFree(): boolean {
    return !this.stream.isSending && this.answers.length === 0;
  }

  /** Goes on with whatever is to be sent next. */
  private next(): void {
    if (this.stream.isClosing || this.stream.isSending) return;
    if (this.answers.length > 0) {
      this.sendAnswers();
    } else if (this.writeBytes !== IDLE && !this.isLastPart) {
      this.sendPart();
    } else if (this.finishing === "wanted" && this.phase === "open") {
      this.finishing = "said";
      this.session!.endOutput();
      this.collect();
      if (!this.stream.isSending) this.next();
    } else if (this.finishing === "said") {
      this.finishing = "done";
      this.stream.finishCipher();
    }
  }

  // In

  private makeSession(make: () => TlsSession): boolean {
    try {
      this.session = make();
      return true;
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error));
      this.stream.failCipher(tlsError(cause, "handshake"));
      return false;
    }
  }

  /** Takes input. True: buffer `id` was given away with the plain text. */
  private take(address: number, byteCount: number, id: number): boolean {
    const { port } = this.library;
    if (this.phase === "open") return this.read(address, byteCount, id);
    if (this.session === undefined && !this.makeSession(() => this.serverSession())) return false;
    port.feed(address, byteCount);
    if (!this.shake()) {
      // Others' handshakes may follow, each of which takes longer than a call into the kernel.
      this.loop.ring.submitEarly();
      if (this.isAsking) this.hold(address + byteCount - port.leftBytes, port.leftBytes);
      return false;
    }
    const left = port.leftBytes;
    // Goes out behind what the sink does: if that is to close, the goodbye goes with it.
    this.keepOutput();
    this.establish();
    this.loop.ring.submitEarly();
    if (this.stream.isClosing) return false;
    return this.read(address + byteCount - left, left, id);
  }

  private get isAsking(): boolean {
    return this.phase === "asking";
  }

  private serverSession(): TlsSession {
    const context = this.context as TlsServerContext;
    const goOn = (): void => inRootContext(() => this.goOn());
    return new TlsSession(this.library, new ServerSide(this.library, context, goOn));
  }

  /** Goes on with the handshake; true when it is done and the peer accepted. */
  private shake(): boolean {
    const session = this.session!;
    const outcome = session.handshake();
    if (outcome === HANDSHAKE_FAILED) {
      this.collect();
      this.stream.failCipher(session.side.failure(session.error!));
      return false;
    }
    if (outcome === HANDSHAKE_ASKS) this.phase = "asking";
    if (outcome !== HANDSHAKE_DONE) {
      this.collect();
      return false;
    }
    const refusal = session.side.refusal();
    if (refusal === undefined) return true;
    this.collect();
    this.stream.failCipher(refusal);
    return false;
  }

  private establish(): void {
    this.phase = "open";
    if (this.isPauseWanted) this.stream.pauseCipher();
    callSink(() => this.stream.sink.streamSecured());
    if (this.finishing === "wanted" || this.answers.length > 0) this.next();
  }

  /** Keeps input until there is a certificate. */
  private hold(address: number, byteCount: number): void {
    if (byteCount === 0) return;
    const bytes = Buffer.allocUnsafeSlow(byteCount);
    this.library.functions.copyMemory(bytes, address, byteCount);
    this.held.push(bytes);
    this.heldBytes += byteCount;
    if (this.heldBytes > MAX_AHEAD_BYTES) this.stream.pauseCipher();
  }

  /** There is a certificate, or none will come. */
  private goOn(): void {
    if (this.phase !== "asking" || this.stream.isClosing || this.session!.isFreed) return;
    this.phase = "shaking";
    const input = Buffer.concat(this.held);
    this.held = [];
    if (this.heldBytes > MAX_AHEAD_BYTES) this.stream.resumeCipher();
    this.heldBytes = 0;
    const address = input.length === 0 ? 0 : this.library.functions.addressOf(input);
    this.take(address, input.length, NONE);
  }

  /** Deciphers input, and hands it to the sink. True: buffer `id` was given away. */
  private read(address: number, byteCount: number, id: number): boolean {
    const session = this.session!;
    const { stream, library } = this;
    const { port } = library;
    const { plain } = this.loop.security!;
    let isGivenAway = false;
    let at = address;
    let left = byteCount;
    for (;;) {
      const into = plain.choose(id !== NONE && !isGivenAway);
      port.feed(at, left);
      let filled = 0;
      let outcome: number;
      do {
        outcome = session.read(into + filled, plain.byteCount - filled);
        if (outcome > 0) filled += outcome;
        // A record that came out whole with the last of the input leaves nothing to ask for.
      } while (outcome > 0 && filled < plain.byteCount && port.leftBytes > 0);
      at += left - port.leftBytes;
      left = port.leftBytes;
      if (port.outputBytes > 0) this.collect();
      if (filled > 0) isGivenAway = this.lend(plain, filled, id) || isGivenAway;
      if (stream.isClosing) break;
      if (outcome === READ_FAILED) {
        stream.failCipher(tlsError(session.error!, "receive"));
        break;
      }
      if (outcome === READ_ENDED) {
        this.peerEnded();
        break;
      }
      if (outcome === 0 || filled < plain.byteCount) break;
    }
    if (!session.isFreed) session.wasRead();
    return isGivenAway;
  }

  private lend(plain: PlainMemory, byteCount: number, id: number): boolean {
    const bytes = plain.lend(byteCount);
    const isGivenAway = plain.exchange(id);
    try {
      this.stream.sink.streamReceived(bytes);
    } catch (defect) {
      rethrowLater(defect);
    }
    return isGivenAway;
  }

  /** close_notify has come: what may come behind it is nobody's. */
  private peerEnded(): void {
    this.stream.pauseCipher();
    this.hasEnded = true;
    callSink(() => this.stream.sink.streamEnded());
  }

  // Out

  /** Takes the session's output out, and sends it as soon as it can go. */
  private collect(): void {
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
      const write = this.loop.takeWrite();
      write.beginAt(offset, byteCount);
      this.stream.sendCipher(write);
      return;
    }
    this.keepOutput();
    if (isFree) this.sendAnswers();
    else if (this.answerBytes > MAX_ANSWER_BYTES) this.stream.failCipher(tooManyAnswers());
  }

  /** Takes it out, for later. */
  private keepOutput(): void {
    const { port, functions } = this.library;
    const byteCount = port.outputBytes;
    if (byteCount === 0) return;
    const bytes = Buffer.allocUnsafeSlow(byteCount);
    port.take(functions.addressOf(bytes));
    this.answers.push(bytes);
    this.answerBytes += byteCount;
  }

  private sendAnswers(): void {
    const bytes = this.answers.length === 1 ? this.answers[0]! : Buffer.concat(this.answers);
    this.answers = [];
    this.answerBytes = 0;
    const write = this.loop.takeWrite();
    write.begin(bytes);
    this.stream.sendCipher(write);
  }

  /** Ciphers the next part of the write, and sends it. */
  private sendPart(): void {
    const write = this.loop.takeWrite();
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
    this.loop.giveWriteBack(write);
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

function brokenOff(): NetError {
  return new NetError("TLS_FAILED", "the peer broke off the handshake", { operation: "handshake" });
}

function truncated(): NetError {
  return new NetError("TLS_TRUNCATED", undefined, { operation: "receive" });
}

function tooManyAnswers(): NetError {
  const text = `the peer asks for more answers than it reads: ${MAX_ANSWER_BYTES} bytes of them wait`;
  return new NetError("TLS_FAILED", text, { operation: "receive" });
}

function changed(): NetError {
  const text = "a piece was changed before it was sent: its memory was transferred or resized";
  return new NetError("INVALID_ARGUMENT", text, { operation: "send" });
}
