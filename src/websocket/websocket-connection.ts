import type { CloseReason } from "../connection/close-reason.js";
import type { BroadcastOptions } from "../connection/component/connection-group.js";
import type { Data, SendResult, WaitOptions } from "../connection/connection.js";
import type { Address, TcpInfo } from "../engine/engine.js";
import type { TlsInfo } from "../engine/tls-options.js";
import type { FrameState } from "../protocol/websocket/websocket-sink.js";
import type { Message } from "./websocket-handlers.js";

/** How a message is sent. */
export interface SendOptions {
  /** Whether it is compressed, where that was agreed on. Default: if it is long enough. */
  readonly compress?: boolean | undefined;
  /** False: a fragment, which more of the same message follow. Default true. */
  readonly isLast?: boolean | undefined;
  /** Whether it is text. Default: strings are. Bytes that are sent as text must be UTF-8. */
  readonly isText?: boolean | undefined;
}

/** How a message is published. */
export interface PublishOptions {
  /** Whether it is compressed, for sockets that can have that. Default: if it is long enough. */
  readonly compress?: boolean | undefined;
  /** Whether it is text. Default: strings are. */
  readonly isText?: boolean | undefined;
}

/** Whom a broadcast goes to, and how. */
export interface WebSocketBroadcastOptions<Context = unknown>
  extends BroadcastOptions<WebSocketConnection<Context>>,
    PublishOptions {}

/** `open`: messages go both ways. `closing`: a Close frame was sent or came. */
export type WebSocketState = "open" | "closing" | "closed";

/** How a socket has ended. */
export interface WebSocketEnd {
  /** The peer's code; 1005 where it gave none, 1006 where no Close frame of it came. */
  readonly code: number;
  /** The reason that the peer gave, or "". */
  readonly reason: string;
  /** Whether both sides have sent Close frames. */
  readonly isClean: boolean;
  /** How the connection below has ended. */
  readonly connection: CloseReason;
}

/** What a socket has done so far. */
export interface WebSocketStats {
  /** Bytes that have come, heads of frames included. */
  readonly receivedBytes: number;
  /** Bytes that the kernel has taken, heads of frames included. */
  readonly sentBytes: number;
  /** Bytes that wait to be sent. */
  readonly pendingBytes: number;
  /** Messages that have come whole. */
  readonly receivedMessages: number;
  /** Messages that `send` and the like have taken. */
  readonly sentMessages: number;
  /** Messages that were dropped because the peer is slow. */
  readonly droppedCount: number;
}

