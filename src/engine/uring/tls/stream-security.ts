/**
 * TLS of one stream of the ring. Hot.
 *
 *     shaking ⇄ asking (for a certificate)
 *        └── handshake done, peer accepted ──► open ── close_notify of the peer ──► its end is told
 *
 * A receive buffer is fed to the session where it lies, which deciphers to `PlainMemory`; that is lent to the sink. What
 * goes out is the business of `CipherOutput`.
 *
 * The sessions of a thread share the way into OpenSSL, so: input is fed again after every call of a sink,
 * and output is taken out before one.
 */
import { PieceQueue } from "../../../bytes/piece-queue.js";
import { NetError, rethrowLater } from "../../../errors.js";
import { inRootContext } from "../../../time/root-context.js";
import { MAX_AHEAD_BYTES } from "../../engine.js";
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
import { CipherOutput } from "./cipher-output.js";
import type { CipherStream } from "./cipher-stream.js";
import { LoopSecurity } from "./loop-security.js";
import type { PlainMemory } from "./plain-memory.js";

/** TLS of one stream of the ring. */
export class StreamSecurity {
  /** Whether anything came since the handshake began. */
  hasHeard = false;
  /** What goes out. */
  readonly output: CipherOutput;
  private readonly stream: CipherStream;
  private readonly loop: UringLoop;
  private readonly context: TlsContext;
  private session: TlsSession | undefined = undefined;
  private phase: "shaking" | "asking" | "open" = "shaking";
  /** The sink wants nothing now: for after the handshake. */
  private isPauseWanted: boolean;
  /** The peer has sent close_notify. */
  private hasEnded = false;
  /** Input that waits for a certificate. */
  private held: PieceQueue | undefined = undefined;
  /** It is being taken: garbage collection must not, meanwhile. */
  private taken: Buffer | undefined = undefined;
  private known: TlsInfo | undefined = undefined;

  constructor(stream: CipherStream, loop: UringLoop, context: TlsContext, isPaused: boolean) {
    this.stream = stream;
    this.loop = loop;
    this.context = context;
    this.isPauseWanted = isPaused;
    this.output = new CipherOutput(stream, loop);
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
    this.held = new PieceQueue();
    this.held.append(early, false);
    queueMicrotask(() => {
      if (this.stream.isClosing || !this.makeSession(() => this.serverSession())) return;
      inRootContext(() => this.goOn());
    });
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

  /** The stream is gone, or will be: frees everything. Idempotent. */
  dispose(): void {
    this.session?.free();
    this.output.dispose();
    this.held = undefined;
  }

  private get library(): TlsLibrary {
    return this.loop.security!.library;
  }

  private makeSession(make: () => TlsSession): boolean {
    try {
      this.session = make();
      this.output.session = this.session;
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
    this.output.keep();
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
      this.output.collect();
      this.stream.failCipher(session.side.failure(session.error!));
      return false;
    }
    if (outcome === HANDSHAKE_ASKS) this.phase = "asking";
    if (outcome !== HANDSHAKE_DONE) {
      this.output.collect();
      return false;
    }
    const refusal = session.side.refusal();
    if (refusal === undefined) return true;
    // Whom we refuse is not told that we are done, nor shown our certificate, nor given tickets.
    this.library.port.discard();
    this.stream.failCipher(refusal);
    return false;
  }

  private establish(): void {
    this.phase = "open";
    this.output.isOpen = true;
    if (this.isPauseWanted) this.stream.pauseCipher();
    callSink(() => this.stream.sink.streamSecured());
    this.output.goOn();
  }

  /** Keeps input until there is a certificate. */
  private hold(address: number, byteCount: number): void {
    if (byteCount === 0) return;
    const bytes = Buffer.allocUnsafeSlow(byteCount);
    this.library.functions.copyMemory(bytes, address, byteCount);
    this.held ??= new PieceQueue();
    this.held.append(bytes, false);
    if (this.held.byteCount > MAX_AHEAD_BYTES) this.stream.pauseCipher();
  }

  /** There is a certificate, or none will come. */
  private goOn(): void {
    if (this.phase !== "asking" || this.stream.isClosing || this.session!.isFreed) return;
    this.phase = "shaking";
    const input = this.held?.takeAll();
    this.held = undefined;
    this.taken = input;
    const byteCount = input?.length ?? 0;
    if (byteCount > MAX_AHEAD_BYTES) this.stream.resumeCipher();
    const address = this.taken === undefined ? 0 : this.library.functions.addressOf(this.taken);
    this.take(address, byteCount, NONE);
    this.taken = undefined;
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
      if (port.outputBytes > 0) this.output.collect();
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

  /** close_notify has come: what comes behind it is discarded. */
  private peerEnded(): void {
    this.hasEnded = true;
    callSink(() => this.stream.sink.streamEnded());
    // Most streams are being closed by now.
    if (!this.stream.isClosing) this.stream.pauseCipher();
  }
}

function brokenOff(): NetError {
  return new NetError("TLS_FAILED", "the peer broke off the handshake", { operation: "handshake" });
}

function truncated(): NetError {
  return new NetError("TLS_TRUNCATED", undefined, { operation: "receive" });
}
