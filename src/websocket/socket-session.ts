/**
 * What stands behind one WebSocket, of either role, on a connection that has left HTTP: the receiver of
 * its connection and the sink of its decoder. Hot.
 *
 * An idle one has nothing that only moving frames need: what decodes and what sends serve the sockets that are busy
 * (docs/decisions/0049-idle-websockets-own-little.md), and how it ends is in `socket-ending.ts`.
 *
 * Who gets a message is decided here too: as a part it would be another object for each idle socket.
 *
 * Invariants: `onClose` is told once and last; nothing is decoded while a hold is set; what inflates for
 * longer than a turn goes on in a later one.
 */
import { beginLending, endLending } from "../bytes/lending.js";
import { HeapSendMemory, type SendMemory } from "../bytes/send-memory.js";
import type { CloseReason } from "../connection/close-reason.js";
import type { Data, WaitOptions } from "../connection/connection.js";
import { HOLD, type Receiver } from "../connection/receiver.js";
import type { NetError } from "../errors.js";
import { giveBack } from "../protocol/websocket/byte-gatherer.js";
import { CLOSE_CODE } from "../protocol/websocket/close-code.js";
import { FrameDecoder } from "../protocol/websocket/frame-decoder.js";
import { OPCODE, type Role } from "../protocol/websocket/opcode.js";
import {
  DELIVERY,
  type Delivery,
  type FrameState,
  type WebSocketSink,
} from "../protocol/websocket/websocket-sink.js";
import type { SocketDeflate } from "./deflate/deflate-stock.js";
import { workTurns } from "./deflate/work-turns.js";
import { type Compression, FrameOutput, type OwnConnection } from "./frame-output.js";
import { FrameTeller } from "./frame-teller.js";
import { type Heartbeat, SOCKET_DUE } from "./heartbeat.js";
import { LiveWebSocket, type SocketBehind } from "./live-websocket.js";
import { MessageInbox } from "./message-inbox.js";
import type { GroupedSession, OpenSockets } from "./open-sockets.js";
import { frameNote, PastFrame } from "./past-frame.js";
import type { PublishedMessage } from "./published-message.js";
import { type EndingSocket, SocketEnding } from "./socket-ending.js";
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

/** Decoders that a component keeps for its next sockets: more are seldom in use at once. */
const MAX_SPARE_DECODERS = 64;

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

/** What the sockets of one component have in common. */
export interface SocketShare {
  readonly role: Role;
  readonly configuration: WebSocketConfiguration;
  /** Undefined where pings are off. */
  readonly heartbeat: Heartbeat | undefined;
  readonly calls: WebSocketCalls<LiveWebSocket>;
  /** The sockets of the component. */
  readonly group: OpenSockets;
}

/** What was agreed on before, and who is told. */
export interface SessionParts {
  readonly connection: OwnConnection;
  readonly protocol: string;
  readonly context: unknown;
  /** There where permessage-deflate was agreed on. */
  readonly contexts?: SocketDeflate | undefined;
  /** There where the socket is made anew when it is lost. */
  readonly place?: PlaceOfSocket | undefined;
}

