/** What the application sees of a connection. */
import type { Duplex } from "node:stream";
import type { ReadableStream, WritableStream } from "node:stream/web";
import type { Address, KeepAlive, TcpInfo } from "../engine/engine.js";
import type { TlsInfo } from "../engine/tls-options.js";
import type { ProxyHeader } from "../protocol/proxy-header/proxy-header.js";
import type { ReceiveModel } from "../receive/receive-model.js";
import type { CloseReason } from "./close-reason.js";
import type { ConnectionState } from "./connection-state.js";

/** What can be sent: bytes, or text that is sent as UTF-8. */
export type Data = string | Uint8Array;

/**
 * What `send` answers. `true`: taken. `"slow"`: taken, and the queue is above `highWaterMarkBytes`, so that
 * it is time to wait for `onDrain` or `drained()`. `false`: lost, because the connection is not open, or is
 * ended or drops for `maxPendingBytes` (see `slowConsumer`).
 */
export type SendResult = true | "slow" | false;

/** Bounds of something that waits. */
export interface WaitOptions {
  /** Time to wait in milliseconds; 0: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Gives up when aborted; the promise rejects with `ABORTED` and the signal's reason as cause. */
  readonly signal?: AbortSignal | undefined;
}

/** What a connection has done so far. */
export interface ConnectionStats {
  /** Bytes received, heads of packets included. */
  readonly receivedBytes: number;
  /** Bytes that the kernel has taken. */
  readonly sentBytes: number;
  /** Bytes that wait to be sent. */
  readonly pendingBytes: number;
  /** Received bytes that were not taken yet. */
  readonly unreadBytes: number;
  /** Sends that the policy `slowConsumer: "drop"` has dropped. */
  readonly droppedCount: number;
  /** Time since the connection was made, in milliseconds; when it has ended, how old it was then. */
  readonly ageMs: number;
}

/** What to send with a small file. */
export interface SmallFileOptions {
  /** Sent before the file. */
  readonly head?: Data | undefined;
  /** Sent after the file. */
  readonly tail?: Data | undefined;
}

/** A connection as streams of the web: both directions. */
export interface WebView {
  /** What is received. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What is to be sent; to close it finishes. */
  readonly writable: WritableStream<Uint8Array>;
}

/** How the stream keeps data. */
export interface DuplexViewOptions {
  /** Bytes that the stream keeps before the peer is held back. Default: Node's own, 64 KiB. */
  readonly readableHighWaterMark?: number | undefined;
  /** Bytes of writes that the stream keeps beside the connection's own queue. Default: Node's own. */
  readonly writableHighWaterMark?: number | undefined;
  /** Goes on sending when the peer has finished, until the stream is ended. Default true, as in Node. */
  readonly allowHalfOpen?: boolean | undefined;
}

/**
 * A connection of any kind, over a stream or over datagrams. All its operations may be called at any time; on
 * one that has ended they do nothing.
 */
export interface AnyConnection<Context = unknown> extends AsyncDisposable, AsyncIterable<Buffer> {
  /** Whole number from 1; never given again in the process. */
  readonly id: number;
  /** The application's own. The library does not look at it. */
  context: Context;
  /**
   * A key of the application's own, anything that can be a key of a `Map`: the component finds the
   * connection by it (`byKey`) until it has ended. Undefined: none. `duplicateKey` says what happens when
   * another connection has the key already; with `"refuse"` and `"keep"` this one then keeps what it had.
   */
  key: unknown;
  /** Where it is in its life: `connecting`, `handshaking`, `open`, `closing`, `ending`, `closed`. */
  readonly state: ConnectionState;
  /** Whether data can be sent. */
  readonly isOpen: boolean;
  /** Whether `pause()` is in force. */
  readonly isPaused: boolean;