/** What the application sees of a WebSocket, of either role. */
export interface WebSocketConnection<Context = unknown>
  extends AsyncDisposable,
    AsyncIterable<Message> {
  /** The connection's; a number never given again in the process. */
  readonly id: number;
  /** The application's own. */
  context: Context;
  /**
   * A key of the application's own, anything that can be a key of a `Map`: `byKey` of the component's sockets finds
   * this
   * one by it until it has ended. Undefined: none. `duplicateKey` says what happens when another socket has the key
   * already; with `"refuse"` and `"keep"` this one then keeps what it had.
   */
  key: unknown;
  /** Where it is in its life: `open`, `closing` once a Close frame was sent or has come, `closed`. */
  readonly state: WebSocketState;
  /** Whether messages can be sent. */
  readonly isOpen: boolean;
  /** The subprotocol that was agreed on, or "". */
  readonly protocol: string;
  /** Whether permessage-deflate was agreed on. */
  readonly isCompressed: boolean;
  /** Address of this end. */
  readonly localAddress: Address | undefined;
  /** Address of the peer; behind a relay that tells it (`proxyHeader`), the one that it has told. */
  readonly remoteAddress: Address | undefined;
  /** What was agreed on over `wss:`; undefined over `ws:`. */
  readonly tls: TlsInfo | undefined;
  /** When the connection was made, as `Date.now()` has it. */
  readonly connectedAt: number;
  /** Milliseconds since something was received last. */
  readonly silentForMs: number;
  /** Bytes that wait to be sent. */
  readonly pendingBytes: number;
  /** Counts of bytes and messages so far. */
  readonly stats: WebSocketStats;
  /** The frame that is being received, or was received last; of the last one without its mask. */
  readonly frame: FrameState;
  /** Whether a message is being received and is not complete. */
  readonly isInMessage: boolean;
  /** Whether the application has paused it. */
  readonly isPaused: boolean;

  /**
   * Sends a message, or a fragment of one; text as a text message. Bytes must not be changed until they are written.
   *
   * Returns true when it was taken; `"slow"` when it was taken and `highWaterMarkBytes` (1 MiB) or more wait: `onDrain`
   * and {@link drained} tell when there is room; false when it is lost: the socket is not open, or `maxPendingBytes`
   * (16 MiB) are reached and `slowConsumer` ends the connection or drops the message. A message that was begun is never
   * dropped in the middle: a fragment that finds more than that waiting, and more than `highWaterMarkBytes`, ends the
   * connection. Throws `INVALID_ARGUMENT` for what is neither text nor bytes.
   */
  send(data: Data, options?: SendOptions): SendResult;
  /** Sends a message in fragments, one for each chunk, no faster than the peer takes them. */
  sendStream(source: AsyncIterable<Data> | Iterable<Data>, options?: SendOptions): Promise<void>;
  /**
   * Subscribes to a topic of its component: an exact name of at most 1,024 characters. False where it is so
   * already, and on a socket that is not open. Throws `TOPIC_LIMIT` at `maxTopics`.
   */
  subscribe(topic: string): boolean;
  /** Takes a subscription back; false where there was none. */
  unsubscribe(topic: string): boolean;
  /**
   * Sends to all subscribers of a topic but itself: one frame, compressed once. Returns to how many. Who
   * is slow is treated by `slowConsumer`, and holds nobody up.
   */
  publish(topic: string, data: Data, options?: PublishOptions): number;
  /** Topics that it is subscribed to. */
  readonly topics: readonly string[];
  /**
   * Sends a ping of at most 125 bytes. Returns as {@link send} does; at `maxPendingBytes` it is lost, whatever
   * `slowConsumer` says.
   */
  ping(data?: Data): SendResult;
  /** Sends an unsolicited pong, of at most 125 bytes. Returns as {@link send} does. */
  pong(data?: Data): SendResult;
  /**
   * Begins the close handshake. `code`: 1000 to 1003, 1007 to 1014 or 3000 to 4999, or 1005 for a Close frame without
   * one. `reason`: at most 123 bytes of UTF-8. Returns false when it has begun already.
   */
  close(code?: number, reason?: string): boolean;
  /** Ends the connection at once, without a Close frame: both sides see 1006. */
  abort(): boolean;
  /** Receives nothing until {@link resume}: the peer is held back. False on a socket that has ended. */
  pause(): boolean;
  /** Goes on receiving. False on a socket that has ended. */
  resume(): boolean;
  /**
   * Resolves when no more waits to be sent than the low-water mark. Rejects with `DRAIN_TIMEOUT`, `ABORTED`,
   * `CONNECTION_CLOSED`.
   */
  drained(options?: WaitOptions): Promise<void>;
  /**
   * Resolves with the next message: text as a string, else a `Buffer`. Rejects with `CONNECTION_CLOSED` when there
   * will be
   * none, with `READ_TIMEOUT` after `timeoutMs`, with `ABORTED`. One read at a time.
   */
  read(options?: WaitOptions): Promise<Message>;
  /**
   * Resolves when the socket has ended, after `onClose`: with the peer's code and reason, and whether it was clean.
   * Rejects with `CLOSE_TIMEOUT` or `ABORTED` as `options` say; the socket goes on then.
   */
  closed(options?: WaitOptions): Promise<WebSocketEnd>;
  /**
   * Closes the socket with 1008, and the code `DEADLINE_PASSED`, `deadlineMs` from now, whatever comes until then: time
   * for a login, say. Replaces the last deadline; 0 takes it back. `reason` is the message of the error, and what the
   * peer is told, cut at 123 bytes. False when the socket is not open.
   */
  setDeadline(deadlineMs: number, reason?: string): boolean;
  /** What the kernel knows of the TCP connection below: round trip, losses; undefined where the engine can't tell. */
  tcpInfo(): TcpInfo | undefined;
}
