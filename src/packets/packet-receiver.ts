/**
 * The receiver of all receive models: makes packets of bytes and gives each to the first of these that
 * wants it: a request that waits for its response, a reader (`read`, `for await`), the handler
 * `onReceive`, and else the inbox, for a later read. Hot.
 *
 * While the promise of `onReceive` is open the handler is called for nothing else. Delivery is held, unless
 * that promise may be waiting for what comes: for a read, the response of a request, or the connection's end.
 * Packets that are none of that are put aside in the inbox, and given to the handler, in order, when its promise is
 * settled.
 *
 * The peer's end goes the same way. Where the application reads by itself, the end is passed on when it asks
 * for more than there is, so that it can respond to all that came. A request is rejected at once.
 */
import { isLent } from "../bytes/lending.js";
import { CLOSED_BY_PEER, type CloseReason } from "../connection/close-reason.js";
import type { WaitOptions } from "../connection/connection.js";
import type { HandlerSettled, PacketEvents } from "../connection/events/packet-events.js";
import {
  DUE,
  HOLD,
  type PacketReader,
  type ProtocolConnection,
  type ReadWish,
  type Receiver,
} from "../connection/receiver.js";
import { assertInteger, NetError } from "../errors.js";
import type { Decoder, PacketSink, ReceiveModel } from "../receive/receive-model.js";
import { Inbox } from "./inbox.js";
import { RequestList } from "./request-list.js";

/** Receives for one connection by its receive model. */
export class PacketReceiver implements Receiver, PacketReader, PacketSink, HandlerSettled {
  readonly stopping?: () => void;
  private served: ProtocolConnection | undefined;
  private readonly events: PacketEvents;
  private receiveModel: ReceiveModel;
  private decoder: Decoder | undefined;
  private inbox: Inbox | undefined = undefined;
  private requests: RequestList | undefined = undefined;
  /** Data goes to the inbox because reading has begun. */
  private isRead = false;
  /** The handler's promise is not settled, whether or not that holds delivery up. */
  private isHandlerBusy = false;
  /** Bytes came for `pull` while the handler was busy: it is called when that is over. */
  private isHandlerMissed = false;
  private end: "none" | "decoded" | "passed on" = "none";
  private isOver = false;

  constructor(connection: ProtocolConnection, events: PacketEvents, model: ReceiveModel) {
    this.served = connection;
    this.events = events;
    this.receiveModel = model;
    this.decoder = model.createDecoder();
    const { stopping } = events;
    if (stopping !== undefined) this.stopping = () => stopping.call(events, this.connection);
  }

  /** Begins to serve another connection: it has left the last one. */
  serve(connection: ProtocolConnection): void {
    this.served = connection;
  }

  /** Leaves its connection, of which it {@link isSpareFor remembers nothing}, and keeps it alive no longer. */
  leave(): void {
    this.served = undefined;
  }

  private get connection(): ProtocolConnection {
    return this.served as ProtocolConnection;
  }

  /** Whether it remembers nothing of its connection, and can serve another with these events and model. */
  isSpareFor(events: PacketEvents, model: ReceiveModel): boolean {
    if (this.events !== events || this.receiveModel !== model) return false;
    if (this.inbox !== undefined || this.requests !== undefined || this.isHandlerBusy) return false;
    if (this.end !== "none" || this.isOver || this.isRead) return false;
    return this.decoder === undefined || this.decoder.heldBytes === 0;
  }

  get packets(): PacketReader {
    return this;
  }

  get model(): ReceiveModel {
    return this.receiveModel;
  }

  /** Unread bytes. */
  get unreadBytes(): number {
    return this.inbox?.byteCount ?? 0;
  }

  /** Whether bytes are kept here that were not taken, those of an incomplete packet included. */
  get hasUndelivered(): boolean {
    return this.unreadBytes > 0 || (this.decoder?.heldBytes ?? 0) > 0;
  }

  // — the connection's calls —

  received(bytes: Buffer): number {
    if (this.inbox !== undefined && !this.catchUp()) return 0;
    const { decoder } = this;
    if (decoder !== undefined) return decoder.feed(bytes, this);
    if (this.isKept) return this.keep(bytes);
    if (this.hasRequests) this.deliver(bytes);
    else if (this.events.received(this.connection, bytes, this)) this.handlerBegan();
    return bytes.length;
  }