  /**
   * Sends bytes or text; with a packet model as one packet. All sends of one turn leave as one
   * write. The bytes must not be changed until they are written.
   *
   * Returns `true` when it was taken, `"slow"` when it was taken and the queue is above
   * `highWaterMarkBytes` (`onDrain` follows), `false` when it is lost: the connection is not open, or
   * `maxPendingBytes` is reached (see `slowConsumer`).
   *
   * Throws `PACKET_INVALID` for data that can't be one packet, `INVALID_ARGUMENT` for what is no data.
   */
  send(data: Data): SendResult;
  /** Sends several pieces as one; with a packet model as one packet. See {@link send}. */
  sendAll(pieces: readonly Data[]): SendResult;
  /** Resolves when `pendingBytes` is at `lowWaterMarkBytes` or below. Rejects with `DRAIN_TIMEOUT`, `ABORTED`, `CONNECTION_CLOSED`. */
  drained(options?: WaitOptions): Promise<void>;

  /**
   * Subscribes to a topic of its component: an exact name of at most 1,024 characters. False where it
   * is so already, and on a connection that is ending. Throws `TOPIC_LIMIT` at `maxTopics`.
   */
  subscribe(topic: string): boolean;
  /** Takes a subscription back; false where there was none. */
  unsubscribe(topic: string): boolean;
  /**
   * Sends to all subscribers of a topic but itself, each by its receive model; encoded once. Returns
   * to how many. `slowConsumer` decides about slow peers, which delay no other.
   */
  publish(topic: string, data: Data): number;
  /** Topics that it is subscribed to. */
  readonly topics: readonly string[];

  /**
   * Sends and resolves with the response: the next thing received, or, with `correlate`, the one with
   * the same key. `timeoutMs` is `requestTimeoutMs` where left out. Rejects with `REQUEST_TIMEOUT`,
   * `REQUEST_LIMIT`, `ABORTED`, `CONNECTION_CLOSED`, the last also when the peer has finished sending. A
   * response that comes too late is dropped; with `correlate` it goes to `onReceive`, as every packet does
   * whose key nobody waits for. May be awaited in `onReceive`: the response gets through to a handler whose
   * promise is open.
   */
  request(data: Data, options?: WaitOptions): Promise<Buffer>;
  /**
   * Resolves with the next thing received. From the first awaiting read on, data is no longer given to
   * `onReceive`. One read at a time. Rejects with `READ_TIMEOUT`, `ABORTED`, and `CONNECTION_CLOSED`
   * when the connection ends before; what came until then can still be read.
   */
  read(options?: WaitOptions): Promise<Buffer>;
  /** Received bytes that were not taken yet. */
  readonly unreadBytes: number;

  /** Stops receiving; the kernel holds the peer of a stream back. */
  pause(): boolean;
  /** Goes on receiving. */
  resume(): boolean;
  /**
   * Closes in good order: sends what waits, and over a stream FIN, waits for the peer's FIN for at most
   * `closeTimeoutMs`. False when it has ended already.
   */
  close(): boolean;
  /** Ends the connection at once, a stream with a reset; what waits is not sent. */
  abort(): boolean;

  /**
   * Resolves with the reason when the connection has ended, after `onClose`; at once when it has already.
   * Rejects with `CLOSE_TIMEOUT` or `ABORTED` as `options` say; the connection goes on then.
   */
  closed(options?: WaitOptions): Promise<CloseReason>;
  /** Why the connection ended or is ending; undefined before. */
  readonly closeReason: CloseReason | undefined;
  /** Bytes given to `send` that the kernel has not taken. */
  readonly pendingBytes: number;
  /** The address of this end; undefined before the connection is made. */
  readonly localAddress: Address | undefined;
  /** The address of the peer; undefined before the connection is made, and for peers without a path of their own. */
  readonly remoteAddress: Address | undefined;
  /** Host name as given to `connect`; undefined on a server. */
  readonly remoteHost: string | undefined;
  /** When the connection was made, in milliseconds since 1970 UTC. */
  readonly connectedAt: number;
  /** Time since data was last received (or since the connection was made), in milliseconds. Stands still when it has ended. */
  readonly silentForMs: number;
  /** Counts of bytes, and its age. */
  readonly stats: ConnectionStats;
  /**
   * Ends the connection when nothing comes for `idleTimeoutMs`, counted from when something came last;
   * 0: never. Holds instead of the component's setting. False when the connection has ended or closes.
   */
  setIdleTimeout(idleTimeoutMs: number): boolean;
  /**
   * Closes the connection, with the code `DEADLINE_PASSED`, `deadlineMs` from now, whatever comes until
   * then: time for a login, say. Replaces the last deadline; 0 takes it back. `reason` is the message
   * of the error. False when the connection has ended or closes.
   */
  setDeadline(deadlineMs: number, reason?: string): boolean;
}

