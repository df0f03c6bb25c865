/**
 * The way in: engine → receive model → request, reader or handler. Hot. Made with the first byte of a
 * connection, so that idle ones don't pay for it.
 *
 * What is delivered goes to the first of these that wants it: a request that waits for its answer,
 * a reader (`read`, `for await`), the handler `onReceive`, and else the inbox, for a later read.
 *
 * Delivery stops while any reason in `holds` is set. What the decoder has not taken then waits in
 * `rest`, and is delivered first when delivery goes on. The end of the peer's bytes is delivered
 * in its place, behind everything that came before it.
 *
 * Re-entry: handlers may call anything; while `feeding` is true nothing here delivers but the
 * loop that is under way, which looks at `holds` and `decoder` again after each delivery.
 */
import { ByteQueue } from "../bytes/byte-queue.js";
import type { StreamSocket } from "../engine/engine.js";
import { NetError } from "../errors.js";
import type { Decoder, PacketSink, ReceiveModel } from "../receive/receive-model.js";
import type { WaitOptions } from "./connection.js";
import type { EngineService } from "./engine-service.js";
import { Inbox, type ReadWish } from "./inbox.js";
import { RequestList } from "./request-list.js";
import type { ConnectionSettings } from "./settings.js";

/** Why delivery stops. Bits, so that several can hold at once. */
export const HOLD = {
  /** The application called `pause()`. */
  paused: 1,
  /** A handler's promise is not settled. */
  busy: 2,
  /** `maxUnreadBytes` are unread. */
  full: 4,
  /** The peer does not take its answers (`slowConsumer: "pause"`). */
  slow: 8,
  /** TLS is being started. */
  securing: 16,
} as const;

/** Bytes that may come in while a handler is busy before the peer is held back. */
const BUSY_ALLOWANCE_BYTES = 65_536;

/** The connection, as its receive path sees it. */
export interface ReceiveOwner {
  readonly stream: StreamSocket;
  readonly service: EngineService;
  readonly settings: ConnectionSettings;
  readonly hasReceiveHandler: boolean;
  /** Whether something can still be sent. */
  readonly isOpen: boolean;
  /** Calls `onReceive`. Answers true when the handler is busy: `handlerSettled` follows. */
  deliver(received: Buffer | number): boolean;
  /** What the peer sent can't be understood, or a deadline of ours was reached. */
  fail(error: NetError): void;
  /** The peer has finished and nobody reads on: `reportEnd` is called when that lasts. */
  awaitReader(): void;
  /** The peer has finished and everything was delivered. */
  peerFinished(): void;
  /** What is told to those who still wait when the connection has ended. */
  closedError(): NetError;
}

/** Received bytes of one connection. */
export class ReceivePath implements PacketSink {
  private readonly owner: ReceiveOwner;
  private model: ReceiveModel;
  private decoder: Decoder | undefined;
  private rest: ByteQueue | undefined = undefined;
  private inbox: Inbox | undefined = undefined;
  private requests: RequestList | undefined = undefined;
  private holds = 0;
  private feeding = false;
  private streamPaused = false;
  /** The bytes being fed are the engine's: what is kept of them has to be copied. */
  private lent = false;
  /** Data goes to the inbox because somebody has begun to read. */
  private awaited = false;
  /** A handler's promise is not settled, whether or not that holds delivery up. */
  private handlerBusy = false;
  /** Bytes came for `pull` while the handler was busy: it is called when that is over. */
  private handlerMissed = false;
  private end: "none" | "pending" | "decoded" | "reported" = "none";
  private over = false;

  constructor(owner: ReceiveOwner, model: ReceiveModel) {
    this.owner = owner;
    this.model = model;
    this.decoder = model.createDecoder();
  }

  /** The model in force. */
  get receiveModel(): ReceiveModel {
    return this.model;
  }

  /** Unread bytes. */
  get unreadBytes(): number {
    return this.inbox?.byteCount ?? 0;
  }

  /** Whether bytes have come that nobody has taken, those of an incomplete packet included. */
  get hasUndelivered(): boolean {
    return this.rest !== undefined || this.unreadBytes > 0 || (this.decoder?.heldBytes ?? 0) > 0;
  }

  /** Whether a hold is set. */
  isHeld(reason: number): boolean {
    return (this.holds & reason) !== 0;
  }

  /** Bytes came from the engine. */
  receive(bytes: Buffer): void {
    if (this.over) return;
    const lends = this.owner.stream.lendsBytes;
    if (this.holds !== 0 || this.feeding) {
      this.keep(lends ? Buffer.from(bytes) : bytes);
      return;
    }
    if (!lends) {
      this.feed(bytes);
    } else if (this.owner.settings.delivery === "copy") {
      this.feed(Buffer.from(bytes));
    } else {
      this.lent = true;
      this.owner.service.lentBytes = bytes;
      this.feed(bytes);
      this.owner.service.lentBytes = undefined;
      this.lent = false;
    }
    if (this.holds !== 0 || this.rest !== undefined || this.streamPaused) this.settle();
  }

