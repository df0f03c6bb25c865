/**
 * What one session has received and nobody has taken: made when somebody reads, requests or pauses, or a handler
 * is busy. A message goes to the first of these that wants it: a request that waits for its response, a reader,
 * the handler, and else it is kept for a later read.
 *
 * While a hold is set messages wait, up to `maxUnreadBytes`; what comes beyond is dropped and counted, as the
 * kernel does with a full socket: the socket belongs to all sessions, and none of them may hold it up. Where the
 * protocol above the datagrams can hold the peer back, it is told to, and nothing is dropped.
 */
import { isLent } from "../bytes/lending.js";
import type { WaitOptions } from "../connection/connection.js";
import type { HandlerSettled } from "../connection/events/packet-events.js";
import { HOLD } from "../connection/receiver.js";
import { NetError } from "../errors.js";
import { Inbox, PACKET_COST_BYTES } from "../packets/inbox.js";
import { RequestList } from "../packets/request-list.js";
import { inRootContext } from "../time/root-context.js";
import type { TimingWheel } from "../time/timing-wheel.js";
import type { DatagramSettings } from "./datagram-settings.js";

/** The session, as what it has received sees it. */
export interface InboxSession {
  readonly settings: DatagramSettings;
  readonly wheel: TimingWheel;
  readonly hasReceiveHandler: boolean;
  /** Whether {@link holdPeer} does anything. */
  readonly holdsPeer: boolean;
  /** The protocol delivers nothing from here on, or goes on. */
  holdPeer(isHeld: boolean): void;
  closedError(): NetError;
  fail(error: NetError): boolean;
  /** Calls `onReceive`. Returns true when that has a promise: `settled.handlerSettled` follows. */
  callHandler(message: Buffer, settled: HandlerSettled): boolean;
}

export class MessageInbox implements HandlerSettled {
  /** Messages that were dropped because those before them were not taken. */
  droppedCount = 0;
  private readonly session: InboxSession;
  private readonly unread: Inbox;
  private requests: RequestList | undefined = undefined;
  /** Bits of {@link HOLD}. */
  private holds = 0;
  private readonly waiting: Buffer[] = [];
  private waitingCost = 0;
  private isRead = false;
  private isScheduled = false;
  private isOver = false;

  constructor(session: InboxSession) {
    this.session = session;
    this.unread = new Inbox(session.wheel, false);
  }

  /** Bytes that were not taken. */
  get unreadBytes(): number {
    return this.unread.byteCount;
  }

  isHeld(owners: number): boolean {
    return (this.holds & owners) !== 0;
  }

  /** A message came. */
  receive(message: Buffer): void {
    if (this.isOver) return;
    if (this.holds === 0 && this.waiting.length === 0) this.deliver(message);
    else this.keep(message);
  }

  private keep(message: Buffer): void {
    const cost = message.length + PACKET_COST_BYTES;
    const { holdsPeer } = this.session;
    if (
      !holdsPeer &&
      this.waitingCost + this.unread.cost + cost > this.session.settings.maxUnreadBytes
    ) {
      this.droppedCount++;
      return;
    }
    this.waitingCost += cost;
    this.waiting.push(isLent(message) ? Buffer.from(message) : message);
  }

  private deliver(message: Buffer): void {
    const { requests, session } = this;
    if (requests?.mayTake === true && this.respond(requests, message)) return;
    if (this.isRead || !session.hasReceiveHandler) this.store(message);
    else if (session.callHandler(message, this)) this.handlerBegan();
  }

  private respond(requests: RequestList, message: Buffer): boolean {
    const response = isLent(message) ? Buffer.from(message) : message;
    try {
      // See `PacketReceiver`.
      const dropsLate = this.isRead || !this.session.hasReceiveHandler;
      return requests.take(response, this.session.settings.correlate, dropsLate);
    } catch (cause) {
      this.session.fail(new NetError("HANDLER_FAILED", "correlate failed", { cause }));
      return true;
    }
  }

  private store(message: Buffer): void {
    const { holdsPeer, settings } = this.session;
    const isRoom = this.unread.cost + message.length <= settings.maxUnreadBytes;
    if (!this.unread.isAwaited && !isRoom && !holdsPeer) {
      this.droppedCount++;
      return;
    }
    this.unread.append(message, isLent(message));
    if (holdsPeer && this.unread.cost >= settings.maxUnreadBytes) this.hold(HOLD.unread);
  }

  // — holds —

  hold(owners: number): void {
    if (this.holds === 0) this.session.holdPeer(true);
    this.holds |= owners;
  }

  /** Takes holds away; delivery goes on, in a microtask, when they were the last. */
  release(owners: number): void {
    const wasHeld = this.holds !== 0;
    this.holds &= ~owners;
    if (this.holds !== 0 || !wasHeld || this.isScheduled) return;
    if (this.waiting.length === 0 && !this.session.holdsPeer) return;
    this.isScheduled = true;
    inRootContext(() => {
      queueMicrotask(() => {
        this.isScheduled = false;
        this.goOn();
      });
    });
  }

  private goOn(): void {
    while (this.holds === 0 && !this.isOver) {
      const message = this.waiting.shift();
      if (message === undefined) {
        this.session.holdPeer(false);
        return;
      }
      this.waitingCost -= message.length + PACKET_COST_BYTES;
      this.deliver(message);
    }
  }

  /** A handler has answered with a promise. */
  handlerBegan(): void {
    // One that reads on itself must get what it waits for.
    if (!this.unread.isAwaited) this.hold(HOLD.handler);
  }

  handlerSettled(): void {
    this.release(HOLD.handler);
  }

  // — who takes it —

  read(options: WaitOptions): Promise<Buffer> {
    if (this.isOver) return this.unread.readLast({ kind: "chunk" }, this.session.closedError());
    const promise = this.unread.read(
      { kind: "chunk" },
      options,
      this.session.settings.maxUnreadBytes,
    );
    this.isRead = true;
    if (this.unread.cost < this.session.settings.maxUnreadBytes) this.release(HOLD.unread);
    // A busy handler that reads on itself must get what it waits for.
    this.release(HOLD.handler);
    return promise;
  }

  /** See `Connection.request`. `send` answers whether the message was taken. */
  request(message: Buffer, options: WaitOptions, send: () => boolean): Promise<Buffer> {
    this.requests ??= new RequestList(this.session.wheel);
    const { requests } = this;
    const waiter = requests.add(message, options, this.session.settings);
    try {
      if (!send()) {
        const { maxPendingBytes } = this.session.settings;
        const text = `maxPendingBytes (${maxPendingBytes}) wait to be sent: the request was dropped`;
        throw new NetError("SEND_QUEUE_FULL", text, { operation: "request" });
      }
    } catch (error) {
      requests.remove(waiter);
      waiter.cancel();
      throw error;
    }
    return waiter.promise;
  }

  /** Nothing more is received: waiters are told so. What was kept can still be read. */
  abandon(): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.isRead) for (const message of this.waiting) this.unread.append(message, false);
    this.waiting.length = 0;
    this.waitingCost = 0;
    if (this.unread.isAwaited) this.unread.fail(this.session.closedError());
    if (this.requests !== undefined && this.requests.count > 0) {
      this.requests.fail(this.session.closedError());
    }
  }
}