  /** Keeps as many bytes as may be; at that many unread ones delivery is held. */
  private keep(bytes: Buffer): number {
    const taken = Math.min(bytes.length, this.roomBytes);
    this.deliver(taken === bytes.length ? bytes : bytes.subarray(0, taken));
    return taken;
  }

  private get hasRequests(): boolean {
    return this.requests !== undefined && this.requests.count > 0;
  }

  /** Whether what comes is kept for a reader. */
  private get isKept(): boolean {
    if (this.hasRequests) return false;
    if (this.isHandlerBusy || this.isRead || !this.events.hasReceiveHandler) return true;
    return this.receiveModel.delivers === "count";
  }

  /** Bytes that may still be kept. */
  private get roomBytes(): number {
    return Math.max(1, this.connection.settings.maxUnreadBytes - this.unreadBytes);
  }

  /** A packet from the decoder. */
  packet(bytes: Buffer): boolean {
    const { decoder } = this;
    if (this.connection.heartbeat?.takes(bytes) !== true) this.deliver(bytes);
    // Behind a model that was exchanged, what follows is the next one's.
    return this.decoder === decoder && this.connection.isDelivering(this);
  }

  ended(): void {
    if (this.end === "none") this.end = "decoded";
    this.decoder?.end(this);
    if (this.hasRequests) this.requests?.fail(noResponse(this.connection.id));
    this.passOnEnd();
  }

  resumed(): void {
    this.callMissed();
    if (this.inbox !== undefined) this.catchUp();
    this.passOnEnd();
  }

  sent(byteCount: number): void {
    this.events.sent(this.connection, byteCount);
  }

  drained(): void {
    this.events.drained(this.connection);
  }

  abandoned(): void {
    this.isOver = true;
    // An error captures the stack: it is made only where a caller waits.
    if (this.inbox?.isAwaited === true) this.inbox.fail(this.connection.closedError());
    if (this.hasRequests) this.requests?.fail(this.connection.closedError());
  }

  closed(reason: CloseReason): void {
    this.events.connectionClosed?.(this.connection, reason);
  }

  // — delivery —

  /** Gives one packet, or bytes as they came, to the first that wants them. */
  private deliver(unit: Buffer): void {
    const { requests } = this;
    if (requests?.mayTake === true && this.respond(requests, unit)) return;
    if (this.receiveModel.delivers === "count") this.deliverCount(unit);
    else if (this.isRead || !this.events.hasReceiveHandler) this.store(unit);
    else if (this.isHandlerBusy) this.putAside(unit);
    else this.callHandler(unit);
  }

  /** Keeps what is the busy handler's until its promise is settled. */
  private putAside(unit: Buffer): void {
    this.store(unit);
    if (!this.isHandlerAwaiting) this.connection.hold(HOLD.handler);
  }

  /**
   * Gives the handler what was put aside. Returns whether it may be given what follows: not when it is busy
   * again, or a hold was set.
   */
  private catchUp(): boolean {
    const { connection, inbox } = this;
    if (inbox === undefined || inbox.isEmpty) return true;
    if (this.isHandlerBusy || !this.isPutAside) return true;
    // What was put aside may be as much as may be unread.
    while (!inbox.isEmpty && this.isPutAside && !this.isHandlerBusy) {
      if (this.isOver || connection.isHeld(~HOLD.unread)) return false;
      const unit = inbox.next();
      this.releaseUnread(inbox);
      if (unit !== undefined) this.callHandler(unit);
    }
    return connection.isDelivering(this);
  }

  /** Whether what is in the inbox waits for the handler, not for a read. */
  private get isPutAside(): boolean {
    return !this.isRead && this.events.hasReceiveHandler && this.receiveModel.delivers !== "count";
  }

  private releaseUnread(inbox: Inbox): void {
    const { connection } = this;
    if (inbox.cost < connection.settings.maxUnreadBytes) connection.release(HOLD.unread);
  }