  /** After feeding: holds the stream back, or goes on with what handlers have left. */
  private settle(): void {
    if (this.over) return;
    if (this.holds === 0) this.proceed();
    else if (this.holds !== HOLD.busy) this.holdStream();
  }

  private keep(bytes: Buffer): void {
    this.rest ??= new ByteQueue();
    this.rest.append(bytes);
    const allowance = this.holds === HOLD.busy ? BUSY_ALLOWANCE_BYTES : 0;
    if (this.rest.byteCount > allowance) this.holdStream();
  }

  private feed(bytes: Buffer): void {
    this.feeding = true;
    try {
      let left: Buffer | undefined = bytes;
      while (left !== undefined) left = this.feedOnce(left);
    } catch (error) {
      this.owner.fail(receiveError(error));
    }
    this.feeding = false;
  }

  /** Feeds once; answers what is left for a model that took over, or undefined when that was all. */
  private feedOnce(bytes: Buffer): Buffer | undefined {
    const decoder = this.decoder;
    if (decoder === undefined) {
      this.offer(bytes);
      return undefined;
    }
    const taken = decoder.feed(bytes, this);
    if (taken === bytes.length || this.over) return undefined;
    const left = bytes.subarray(taken);
    if (this.holds === 0) return left;
    this.rest ??= new ByteQueue();
    this.rest.prepend(this.lent ? Buffer.from(left) : left);
    return undefined;
  }

  /** A packet from the decoder. */
  packet(bytes: Buffer): boolean {
    const decoder = this.decoder;
    this.offer(bytes);
    return this.holds === 0 && this.decoder === decoder && !this.over;
  }

  /** Gives one packet, or bytes as they came, to whoever wants them. */
  private offer(unit: Buffer): void {
    const requests = this.requests;
    if (requests !== undefined && requests.count > 0) {
      const answer = this.lent ? Buffer.from(unit) : unit;
      if (requests.take(answer, this.owner.settings.correlate)) return;
    }
    if (this.model.delivers === "count") this.offerCount(unit);
    else if (this.awaited || !this.owner.hasReceiveHandler) this.store(unit);
    else this.callHandler(unit);
  }

  private offerCount(unit: Buffer): void {
    const served = this.store(unit);
    if (served || !this.owner.hasReceiveHandler) return;
    if (this.handlerBusy) this.handlerMissed = true;
    else this.callHandler(this.unreadBytes);
  }

  private callHandler(received: Buffer | number): void {
    if (!this.owner.deliver(received)) return;
    this.handlerBusy = true;
    this.holds |= HOLD.busy;
  }

  /** The promise of the handler is settled. */
  handlerSettled(): void {
    this.handlerBusy = false;
    if (this.handlerMissed && !this.over) {
      this.handlerMissed = false;
      if (this.unreadBytes > 0) this.callHandler(this.unreadBytes);
    }
    if (!this.handlerBusy) this.release(HOLD.busy);
  }

  /** Puts a unit into the inbox; answers whether a reader had waited for it. */
  private store(unit: Buffer): boolean {
    const inbox = this.ensureInbox();
    const served = inbox.append(this.lent ? Buffer.from(unit) : unit);
    if (inbox.byteCount >= this.owner.settings.maxUnreadBytes) {
      this.holds |= HOLD.full;
      inbox.fail(
        new NetError(
          "READ_LIMIT",
          `the delimiter did not come within maxUnreadBytes (${this.owner.settings.maxUnreadBytes})`,
          { operation: "receive" },
        ),
      );
    }
    return served;
  }

  private ensureInbox(): Inbox {
    this.inbox ??= new Inbox(this.owner.service.wheel, this.model.delivers !== "packets");
    return this.inbox;
  }

  /** Sets a hold. */
  hold(reason: number): void {
    if (this.over) return;
    this.holds |= reason;
    this.holdStream();
  }

  /** Takes a hold away; delivery goes on when it was the last. */
  release(reason: number): void {
    if ((this.holds & reason) === 0) return;
    this.holds &= ~reason;
    this.proceed();
  }

  /** Delivers what waits, then the end, then lets the stream go on. */
  private proceed(): void {
    if (this.feeding || this.over) return;
    while (this.holds === 0 && this.rest !== undefined && !this.over) {
      const bytes = this.rest.takeChunk();
      if (bytes === undefined) this.rest = undefined;
      else this.feed(bytes);
    }
    if (this.holds !== 0 || this.over) return;
    if (this.end !== "none") this.deliverEnd();
    else if (this.streamPaused) {
      this.streamPaused = false;
      this.owner.stream.resume();
    }
  }

