/**
 * What stands behind one WebSocket, of either role, on a connection that has left HTTP: the receiver of
 * its connection and the sink of its decoder. Hot.
 *
 * How it closes is in `protocol/websocket/close-handshake.ts`. A rule that is broken ends it with a Close
 * frame of ours, without waiting for the peer's; a peer that does not reply has `closeFrameTimeoutMs`.
 *
 * Who gets a message is decided here too: as a part it would be another object for each idle socket.
 *
 * Invariants: `onClose` is told once and last; nothing is decoded while a hold is set; what inflates for
 * longer than a turn goes on in a later one.
 */
import { beginLending, endLending } from "../bytes/lending.js";
import { HeapSendMemory, type SendMemory } from "../bytes/send-memory.js";
import {
  CLOSED_BY_PEER,
  CLOSED_LOCALLY,
  type CloseReason,
  reasonOf,
} from "../connection/close-reason.js";
import type { Data } from "../connection/connection.js";
import { HOLD, type Receiver } from "../connection/receiver.js";
import { NetError } from "../errors.js";
import { giveBack } from "../protocol/websocket/byte-gatherer.js";
import { CLOSE_CODE, canTravel, clipReason } from "../protocol/websocket/close-code.js";
import { CloseHandshake } from "../protocol/websocket/close-handshake.js";
import { closeCodeOfError } from "../protocol/websocket/fault.js";
import { FrameDecoder } from "../protocol/websocket/frame-decoder.js";
import { OPCODE, type Role } from "../protocol/websocket/opcode.js";
import {
  DELIVERY,
  type Delivery,
  type WebSocketSink,
} from "../protocol/websocket/websocket-sink.js";
import type { SocketDeflate } from "./deflate/deflate-stock.js";
import { workTurns } from "./deflate/work-turns.js";
import { FrameOutput, type OwnConnection } from "./frame-output.js";
import { FrameTeller } from "./frame-teller.js";
import { Heartbeat, SOCKET_DUE } from "./heartbeat.js";
import { LiveWebSocket, type SocketBehind } from "./live-websocket.js";
import { MessageInbox } from "./message-inbox.js";
import type { PublishedMessage } from "./published-message.js";
import type { GroupedSession, SocketGroup } from "./socket-group.js";
import type { CalledSession, WebSocketCalls } from "./websocket-calls.js";
import type { PublishOptions, WebSocketEnd } from "./websocket-connection.js";
import type { Message } from "./websocket-handlers.js";
import type { WebSocketConfiguration, WebSocketSettings } from "./websocket-settings.js";

/** What every buffer has, and `toString` looks for by name. */
interface Slices {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
}

const NOTHING: Buffer = Buffer.alloc(0);

/** Lends memory of messages that were cut, and keeps none beyond the call. */
const GATHERED: SendMemory = new HeapSendMemory();

/** Tells that something of the application's has failed, and ends the socket. */
export type SocketFailed = (name: string, error: unknown) => void;

/** The place of a socket that is made anew when it is lost. */
export interface PlaceOfSocket {
  /** The socket is there: it is given its context. */
  entered(socket: LiveWebSocket): void;
  /** The socket is open; `tell` calls `onOpen`. */
  opened(socket: LiveWebSocket, tell: () => void, failed: SocketFailed): void;
  /** It has ended, by `close` or `abort` of ours or not; `tell` calls `onClose`. */
  closed(end: WebSocketEnd, isAsked: boolean, unsentBytes: number, tell: () => void): void;
}

/** What was agreed on before, and who is told. */
export interface SessionParts {
  readonly role: Role;
  readonly connection: OwnConnection;
  readonly configuration: WebSocketConfiguration;
  readonly calls: WebSocketCalls<LiveWebSocket>;
  readonly protocol: string;
  readonly context: unknown;
  /** There where permessage-deflate was agreed on. */
  readonly contexts?: SocketDeflate | undefined;
  /** The sockets of the component. */
  readonly group: SocketGroup;
  /** There where the socket is made anew when it is lost. */
  readonly place?: PlaceOfSocket | undefined;
}