  private respond(requests: RequestList, unit: Buffer): boolean {
    const response = isLent(unit) ? Buffer.from(unit) : unit;
    // A reader would take a late response for what it waits for.
    const dropsLate = this.isRead || !this.events.hasReceiveHandler;
    return requests.take(response, this.connection.settings.correlate, dropsLate);
  }

  private deliverCount(unit: Buffer): void {
    const isServed = this.store(unit);
    if (isServed || !this.events.hasReceiveHandler) return;
    if (this.isHandlerBusy) this.isHandlerMissed = true;
    else this.callHandler(this.unreadBytes);
  }

  private callHandler(unit: Buffer | number): void {
    if (this.events.received(this.connection, unit, this)) this.handlerBegan();
  }

  private handlerBegan(): void {
    this.isHandlerBusy = true;
    if (!this.isHandlerAwaiting) this.connection.hold(HOLD.handler);
  }

  /** Whether a handler's promise may be waiting for what the peer sends. */
  private get isHandlerAwaiting(): boolean {
    return this.inbox?.isAwaited === true || this.hasRequests || this.connection.isEndAwaited;
  }

  handlerSettled(): void {
    this.isHandlerBusy = false;
    this.callMissed();
    if (this.isHandlerBusy) return;
    this.connection.release(HOLD.handler);
    this.catchUp();
    // A handler that reads, or awaits a response, has released the hold itself.
    if (this.end === "decoded") this.passOnEnd();
  }

  /** Calls the handler of `pull` for bytes that came while it was busy; not while the application pauses. */
  private callMissed(): void {
    if (!this.isHandlerMissed || this.isHandlerBusy || this.isOver) return;
    if (this.connection.isHeld(HOLD.application)) return;
    this.isHandlerMissed = false;
    const { unreadBytes } = this;
    if (unreadBytes > 0 && this.receiveModel.delivers === "count") this.callHandler(unreadBytes);
  }

  /** Puts a unit into the inbox; returns whether a reader had waited for it. */
  private store(unit: Buffer): boolean {
    const inbox = this.ensureInbox();
    const isServed = inbox.append(unit, isLent(unit));
    const { maxUnreadBytes } = this.connection.settings;
    if (inbox.cost >= maxUnreadBytes) {
      this.connection.hold(HOLD.unread);
      inbox.full(maxUnreadBytes);
    }
    return isServed;
  }

  private ensureInbox(): Inbox {
    const { wheel } = this.connection;
    this.inbox ??= new Inbox(wheel, this.receiveModel.delivers !== "packets");
    return this.inbox;
  }

  // — the peer's end —

  /** Passes the peer's end on, once no handler may still respond to what came before it. */
  private passOnEnd(): void {
    const { connection, inbox } = this;
    if (this.end !== "decoded" || this.isOver || !connection.isDelivering(this)) return;
    const isEmpty = inbox?.isEmpty !== false;
    const { hasReceiveHandler, mayBeRead } = this.events;
    const mayRead = this.isRead || (mayBeRead && !hasReceiveHandler && !isEmpty);
    const isAsked = inbox?.isAwaited === true || connection.isEndAwaited;
    // The handler may still respond; this is called again when its promise is settled.
    if (this.isHandlerBusy && !isAsked) return;
    if (!mayRead || isAsked || !connection.isOpen) this.reportEnd();
    // A reader may take its time for what is unread.
    else if (isEmpty || !this.isRead) {
      connection.deadlines.set(DUE.reader, connection.settings.closeTimeoutMs);
    } else connection.deadlines.clear(DUE.reader);
  }

  /** Whether the peer has finished, and the end waits for the application to read on. */
  get isEndWaiting(): boolean {
    return this.end === "decoded";
  }

  /** Reports the end, once: also when the deadline for reading on has passed. */
  reportEnd(): void {
    if (this.end !== "decoded" || this.isOver) return;
    this.end = "passed on";
    const { connection } = this;
    connection.deadlines.clear(DUE.reader);
    const hasFinished = connection.endPassedOn();
    this.events.ended(connection);
    if (hasFinished || !connection.settings.halfOpen) connection.closeWith(CLOSED_BY_PEER);
  }