  private holdStream(): void {
    if (this.streamPaused || this.end !== "none") return;
    this.streamPaused = true;
    this.owner.stream.pause();
  }

  /** The engine says that the peer has finished. */
  endReceived(): void {
    if (this.over || this.end !== "none") return;
    this.end = "pending";
    if (this.holds === 0 && !this.feeding && this.rest === undefined) this.deliverEnd();
  }

  private deliverEnd(): void {
    if (this.end === "pending") {
      this.end = "decoded";
      this.feeding = true;
      try {
        this.decoder?.end(this);
      } catch (error) {
        this.owner.fail(receiveError(error));
      }
      this.feeding = false;
      if (this.holds !== 0 || this.over) return;
    }
    if (this.end !== "decoded") return;
    // Who reads on may still answer what was read last: the end is told to the next read.
    const nobodyAnswers = !this.awaited || !this.owner.isOpen;
    if (nobodyAnswers || this.inbox?.isAwaited === true) this.reportEnd();
    else if (this.lacksReader) this.owner.awaitReader();
  }

  /** Whether all was read, the peer has finished, and nobody has asked for more yet. */
  get lacksReader(): boolean {
    const inbox = this.inbox;
    return this.end === "decoded" && this.awaited && inbox?.isEmpty === true && !inbox.isAwaited;
  }

  /** Whether the peer's end was reported. */
  get hasEnded(): boolean {
    return this.end === "reported";
  }

  /** Reports the end, once: also when a deadline says that nobody reads on. */
  reportEnd(): void {
    if (this.end !== "decoded" || this.over) return;
    this.end = "reported";
    this.owner.peerFinished();
  }

  /** See `Connection.read`. `wish.kind === "chunk"` means what there is. */
  read(wish: ReadWish, options: WaitOptions): Promise<Buffer> {
    const inbox = this.ensureInbox();
    if (this.over) return inbox.readLast(wish, this.owner.closedError());
    const promise = inbox.read(wish, options, this.owner.settings.maxUnreadBytes);
    if (this.model.delivers !== "count") this.awaited = true;
    // A busy handler that reads on itself must get what it waits for.
    this.holds &= ~HOLD.busy;
    this.afterRead();
    return promise;
  }

  /** See `Connection.fetch`. */
  fetch(byteCount: number): Buffer | undefined {
    const bytes = this.ensureInbox().fetch(byteCount);
    if (bytes !== undefined) this.afterRead();
    return bytes;
  }

  /** See `Connection.peek`. */
  peek(byteCount: number): Buffer | undefined {
    return this.ensureInbox().peek(byteCount);
  }

  private afterRead(): void {
    if (this.over) return;
    if (this.unreadBytes < this.owner.settings.maxUnreadBytes) this.holds &= ~HOLD.full;
    this.proceed();
  }

  /** Requests of this connection. */
  requestList(): RequestList {
    this.requests ??= new RequestList(this.owner.service.wheel);
    return this.requests;
  }

  /** Exchanges the model in mid-stream; bytes of an incomplete packet and unread ones go to the new one. */
  exchange(model: ReceiveModel): void {
    const unread = this.model.delivers === "packets" ? undefined : this.inbox?.takeAll();
    const partial = this.decoder?.takeRest();
    this.model = model;
    this.decoder = model.createDecoder();
    if (this.inbox !== undefined) this.inbox.joinsChunks = model.delivers !== "packets";
    this.holds &= ~HOLD.full;
    for (const bytes of [partial, unread]) {
      if (bytes === undefined || bytes.length === 0) continue;
      this.rest ??= new ByteQueue();
      this.rest.prepend(bytes);
    }
    this.proceed();
  }

  /** The connection closes: nothing more is delivered, bytes that still come are thrown away. */
  discard(): void {
    if (this.over) return;
    this.over = true;
    this.rest = undefined;
    this.decoder = undefined;
    // An error costs the look at the stack: made where somebody waits.
    if (this.inbox?.isAwaited === true) this.inbox.fail(this.owner.closedError());
    if (this.requests !== undefined && this.requests.count > 0) {
      this.requests.fail(this.owner.closedError());
    }
    if (this.streamPaused) {
      this.streamPaused = false;
      this.owner.stream.resume();
    }
  }
}

function receiveError(error: unknown): NetError {
  if (error instanceof NetError) {
    return new NetError(error.code, error.message, {
      operation: "receive",
      fault: error.fault === "usage" ? "remote" : error.fault,
      cause: error.cause,
    });
  }
  const text = error instanceof Error ? error.message : String(error);
  return new NetError("HANDLER_FAILED", `receiving failed: ${text}`, {
    operation: "receive",
    cause: error,
  });
}
