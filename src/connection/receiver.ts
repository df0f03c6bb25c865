/**
 * The seam on which everything above a connection stands. A connection has one {@link Receiver}, which
 * gets what comes in, and can be exchanged in any state from `handshaking` on: packets (all receive
 * models), an HTTP server, an HTTP client, a tunnel, a WebSocket are receivers.
 *
 * What a receiver may do with its connection, and an application may not, is {@link ProtocolConnection}.
 */
import type { SendMemory } from "../bytes/send-memory.js";
import type { Address, StreamSocket } from "../engine/engine.js";
import type { TlsInfo } from "../engine/tls-options.js";
import type { NetError } from "../errors.js";
import type { ProxyHeader } from "../protocol/proxy-header/proxy-header.js";
import type { Encoder, ReceiveModel } from "../receive/receive-model.js";
import type { Deadlines } from "../time/deadlines.js";
import type { TimingWheel } from "../time/timing-wheel.js";
import type { CloseReason } from "./close-reason.js";
import type { SendResult, WaitOptions } from "./connection.js";
import type { ConnectionState } from "./connection-state.js";
import type { ConnectionSettings } from "./settings.js";

/** Gets what one connection receives. */
export interface Receiver {
  /** What the application can read by itself; undefined where a protocol reads. */
  readonly packets?: PacketReader | undefined;
  /**
   * Bytes came. Returns how many it took. It may take fewer than all when it has set a hold, or another
   * receiver has taken over, within the call: the rest is given again, in front of what follows, when no
   * hold is left, or to the receiver that took over. The bytes may be lent, see `bytes/lending.ts`.
   *
   * What it throws ends the connection.
   */
  received(bytes: Buffer): number;
  /** The peer has finished sending, and all before that was taken. At most once for a receiver. */
  ended(): void;
  /** No hold is left any more; told after {@link ended}, when nothing else would be. */
  resumed?(): void;
  /** The kernel has taken `byteCount` bytes. */
  sent?(byteCount: number): void;
  /** The send queue is at its low-water mark again. */
  drained(): void;
  /** Nothing more will be received: the connection closes, or has ended. Whoever waits is told so. */
  abandoned?(): void;
  /** A deadline from `DUE.protocol` on has passed, and {@link ProtocolConnection.onDue} is not set. */
  duePassed?(purpose: number): void;
  /**
   * Whether it stays the connection's own while nothing comes and nothing is to be remembered of what came. Left out,
   * the component says what becomes of it.
   */
  readonly staysWhenIdle?: boolean;
  /** The component stops: ends the connection in good order. Left out, the connection is closed. */
  stopping?(): void;
  /** The connection has ended. Once, and last. */
  closed(reason: CloseReason): void;
}

/** What a read asks for: so many bytes, all up to a mark, or what there is. */
export type ReadWish =
  | { readonly kind: "bytes"; readonly byteCount: number }
  | { readonly kind: "until"; readonly mark: Uint8Array }
  | { readonly kind: "chunk" };

/** What the application can read by itself, where packets are received. */
export interface PacketReader {
  /** The model in force. */
  readonly model: ReceiveModel;
  readonly unreadBytes: number;
  /** Whether bytes are kept that were not taken, those of an incomplete packet included. */
  readonly hasUndelivered: boolean;
  /** Whether the peer has finished, and the end waits for the application to read on. */
  readonly isEndWaiting: boolean;
  read(wish: ReadWish, options: WaitOptions): Promise<Buffer>;
  fetch(byteCount: number): Buffer | undefined;
  peek(byteCount: number): Buffer | undefined;
  /** See `Connection.request`. `send` sends the bytes, and returns false when they were dropped. */
  request(bytes: Buffer, options: WaitOptions, send: () => boolean): Promise<Buffer>;
  exchangeModel(model: ReceiveModel): void;
  /** Takes out what is unread, and the beginning of a packet, as they came. */
  takeUnread(): Buffer;
  /** A caller waits for the end of the connection: an end that waits for a reader is passed on. */
  stopReading(): void;
  /** The application has not read on in time: an end that waits is passed on. */
  reportEnd(): void;
}

/**
 * Why delivery stops: bits, one for each owner, so that several can hold at once and none can take
 * away another's.
 */
export const HOLD = {
  /** The application called `pause()`. */
  application: 1,
  /** A handler's promise is not settled. */
  handler: 2,
  /** `maxUnreadBytes` are unread. */
  unread: 4,
  /** The peer does not take what it is sent (`slowConsumer: "pause"`). */
  slow: 8,
  /** TLS is being started. */
  tls: 16,
  /** Too much of a body is unread. */
  body: 32,
  /** Too many requests of the connection are under way. */
  pipeline: 64,
  /** It is not decided whether another protocol takes over. */
  upgrade: 128,
  /** The connection has had its share of this turn. */
  turn: 256,
} as const;

/** What a connection's deadlines are for; protocols count on from `protocol`. */
export const DUE = {
  /** TLS has to be established. */
  handshake: 0,
  /** Something has to be received. */
  idle: 1,
  /** The peer has finished, and the application has to read on, or hears of it. */
  reader: 2,
  /** What waits has to be sent, and the peer to finish. */
  close: 3,
  /** The application's own deadline of the connection. */
  application: 4,
  /** The peer has to be probed, or to have answered a probe. */
  heartbeat: 5,
  /** The first purpose that is the receiver's own; see {@link ProtocolConnection.onDue}. */
  protocol: 6,
} as const;