/**
 * What stands behind one WebSocket, of either role, on a connection that has left HTTP: the
 * receiver of its connection and the sink of its decoder.
 */
export class SocketSession
  implements Receiver, WebSocketSink, CalledSession<LiveWebSocket>, SocketBehind, GroupedSession
{
  readonly socket: LiveWebSocket;
  readonly connection: OwnConnection;
  readonly settings: WebSocketSettings;
  readonly decoder: FrameDecoder;
  readonly output: FrameOutput;
  receivedMessages = 0;
  /** There when it has ended. */
  end: WebSocketEnd | undefined = undefined;
  /** Told when it has ended. */
  private onEnd: ((end: WebSocketEnd) => void) | undefined = undefined;
  private readonly calls: WebSocketCalls<LiveWebSocket>;
  private readonly sink: WebSocketSink;
  private readonly contexts: SocketDeflate | undefined;
  private readonly group: SocketGroup;
  private readonly place: PlaceOfSocket | undefined;
  private readonly isClient: boolean;
  private readonly wantsPieces: boolean;
  /** Of a client, who received before, and keeps the books of the connection. */
  private previous: Receiver | undefined = undefined;
  private ownInbox: MessageInbox | undefined = undefined;
  /** Messages go to the inbox because somebody has begun to read. */
  private isRead = false;
  private hasPeerEnded = false;
  /** A ping that is to be replied to when the peer takes something again. */
  private owedPong: Buffer | undefined = undefined;
  private heartbeat: Heartbeat | undefined = undefined;
  /** The peer has begun to close. */
  private isPeersEnd = false;
  /** `close` or `abort` was called, whatever became of it. */
  private isAsked = false;
  /** Made when it begins to close. */
  private ownClosing: CloseHandshake | undefined = undefined;
  /** Promises of handlers that are not settled. */
  private busyCount = 0;
  /** This side has closed, and there was no room for a message: none that follows is delivered. */
  private dropsRest = false;

  constructor(parts: SessionParts) {
    const { role, connection, configuration, calls, contexts } = parts;
    const { settings, limits, readers } = configuration;
    this.socket = new LiveWebSocket(this, parts.protocol, parts.context);
    this.connection = connection;
    this.settings = settings;
    this.calls = calls;
    this.group = parts.group;
    this.place = parts.place;
    this.place?.entered(this.socket);
    this.isClient = role === "client";
    this.contexts = contexts;
    this.decoder = new FrameDecoder({ role, limits, inflater: contexts?.inflater, readers });
    this.output = new FrameOutput(connection, role, settings, contexts?.compression);
    this.wantsPieces = calls.wantsPieces;
    this.sink = calls.hasFrameHandlers ? new FrameTeller(this, calls) : this;
  }

  /** Takes the connection over, and tells that the socket is open. */
  begin(): void {
    const { connection, settings } = this;
    this.group.enter(this);
    if (this.isClient) this.previous = connection.receiver;
    connection.onDue = undefined;
    if (settings.pingIntervalMs > 0) this.heartbeat = new Heartbeat(this);
    connection.receiveBy(this);
    if (this.place === undefined) this.calls.opened(this);
    else {
      this.place.opened(
        this.socket,
        () => this.calls.opened(this),
        (name, error) => this.calls.failed(this, name, "send", error),
      );
    }
  }

  get id(): number {
    return this.connection.id;
  }

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    return this.isUnclosed && this.connection.isOpen;
  }

  /** How it closes. */
  get closing(): CloseHandshake {
    this.ownClosing ??= new CloseHandshake(this.isClient ? "client" : "server");
    return this.ownClosing;
  }

  /** Whether no Close frame was sent or has come, and no rule was broken. */
  private get isUnclosed(): boolean {
    return this.ownClosing === undefined || this.ownClosing.state === "open";
  }

  get isCompressed(): boolean {
    return this.contexts !== undefined;
  }

  // — the connection's calls —

  received(bytes: Buffer): number {
    const { decoder } = this;
    const taken = decoder.feed(bytes, this.sink);
    if (decoder.isInflating) this.endTurn();
    return taken;
  }

  /** What inflates has had its share: it goes on when the others have had theirs. */
  private endTurn(): void {
    const { connection } = this;
    if (!connection.isDelivering(this)) return;
    connection.hold(HOLD.turn);
    workTurns.later(() => connection.release(HOLD.turn));
  }

  resumed(): void {
    const { decoder } = this;
    if (decoder.isInflating) this.received(NOTHING);
    if (this.hasPeerEnded && !decoder.isInflating && this.connection.isDelivering(this)) {
      this.passOnEnd();
    }
  }

  ended(): void {
    this.hasPeerEnded = true;
    this.resumed();
  }

  private passOnEnd(): void {
    this.hasPeerEnded = false;
    this.connection.endPassedOn();
    if (this.ownClosing?.state === "done") this.output.afterAll(() => this.finish());
    else this.decoder.end(this.sink);
  }

  sent(): void {
    if (this.owedPong !== undefined && this.mayReply) this.pongOwed();
    if (this.output.hasDrained() && this.calls.hasDrainHandler) this.calls.drained(this);
  }

  drained(): void {
    this.sent();
  }

  abandoned(): void {
    this.decoder.drop();
    this.ownInbox?.end(this.connection.closedError());
  }

  stopping(): void {
    this.close(CLOSE_CODE.goingAway, "");
  }

  closed(reason: CloseReason): void {
    const { closing, connection, place } = this;
    closing.ended();
    this.decoder.drop();
    this.output.end();
    this.contexts?.end();
    this.end = {
      code: closing.code,
      reason: closing.reason,
      isClean: closing.isClean,
      connection: reason,
    };
    this.ownInbox?.end(connection.closedError());
    try {
      this.group.leave(this);
      if (place === undefined) this.tellClosed(this.end);
      else {
        const { unsentBytes } = connection;
        place.closed(this.end, this.isAsked, unsentBytes, () => this.tellClosed(this.end));
      }
      this.onEnd?.(this.end);
    } finally {
      this.previous?.closed(reason);
    }
  }

  private tellClosed(end: WebSocketEnd | undefined): void {
    if (end !== undefined) this.calls.closed(this, end.code, end.reason, end.connection);
  }

  // — topics —

  subscribe(topic: string): boolean {
    if (!this.isOpen) return false;
    return this.group.topicTable.subscribe(this, topic, this.settings.maxTopics);
  }

  unsubscribe(topic: string): boolean {
    return this.group.topicTable.unsubscribe(this, topic);
  }

  publish(topic: string, data: Data, options: PublishOptions | undefined): number {
    return this.group.publishFrom(this, topic, data, options);
  }

  topics(): string[] {
    return this.group.topicTable.topicsOf(this);
  }

  /** Sends what was published. Answers whether it was taken. */
  deliverPublished(message: PublishedMessage): boolean {
    if (!this.isOpen) return false;
    if (!this.isClient) {
      const mayDeflate = this.contexts?.sharesFrames === true;
      return this.output.sendPrepared(message.frame(this.connection.memory, mayDeflate));
    }
    this.output.send(message.bytes, { isText: message.isText });
    return this.isOpen;
  }

  // — messages —

  onMessageBegin(isText: boolean, isCompressed: boolean): Delivery {
    return this.wantsPieces ? this.calls.delivery(this, isText, isCompressed) : DELIVERY.whole;
  }

  onTextMessage(bytes: Buffer, start: number, end: number, isAscii: boolean): boolean {
    const slices = bytes as Buffer & Slices;
    const text = isAscii ? slices.latin1Slice(start, end) : slices.utf8Slice(start, end);
    return this.deliver(text, true);
  }

  onMessage(bytes: Buffer, isText: boolean, isOwn: boolean): boolean {
    if (isText) return this.deliver(bytes.toString(), true);
    if (isOwn && this.settings.delivery === "borrow") return this.lend(bytes);
    return this.deliver(this.ownBytes(bytes, isOwn), false);
  }

  /** Delivers a message that was cut, for the time of the call: its memory is for the next such message. */
  private lend(bytes: Buffer): boolean {
    beginLending(bytes, GATHERED);
    try {
      return this.deliver(bytes, false);
    } finally {
      endLending();
      giveBack(bytes);
    }
  }

  private ownBytes(bytes: Buffer, isOwn: boolean): Buffer {
    return isOwn || this.settings.delivery === "borrow" ? bytes : Buffer.from(bytes);
  }

  private deliver(message: Message, isText: boolean): boolean {
    const { calls } = this;
    if (this.dropsRest) return this.connection.isDelivering(this);
    this.receivedMessages++;
    if (this.isRead || this.busyCount > 0 || !calls.hasMessageHandler) this.store(message);
    else if (calls.message(this, message, isText)) this.handlerBusy();
    return this.connection.isDelivering(this);
  }

  /** Puts a message into the inbox, which outlives the call. */
  private store(message: Message): void {
    const { inbox, settings } = this;
    this.dropsRest = !this.isUnclosed && inbox.cost >= settings.maxUnreadBytes;
    if (this.dropsRest) return;
    const isLent = settings.delivery === "borrow" && typeof message !== "string";
    inbox.append(isLent ? Buffer.from(message) : message);
    if (this.isUnclosed && inbox.cost >= settings.maxUnreadBytes) this.connection.hold(HOLD.unread);
  }

  /** Hands over what came while the handler was busy, until it is busy again. */
  private handOverStored(): void {
    const { calls, ownInbox, settings, connection } = this;
    if (ownInbox === undefined || this.isRead || !calls.hasMessageHandler) return;
    while (this.busyCount === 0 && this.end === undefined) {
      const message = ownInbox.take();
      if (message === undefined) break;
      if (calls.message(this, message, typeof message === "string")) this.handlerBusy();
    }
    if (ownInbox.cost < settings.maxUnreadBytes) connection.release(HOLD.unread);
  }

  onMessagePiece(bytes: Buffer, isText: boolean): boolean {
    if (this.isPieceDropped()) return this.connection.isDelivering(this);
    if (this.calls.piece(this, this.ownBytes(bytes, false), isText)) this.handlerBusy();
    return this.connection.isDelivering(this);
  }

  /** Pieces are not put aside: once this side has closed, a busy handler does without. */
  private isPieceDropped(): boolean {
    if (this.busyCount > 0 && !this.isUnclosed) this.dropsRest = true;
    return this.dropsRest;
  }

  onMessageEnd(isText: boolean): boolean {
    if (this.isPieceDropped()) return this.connection.isDelivering(this);
    this.receivedMessages++;
    if (this.calls.messageEnded(this, isText)) this.handlerBusy();
    return this.connection.isDelivering(this);
  }

  /**
   * Nothing is read until the handler has settled, unless it waits for what is read: a message, the end of the
   * socket, or, once this side has closed, the peer's Close frame.
   */
  private handlerBusy(): void {
    this.busyCount++;
    const isEndAwaited = this.onEnd !== undefined && !this.wantsPieces;
    const isReader = isEndAwaited || this.ownInbox?.isAwaited === true;
    if (this.isUnclosed && !isReader) this.connection.hold(HOLD.handler);
  }

  handlerSettled(): void {
    if (--this.busyCount > 0) return;
    this.handOverStored();
    if (this.busyCount === 0) this.connection.release(HOLD.handler);
  }

  /** Somebody waits for the end, who may be a busy handler. */
  awaitEnd(told: (end: WebSocketEnd) => void): void {
    this.onEnd = told;
    if (!this.wantsPieces) this.connection.release(HOLD.handler);
  }

  handlerFailed(error: NetError): boolean {
    if (this.end !== undefined || !this.connection.isOpen) return false;
    this.fail(error);
    return true;
  }

  get inbox(): MessageInbox {
    if (this.ownInbox === undefined) {
      this.ownInbox = new MessageInbox(this.connection.wheel);
      const mayComeMore = this.ownClosing?.canReceive ?? true;
      if (!this.connection.isOpen || !mayComeMore) {
        this.ownInbox.end(this.connection.closedError());
      }
    }
    return this.ownInbox;
  }

  /** Somebody reads on. */
  readOn(): void {
    this.isRead = true;
    const { connection } = this;
    // A busy handler that reads on itself must get what it waits for.
    connection.release(HOLD.handler);
    if (this.inbox.cost < this.settings.maxUnreadBytes) connection.release(HOLD.unread);
  }

  // — pings —

  onPing(bytes: Buffer): boolean {
    if (this.isUnclosed) {
      this.owedPong = bytes;
      if (this.mayReply) this.pongOwed();
      else this.owedPong = Buffer.from(bytes);
      if (this.calls.hasPingHandler) this.calls.pinged(this, Buffer.from(bytes));
    }
    return this.connection.isDelivering(this);
  }

  /** Of a peer that pings and takes nothing, only the latest ping is replied to. */
  private get mayReply(): boolean {
    return this.connection.pendingBytes < this.connection.settings.lowWaterMarkBytes;
  }

  private pongOwed(): void {
    const { owedPong } = this;
    this.owedPong = undefined;
    if (owedPong !== undefined && this.isOpen) this.output.control(OPCODE.pong, owedPong);
  }

  onPong(bytes: Buffer): boolean {
    this.calls.ponged(this, Buffer.from(bytes));
    return this.connection.isDelivering(this);
  }

  duePassed(purpose: number): void {
    if (purpose === SOCKET_DUE.close) this.closePassed();
    else if (this.isOpen) this.heartbeat?.duePassed(purpose);
  }

  // — how it ends —

  /** Begins the close handshake. Throws for a code or a reason that may not travel. */
  close(code: number | undefined, reason: string): boolean {
    if (!this.isOpen) {
      this.isAsked = true;
      return false;
    }
    this.output.close(code, reason);
    this.isAsked = true;
    this.closing.sent();
    this.output.afterAll(() => this.awaitPeer());
    // The peer's Close frame is behind what nobody may read any more.
    this.connection.release(HOLD.unread);
    this.connection.release(HOLD.handler);
    return true;
  }

  abort(): boolean {
    this.isAsked = true;
    return this.connection.abort();
  }

  private awaitPeer(): void {
    const { connection, settings } = this;
    if (!connection.isOpen) return;
    this.heartbeat?.stop();
    connection.deadlines.set(SOCKET_DUE.close, settings.closeFrameTimeoutMs);
  }

  private closePassed(): void {
    const { connection, settings } = this;
    // The peer has closed as it should have; only its FIN is missing.
    if (this.closing.state === "done") this.finish();
    else {
      const text = `the peer did not reply to a Close frame within closeFrameTimeoutMs (${settings.closeFrameTimeoutMs})`;
      connection.fail(
        new NetError("CLOSE_TIMEOUT", text, { operation: "close", connectionId: connection.id }),
      );
    }
  }

  onClose(code: number, reason: string): void {
    const { closing, output } = this;
    const isReply = closing.state === "closeSent";
    closing.received(code, reason);
    this.ownInbox?.end(this.connection.closedError());
    if (!isReply) {
      this.isPeersEnd = true;
      output.close(closing.replyCode, closing.reason);
      closing.sent();
    }
    output.afterAll(() => {
      if (closing.mustEnd) this.finish();
      else this.awaitPeer();
    });
  }

  /** Both Close frames were exchanged. */
  private finish(): void {
    this.connection.closeWith(this.isPeersEnd ? CLOSED_BY_PEER : CLOSED_LOCALLY);
  }

  onError(error: NetError): void {
    this.fail(error);
  }

  /** Ends it for an error, which the peer is told of where that can be. */
  fail(error: NetError): void {
    const { closing, connection } = this;
    const code = closeCodeOfError(error);
    this.output.giveUp();
    if (closing.state === "open" && connection.isOpen && canTravel(code)) {
      const isOurs = error.code === "HANDLER_FAILED";
      this.output.close(code, isOurs ? "" : clipReason(error.message));
    }
    closing.fail();
    this.decoder.drop();
    connection.closeWith(reasonOf(error, "receive"));
  }
}