/** One connection over a stream: TCP, TLS, a Unix-domain socket. */
export interface Connection<Context = unknown> extends AnyConnection<Context> {
  /**
   * The PROXY header that a relay has sent (see `proxyHeader` of servers), with its TLVs; `remoteAddress` is then whom
   * it names, unless it `isLocal`. Undefined where none came.
   */
  readonly proxyHeader: ProxyHeader | undefined;
  /** The receive model. Setting another exchanges it in mid-stream: bytes not yet delivered go to the new one. */
  receive: ReceiveModel;
  /**
   * Sends a whole file of at most 4,194,303 bytes, head and tail included, as one (HP §2.4). Answers
   * like {@link send}; rejects with `FILE_INVALID` when it can't be read, is too large or empty.
   */
  sendSmallFile(path: string, options?: SmallFileOptions): Promise<SendResult>;

  /**
   * Resolves with exactly `byteCount` bytes, or, left out, with what there is: the next packet, or
   * the bytes that came. From the first awaiting read on, data is no longer given to `onReceive`
   * (except with `pull()`, where both look at the same buffer). One read at a time.
   *
   * Rejects with `READ_TIMEOUT`, `READ_LIMIT`, `ABORTED`, and `CONNECTION_CLOSED` when the
   * connection ends before; what came until then can still be read.
   */
  read(byteCount: number, options?: WaitOptions): Promise<Buffer>;
  read(options?: WaitOptions): Promise<Buffer>;
  /** Resolves with the bytes up to and including `delimiter`. See {@link read}. */
  readUntil(delimiter: Data, options?: WaitOptions): Promise<Buffer>;
  /** Takes `byteCount` unread bytes, or returns undefined when fewer are there. */
  fetch(byteCount: number): Buffer | undefined;
  /** The first `byteCount` unread bytes without taking them; undefined when fewer are there. */
  peek(byteCount: number): Buffer | undefined;
  /**
   * Begins TLS on a connection that is plain so far, on a component with `tls: { start: "manual" }`:
   * what was sent goes out as plain text first, then the handshake begins. Until it is done nothing
   * can be sent. Resolves when it is, after `onHandshake`.
   *
   * Rejects, and ends the connection, with `TLS_PLAINTEXT` when plain bytes came that were not yet
   * taken (they may be injected), `TLS_FAILED`, `TLS_CERTIFICATE`, `HANDSHAKE_TIMEOUT`,
   * `HANDSHAKE_LIMIT`, `CONNECTION_CLOSED`. Rejects with `INVALID_STATE` where TLS can't begin.
   */
  startTls(options?: WaitOptions): Promise<TlsInfo>;
  /** What is known of TLS on this connection; undefined while it is plain, and after its end unless it was read before. */
  readonly tls: TlsInfo | undefined;

  /**
   * Sends what waits, then FIN: nothing more can be sent, and receiving goes on until the peer
   * finishes too. False when it has ended already.
   */
  finish(): boolean;
  /**
   * The connection as a stream of Node, for `pipeline` and libraries: back-pressure both ways, `end`
   * finishes, `destroy` aborts, and an error of the connection is the stream's. From here on the stream
   * gets what is received, unread bytes first, as it came; `onReceive` and reads do not.
   * Throws `INVALID_STATE` on a connection that is not open, or has a stream already.
   */
  toDuplex(options?: DuplexViewOptions): Duplex;
  /** The same as streams of the web. See {@link toDuplex}. */
  toWeb(options?: DuplexViewOptions): WebView;
  /** Sets `TCP_NODELAY`. */
  setNoDelay(on: boolean): void;
  /** Sets the kernel's probes; returns what is in force, without the parts that the platform can't set. */
  setKeepAlive(keepAlive: KeepAlive | false): KeepAlive | false;
  /** What the kernel knows of the connection; undefined where the engine can't ask. */
  tcpInfo(): TcpInfo | undefined;
}