/** Gets packets before anybody else. */
export interface PacketFilter {
  /** Whether it takes the packet, which is then delivered nowhere else. */
  takes(packet: Buffer): boolean;
}

/** Writes bytes straight into the memory that is sent from. */
export interface PieceWriter {
  /**
   * Writes at `offset` and answers the offset behind, or a negative number when the room, which ends
   * with `target` or at the number of bytes that was asked for, does not suffice.
   */
  writePiece(target: Buffer, offset: number): number;
}

/** A connection, as protocols see it. */
export interface ProtocolConnection {
  /**
   * Bytes that waited to be sent when the connection ended; the kernel may have some of the write under way. 0
   * before.
   */
  readonly unsentBytes: number;
  readonly id: number;
  readonly state: ConnectionState;
  /** Whether data can be sent. */
  readonly isOpen: boolean;
  readonly stream: StreamSocket;
  readonly settings: ConnectionSettings;
  readonly wheel: TimingWheel;
  /** What writes the heads of packets; undefined where bytes are sent as they are. */
  readonly encoder: Encoder | undefined;
  readonly localAddress: Address | undefined;
  readonly remoteAddress: Address | undefined;
  readonly proxyHeader: ProxyHeader | undefined;
  /** Host name as given to `connect`; undefined on a server. What TLS verifies. */
  readonly remoteHost: string | undefined;
  readonly tls: TlsInfo | undefined;
  readonly connectedAt: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** The same with what the kernel has taken of the write under way: grows while the peer takes anything. */
  readonly sendProgress: number;
  readonly pendingBytes: number;
  /** When something was last received, or the connection made, by the wheel's clock. */
  readonly receivedMs: number;
  readonly silentForMs: number;
  /** The peer has finished sending, whether or not the receiver knows yet. */
  readonly peerHasEnded: boolean;
  /** A caller waits for the end of the connection. */
  readonly isEndAwaited: boolean;
  /** Takes the packets that are heartbeats; undefined where there are none. */
  readonly heartbeat: PacketFilter | undefined;

  /** Who gets what comes in; undefined before the first byte. */
  readonly receiver: Receiver | undefined;
  /** Exchanges the receiver. What the last one has not taken, `unread` first, goes to the new one. */
  receiveBy(receiver: Receiver, unread?: Buffer): void;
  /** Whether `receiver` is in place and may be given the next bytes. */
  isDelivering(receiver: Receiver): boolean;
  /** Sets the holds of `owners`, bits of {@link HOLD}. */
  hold(owners: number): void;
  /** Takes them away; delivery goes on when they were the last. */
  release(owners: number): void;
  isHeld(owners: number): boolean;
  /**
   * The receiver has passed the peer's end on: from here on `finish` closes the connection. Answers
   * whether we have finished already.
   */
  endPassedOn(): boolean;

  /**
   * Has the engine send all that comes to `target`, from now on: the receiver is told of the end alone. False, and
   * nothing has changed, where the engine can't, where bytes wait on either side, and where delivery has stopped for
   * the end. See `StreamSocket.carryTo`.
   */
  carryTo(target: ProtocolConnection): boolean;
  /** `byteCount` bytes that the engine carries have come. */
  carriedIn(byteCount: number): void;
  carriedOut(byteCount: number): void;

  /** Sends bytes as they are, whatever the receive model. Returns whether `Connection.send` would answer `true`. */
  sendBytes(bytes: Uint8Array): boolean;
  /** Where what is sent lies. */
  readonly memory: SendMemory;
  /**
   * Sends bytes, as they are, that others send as well: a reference to them, which the caller holds in
   * {@link memory} during the call. Returns what `Connection.send` would.
   */
  sendShared(bytes: Uint8Array): SendResult;
  /**
   * Sends what `writer` writes straight into the memory that is sent from, at most `maxBytes`, which is
   * at most a segment of it. Returns undefined when that did not suffice and nothing was sent, else
   * like {@link sendBytes}.
   */
  write(writer: PieceWriter, maxBytes: number): boolean | undefined;
  /** See `Connection.drained`. */
  drained(options?: WaitOptions): Promise<void>;
  /** See `Connection.startTls`. `limit`: what bounds it, for the message of a time-out; left out, the call's `timeoutMs`. */
  startTls(options?: WaitOptions, limit?: string): Promise<TlsInfo>;

  /** Deadlines of the connection, its own and the protocol's. */
  readonly deadlines: Deadlines;
  /** Told of deadlines from `DUE.protocol` on, in place of the receiver. */
  onDue: ((purpose: number) => void) | undefined;

  finish(): boolean;
  close(): boolean;
  /** Closes in good order for a reason of its own. */
  closeWith(reason: CloseReason): boolean;
  abort(): boolean;
  /** Ends the connection at once. Returns false when it has ended already. */
  fail(error: NetError): boolean;
  closed(): Promise<CloseReason>;
  /** `CONNECTION_CLOSED`, with the reason as its cause. */
  closedError(): NetError;
  /** Why it has ended or is closing. */
  endError(): NetError;
  /** Whether the connection keeps the process alive. */
  ref(): void;
  unref(): void;
}