export class SocketSession
  implements
    Receiver,
    WebSocketSink,
    CalledSession<LiveWebSocket>,
    SocketBehind,
    GroupedSession,
    EndingSocket
{
  readonly socket: LiveWebSocket;
  readonly connection: OwnConnection;
  receivedMessages = 0;
  sentMessages = 0;
  droppedCount = 0;
  /** When the peer was pinged last, by the clock. */
  pingedMs = 0;
  private readonly share: SocketShare;
  private readonly contexts: SocketDeflate | undefined;
  private readonly place: PlaceOfSocket | undefined;
  /** Of a client, who received before, and keeps the books of the connection. */
  private previous: Receiver | undefined = undefined;
  /** There while a frame, a control frame or a message is under way, and always where there is an inflater. */
  private decoding: FrameDecoder | undefined = undefined;
  /** There while it sends: see {@link output}. */
  private sending: FrameOutput | undefined = undefined;
  private ownInbox: MessageInbox | undefined = undefined;
  private ending: SocketEnding | undefined = undefined;
  /** Of the frame that was received last. */
  private lastFrame = 0;
  private lastFrameBytes = 0;
  /** A ping that is to be replied to when the peer takes something again. */
  private owedPong: Buffer | undefined = undefined;
  /** Promises of handlers that are not settled. */
  private busyCount = 0;
  /** Messages go to the inbox because reading has begun. */
  private isRead = false;
  private hasPeerEnded = false;
  /** This side has closed, and there was no room for a message: none that follows is delivered. */
  private dropsRest = false;

  constructor(share: SocketShare, parts: SessionParts) {
    this.socket = new LiveWebSocket(this, parts.protocol, parts.context);
    this.connection = parts.connection;
    this.share = share;
    this.contexts = parts.contexts;
    this.place = parts.place;
    this.place?.entered(this.socket);
  }

  /** Takes the connection over, and tells that the socket is open. */
  begin(): void {
    const { connection, calls, place } = this;
    this.share.group.enter(this);
    if (this.isClient) this.previous = connection.receiver;
    connection.onDue = undefined;
    this.share.heartbeat?.begin(this);
    connection.receiveBy(this);
    if (place === undefined) calls.opened(this);
    else {
      place.opened(
        this.socket,
        () => calls.opened(this),
        (name, error) => calls.failed(this, name, "send", error),
      );
    }
  }

  private get calls(): WebSocketCalls<LiveWebSocket> {
    return this.share.calls;
  }

  private get group(): OpenSockets {
    return this.share.group;
  }

  get settings(): WebSocketSettings {
    return this.share.configuration.settings;
  }

  get isClient(): boolean {
    return this.share.role === "client";
  }

  get id(): number {
    return this.connection.id;
  }

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    return this.isUnclosed && this.connection.isOpen;
  }

  /** How it ends; made when it begins to. */
  private endingOf(): SocketEnding {
    this.ending ??= new SocketEnding(this);
    return this.ending;
  }

  /** There when it has ended. */
  get end(): WebSocketEnd | undefined {
    return this.ending?.end;
  }

  /** Whether both Close frames were exchanged. */
  get isClosedCleanly(): boolean {
    return this.ending?.handshake.isClean === true;
  }

  /** Whether no Close frame was sent or has come, and no rule was broken. */
  private get isUnclosed(): boolean {
    return this.ending?.isUnclosed ?? true;
  }

  get isCompressed(): boolean {
    return this.contexts !== undefined;
  }

  get compression(): Compression | undefined {
    return this.contexts?.compression;
  }

  // — what it has while it is busy —

  /** What sends its frames: its own until all was sent. */
  get output(): FrameOutput {
    this.sending ??= FrameOutput.for(this);
    return this.sending;
  }

  get pendingBytes(): number {
    return this.sending?.pendingBytes ?? this.connection.pendingBytes;
  }

  get isAboveMark(): boolean {
    return this.pendingBytes >= this.connection.settings.highWaterMarkBytes;
  }

  /** Whether a message was begun and is not sent to its end. */
  get isSendingMessage(): boolean {
    return this.sending?.isInMessage === true;
  }

  async whenDrained(options?: WaitOptions): Promise<void> {
    return await (this.sending ?? this.connection).drained(options);
  }

  /** What decodes its frames. */
  private get decoder(): FrameDecoder {
    if (this.decoding === undefined) {
      const { role, configuration } = this.share;
      const { limits, decoders } = configuration;
      const inflater = this.contexts?.inflater;
      const spare = inflater === undefined ? decoders.pop() : undefined;
      this.decoding = spare ?? new FrameDecoder({ role, limits, inflater });
    }
    return this.decoding;
  }

  /** Nothing is under way: what decodes serves the next socket. */
  private leaveDecoder(decoder: FrameDecoder): void {
    if (this.contexts !== undefined || !decoder.isSpare) return;
    const { frame } = decoder;
    this.lastFrame = frameNote(frame);
    this.lastFrameBytes = frame.payloadBytes;
    this.decoding = undefined;
    const { decoders } = this.share.configuration;
    if (decoders.length < MAX_SPARE_DECODERS) decoders.push(decoder);
  }

  /** The frame that is being received, or was received last. */
  get frame(): FrameState {
    return this.decoding?.frame ?? new PastFrame(this.lastFrame, this.lastFrameBytes);
  }

  /** Whether a message has begun and was not handed out to its end. */
  get isInMessage(): boolean {
    return this.decoding?.isInMessage === true;
  }

  // — the connection's calls —

  /** An idle socket needs no way in. */
  get staysWhenIdle(): boolean {
    return true;
  }

  received(bytes: Buffer): number {
    const { calls, decoder } = this;
    const sink = calls.hasFrameHandlers ? new FrameTeller(this, calls) : this;
    const taken = decoder.feed(bytes, sink);
    if (decoder.isInflating) this.endTurn();
    else this.leaveDecoder(decoder);
    return taken;
  }

  /** The inflater has had its share of this turn: it goes on in a later one. */
  private endTurn(): void {
    const { connection } = this;
    if (!connection.isDelivering(this)) return;
    connection.hold(HOLD.turn);
    workTurns.later(() => connection.release(HOLD.turn));
  }

  resumed(): void {
    if (this.decoding?.isInflating === true) this.received(NOTHING);
    const isInflating = this.decoding?.isInflating === true;
    if (this.hasPeerEnded && !isInflating && this.connection.isDelivering(this)) {
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
    if (this.ending?.peerFinished() !== true) this.decoder.end(this);
  }

  sent(): void {
    this.ending?.bytesSent();
    if (this.owedPong !== undefined && this.mayReply) this.pongOwed();
    const { calls, sending } = this;
    if (sending === undefined) return;
    if (sending.hasDrained() && calls.hasDrainHandler) calls.drained(this);
    if (this.sending === sending && sending.leave()) this.sending = undefined;
  }

  drained(): void {
    this.sent();
  }

  abandoned(): void {
    this.decoding?.drop();
    this.ownInbox?.end(this.connection.closedError());
  }

  stopping(): void {
    this.close(CLOSE_CODE.goingAway, "");
  }

  closed(reason: CloseReason): void {
    const { connection, place, sending } = this;
    const ending = this.endingOf();
    this.decoding?.drop();
    sending?.giveUp();
    if (sending?.leave() === true) this.sending = undefined;
    this.contexts?.end();
    const end = ending.ended(reason);
    this.ownInbox?.end(connection.closedError());
    try {
      this.group.leave(this);
      if (place === undefined) this.tellClosed(end);
      else {
        const { unsentBytes } = connection;
        place.closed(end, ending.isAsked, unsentBytes, () => this.tellClosed(end));
      }
      ending.told?.(end);
    } finally {
      this.previous?.closed(reason);
    }
  }

  private tellClosed(end: WebSocketEnd): void {
    this.calls.closed(this, end.code, end.reason, end.connection);
  }

  // — what the application has set for it alone —

  get key(): unknown {
    return this.group.rules.keyOf(this);
  }

  set key(key: unknown) {
    if (this.end === undefined) this.group.rules.giveKey(this, key);
  }

  setDeadline(deadlineMs: number, reason: string | undefined): boolean {
    if (!this.isOpen) return false;
    this.group.rules.setDeadline(this, deadlineMs, reason);
    return true;
  }

  /** Ends because of another socket, such as one with the same key. */
  closeWith({ cause }: CloseReason): boolean {
    if (!this.isOpen || cause === undefined) return false;
    this.fail(cause);
    return true;
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

  /** Sends what was published. Returns whether it was taken. */
  deliverPublished(message: PublishedMessage): boolean {
    if (!this.isOpen) return false;
    if (!this.isClient) {
      const mayDeflate = this.contexts?.sharesFrames === true;
      const inTurns = mayDeflate ? message.inTurns : undefined;
      if (inTurns !== undefined) return this.output.sendPublished(inTurns);
      const frame = message.frame(this.connection.memory, mayDeflate);
      // Most sockets have nothing waiting: a reference in the send queue is enough.
      if (this.sending !== undefined || this.connection.pendingBytes > 0)
        return this.output.sendPrepared(frame);
      this.sentMessages++;
      if (this.connection.sendShared(frame) !== true) this.output.told(false);
      return true;
    }
    return this.output.sendMasked(message.bytes, message.options);
  }

  // — messages —

  onMessageBegin(isText: boolean, isCompressed: boolean): Delivery {
    return this.calls.wantsPieces
      ? this.calls.delivery(this, isText, isCompressed)
      : DELIVERY.whole;
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
    const isEndAwaited = this.ending?.told !== undefined && !this.calls.wantsPieces;
    const isReader = isEndAwaited || this.ownInbox?.isAwaited === true;
    if (this.isUnclosed && !isReader) this.connection.hold(HOLD.handler);
  }

  handlerSettled(): void {
    if (--this.busyCount > 0) return;
    this.handOverStored();
    if (this.busyCount === 0) this.connection.release(HOLD.handler);
  }

  /** A caller waits for the end; it may be a busy handler. */
  awaitEnd(told: (end: WebSocketEnd) => void): void {
    this.endingOf().told = told;
    if (!this.calls.wantsPieces) this.connection.release(HOLD.handler);
  }

  handlerFailed(error: NetError): boolean {
    if (this.end !== undefined || !this.connection.isOpen) return false;
    this.fail(error);
    return true;
  }

  get inbox(): MessageInbox {
    if (this.ownInbox === undefined) {
      this.ownInbox = new MessageInbox(this.connection.wheel);
      const mayComeMore = this.ending?.handshake.canReceive ?? true;
      if (!this.connection.isOpen || !mayComeMore) {
        this.ownInbox.end(this.connection.closedError());
      }
    }
    return this.ownInbox;
  }

  /** The application reads on. */
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
    if (purpose === SOCKET_DUE.close) this.ending?.timePassed();
    else if (purpose === SOCKET_DUE.application) {
      if (this.isOpen) this.group.rules.deadlinePassed(this);
    } else if (this.isOpen) this.share.heartbeat?.duePassed(this, purpose);
  }

  stopPinging(): void {
    this.share.heartbeat?.stop(this);
  }

  // — how it ends —

  /** Begins the close handshake. Throws for a code or a reason that may not travel. */
  close(code: number | undefined, reason: string): boolean {
    if (!this.isOpen) {
      this.endingOf().isAsked = true;
      return false;
    }
    this.endingOf().close(code, reason);
    // The peer's Close frame is behind messages that will not be read.
    this.connection.release(HOLD.unread);
    this.connection.release(HOLD.handler);
    return true;
  }

  abort(): boolean {
    this.endingOf().isAsked = true;
    return this.connection.abort();
  }

  onClose(code: number, reason: string): void {
    this.ownInbox?.end(this.connection.closedError());
    this.endingOf().received(code, reason);
  }

  onError(error: NetError): void {
    this.fail(error);
  }

  /** Ends it for an error, which the peer is told of where that can be. */
  fail(error: NetError): void {
    this.decoding?.drop();
    this.endingOf().fail(error);
  }
}