  /** A caller waits for the end of the connection: an end that waits for a reader is reported. */
  stopReading(): void {
    // A busy handler that waits for the end must get it.
    this.connection.release(HOLD.handler);
    if (this.end === "decoded") queueMicrotask(() => this.passOnEnd());
  }

  // — reading —

  /** See `Connection.read`. `wish.kind === "chunk"` means what there is. */
  read(wish: ReadWish, options: WaitOptions): Promise<Buffer> {
    const inbox = this.ensureInbox();
    const { connection } = this;
    if (this.isOver) return inbox.readLast(wish, connection.closedError());
    const promise = inbox.read(wish, options, connection.settings.maxUnreadBytes);
    if (this.receiveModel.delivers !== "count") this.isRead = true;
    // A busy handler that reads on itself must get what it waits for.
    connection.release(HOLD.handler);
    this.afterRead();
    return promise;
  }

  /** See `Connection.fetch`. */
  fetch(byteCount: number): Buffer | undefined {
    this.assertFetchable(byteCount);
    const bytes = this.ensureInbox().fetch(byteCount);
    if (bytes !== undefined) this.afterRead();
    return bytes;
  }

  /** See `Connection.peek`. */
  peek(byteCount: number): Buffer | undefined {
    this.assertFetchable(byteCount);
    return this.ensureInbox().peek(byteCount);
  }

  /** Throws `INVALID_ARGUMENT` for more bytes than may ever be unread. */
  private assertFetchable(byteCount: number): void {
    const most = Math.max(this.connection.settings.maxUnreadBytes, this.unreadBytes);
    assertInteger("byteCount", byteCount, 0, most);
  }

  private afterRead(): void {
    if (this.isOver) return;
    this.releaseUnread(this.ensureInbox());
    // A fetch of more than there is passes the end on.
    if (this.end === "decoded") queueMicrotask(() => this.passOnEnd());
  }

  // — requests —

  request(bytes: Buffer, options: WaitOptions, send: () => boolean): Promise<Buffer> {
    const { connection } = this;
    if (this.end !== "none") throw noResponse(connection.id);
    if (this.receiveModel.delivers === "count") {
      throw new NetError("INVALID_STATE", "pull() has no responses: a request needs packets", {
        operation: "request",
      });
    }
    this.requests ??= new RequestList(connection.wheel);
    const { requests } = this;
    const waiter = requests.add(bytes, options, connection.settings);
    try {
      if (!send()) {
        const { maxPendingBytes } = connection.settings;
        const text = `${connection.pendingBytes} bytes wait to be sent and maxPendingBytes is ${maxPendingBytes}: the request was dropped`;
        throw new NetError("SEND_QUEUE_FULL", text, { operation: "request" });
      }
    } catch (error) {
      requests.remove(waiter);
      waiter.cancel();
      throw error;
    }
    // A busy handler that waits for the response must get it.
    connection.release(HOLD.handler);
    return waiter.promise;
  }

  // — exchange —

  /** Takes out what is unread and the beginning of a packet, as they came, for a receiver that takes over. */
  takeUnread(): Buffer {
    const unread = this.receiveModel.delivers === "packets" ? undefined : this.inbox?.takeAll();
    const partial = this.decoder?.takeRest();
    this.connection.release(HOLD.unread);
    return Buffer.concat([unread, partial].filter((bytes) => bytes !== undefined));
  }

  /** Exchanges the model in mid-stream: bytes of an incomplete packet, and unread ones, go to the new one. */
  exchangeModel(model: ReceiveModel): void {
    // What is unread can still be read; nothing else will come.
    if (this.isOver) return;
    const decoder = model.createDecoder();
    const unread = this.takeUnread();
    this.receiveModel = model;
    this.decoder = decoder;
    if (this.inbox !== undefined) this.inbox.joinsChunks = model.delivers !== "packets";
    // The new model has to be told of an end, too; the application is told once.
    if (this.end === "decoded") this.end = "none";
    this.connection.receiveBy(this, unread);
  }
}

function noResponse(connectionId: number): NetError {
  const text = "the peer has finished sending: no response will come";
  return new NetError("CONNECTION_CLOSED", text, { operation: "request", connectionId });
}
