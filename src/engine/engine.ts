/**
 * The contract between the connection layer and whatever moves bytes in and out of the process.
 *
 * It has completion shape: every operation is started by a call and completed (or failed) later by
 * one call of a sink. Rules that hold for every engine, and that `test/contract` checks:
 *
 * 1. A sink is never called from inside a call into the engine; there is no re-entrancy.
 * 2. Every stream, listener and datagram socket that was made gets exactly one `closed`, last.
 * 3. At most one write is under way on a stream; the next may be started when `written` came.
 * 4. After `pause()` at most {@link MAX_AHEAD_BYTES} and one receive buffer of as many may still arrive;
 *    after `close()` or `reset()` none.
 * 5. Bytes given to `write` stay the engine's until `written` or `closed`. What lies in the engine's own
 *    `memory`, or was kept by it, is sent from there, and released then; all else is the caller's.
 * 6. An exception thrown by a sink is a defect of the layer above, and never stops the engine.
 * 7. After `close()` or `reset()` a sink hears nothing but `closed`; later calls do nothing.
 * 8. A stream whose two sides have finished stays until it is closed.
 * 9. A reset by the peer is told (`streamClosed` with `CONNECTION_RESET`) also while the stream is
 *    paused, and after `streamEnded`, as far as the kernel tells it.
 * 10. An end (`streamEnded`) means that the peer's FIN was read. A reset behind data is never told as
 *    an end.
 * 11. Sinks and tasks are called in the engine's own async context: values of `AsyncLocalStorage` that
 *    belong to whoever happened to call the engine last are not seen there.
 * 12. A write whose pieces have another length than was given, because their memory was transferred or
 *    resized, closes its stream with `INVALID_ARGUMENT`. It throws nothing, and harms no other stream.
 * 13. An open stream, listener or datagram socket keeps the process alive until `unref()`, paused or not.
 */
import type { SendMemory } from "../bytes/send-memory.js";
import type { NetError } from "../errors.js";
import type { Clock } from "../time/clock.js";
import type { TlsClientOptions, TlsContext, TlsInfo, TlsServerOptions } from "./tls-options.js";

/** Bytes that may still come after a pause, before a last receive buffer of as many. */
export const MAX_AHEAD_BYTES: number = 65_536;

/** Bytes that may wait for a stream to which another one is carried; those that may come after a pause come on top. */
export const MAX_CARRIED_BYTES: number = 131_072;

/** An IP address with a port. */
export interface IpAddress {
  /** IP address as text; of IPv6 with its zone, where it has one. */
  readonly host: string;
  /** Port, 0 to 65535. */
  readonly port: number;
  /** Which kind of address it is. */
  readonly family: "IPv4" | "IPv6";
}

/** A Unix-domain socket's path (on Windows: a named pipe). */
export interface PathAddress {
  /** Path of the Unix-domain socket; one that begins with a zero byte is a name of Linux's. */
  readonly path: string;
  /** Undefined: a path has no host. */
  readonly host?: undefined;
  /** Undefined: a path has no port. */
  readonly port?: undefined;
  /** Undefined: a path is of no IP family. */
  readonly family?: undefined;
}

/** Where a socket is, or where its peer is. A path has no `host`: `address.host` tells which it is. */
export type Address = IpAddress | PathAddress;

/** Names by which an engine can be chosen. */
export type EngineName = "node" | "uring";

/** Which engine a component uses: the best available, a named one, or an engine itself. */
export type EngineChoice = "auto" | EngineName | Engine;

/** What not every engine can do. */
export type Capability =
  /** `SO_REUSEPORT`: several listeners on one port. */
  | "reusePort"
  /** TCP keep-alive interval and probe count, besides the idle time. */
  | "keepAliveInterval"
  /** `TCP_USER_TIMEOUT`. */
  | "userTimeout"
  /** `TCP_INFO` of a connection. */
  | "tcpInfo"
  /** Unix-domain sockets. */
  | "pathAddress"
  /** Sizes of the kernel's buffers of streams. */
  | "socketBuffers"
  /** Sizes of the kernel's buffers of datagram sockets. */
  | "datagramBuffers"
  /** Datagram sockets. */
  | "datagram"
  /** A reset by the peer is told while nothing is received: in a pause, and after the peer's end. */
  | "resetWhilePaused"
  /** What comes from one stream is sent to another by the engine itself (`carryTo`). */
  | "carry"
  /** TLS on streams. */
  | "tls";

/** `true`, or the reason why not, as a sentence. */
export type Capabilities = Readonly<Record<Capability, true | string>>;

/** TCP keep-alive: the kernel's own probes. */
export interface KeepAlive {
  /** Silence before the first probe, in milliseconds; whole seconds count. */
  readonly idleMs: number;
  /** Time between probes in milliseconds; left out: the system's default. */
  readonly intervalMs?: number | undefined;
  /** Unanswered probes before the peer is given up; left out: the system's default. */
  readonly count?: number | undefined;
}

/** Options of a stream socket. */
export interface StreamOptions {
  /** `TCP_NODELAY`: small writes leave at once. */
  readonly noDelay: boolean;
  /** Keep-alive probes, or `false`. */
  readonly keepAlive: KeepAlive | false;
  /** `TCP_USER_TIMEOUT` in milliseconds: how long sent bytes may stay unacknowledged. */
  readonly userTimeoutMs?: number | undefined;
  /** `SO_RCVBUF` in bytes. */
  readonly receiveBufferBytes?: number | undefined;
  /** `SO_SNDBUF` in bytes. */
  readonly sendBufferBytes?: number | undefined;
  /** `startTls` may be called on the stream. */
  readonly mayStartTls?: boolean | undefined;
  /**
   * What is received is kept: an engine that lends may give large pieces away instead, which spares a
   * copy (`lendsBytes` is then false during the call).
   */
  readonly keepsBytes?: boolean | undefined;
}

/** Where and how a server listens. `address.host` is an IP literal; names are resolved before. */
export interface ListenPlace {
  /** The address that is listened on; port 0: any free one. */
  readonly address: Address;
  /** Connections that the kernel completes ahead of us. */
  readonly backlog: number;
  /** `SO_REUSEPORT`. */
  readonly reusePort: boolean;
  /** An IPv6 listener takes IPv4 connections as well. */
  readonly dualStack: boolean;
}

/** What an engine is asked for. */
export interface ListenTarget extends ListenPlace {
  /** Options that accepted streams get. */
  readonly stream: StreamOptions;
}

/** Where and how to connect. `address.host` is an IP literal; names are resolved before. */
export interface ConnectTarget {
  readonly address: Address;
  /** Local address and port to bind first; port 0 or left out: any. */
  readonly localHost?: string | undefined;
  readonly localPort?: number | undefined;
  readonly stream: StreamOptions;
}

/** What the kernel knows of a TCP connection (`TCP_INFO`). Times in milliseconds. */
export interface TcpInfo {
  /** State of the connection by RFC 9293. */
  readonly state: string;
  /** Smoothed round trip, in milliseconds. */
  readonly roundTripMs: number;
  /** How much round trips differ, in milliseconds. */
  readonly roundTripVarianceMs: number;
  /** Shortest round trip that was seen lately, in milliseconds. */
  readonly minRoundTripMs: number;
  /** How long the kernel waits for an acknowledgement before it sends again, in milliseconds. */
  readonly retransmitTimeoutMs: number;
  /** Segments that were sent again, in all. */
  readonly retransmitCount: number;
  /** Segments that count as lost at the moment. */
  readonly lostCount: number;
  /** Probes of keep-alive, or of a closed window, that were not answered so far. */
  readonly probeCount: number;
  /** Segments that were sent and not acknowledged. */
  readonly unacknowledgedCount: number;
  /** Segments that may be on their way, by the congestion window. */
  readonly congestionWindowSegments: number;
  /** Largest segment that is sent, in bytes. */
  readonly sendSegmentBytes: number;
  /** Largest segment that was received, in bytes. */
  readonly receiveSegmentBytes: number;
  /** Largest packet of the path, as far as it is known, in bytes. */
  readonly pathMtuBytes: number;
  /** Time since data was last sent, in milliseconds. */
  readonly lastDataSentMs: number;
  /** Time since data was last received, in milliseconds. */
  readonly lastDataReceivedMs: number;
}

/** Gets what happens to one stream. */
export interface StreamSink {
  /** The outgoing connection is made. Never called for accepted streams, which are open already. */
  streamOpened(): void;
  /**
   * Bytes came. Where {@link StreamSocket.lendsBytes} is true they are valid during the call only.
   */
  streamReceived(bytes: Buffer): void;
  /** The handshake that `startTls` began is done; bytes are secured from here on. */
  streamSecured(): void;
  /** The peer has finished sending (FIN). Our side can still write. At most once. */
  streamEnded(): void;
  /** The write under way is complete: the kernel has taken all of its `byteCount` bytes. */
  streamWritten(byteCount: number): void;
  /** The socket is gone, its descriptor released. `error` when that was not our `close`. Last call. */
  streamClosed(error: NetError | undefined): void;
}

/** Told of what is carried, see {@link StreamSocket.carryTo}. */
export interface CarrySink {
  /** `receivedBytes` more have come, and the kernel has taken `sentBytes` more for the target. */
  carried(receivedBytes: number, sentBytes: number): void;
}

/** One stream socket. */
export interface StreamSocket {
  /**
   * Whether received bytes are lent for the call only (else they are the receiver's to keep). Asked anew
   * for each `streamReceived`.
   */
  readonly lendsBytes: boolean;
  /** The sink. May be exchanged at any time, for example when a race is won. */
  sink: StreamSink;
  /** Starts a write of one piece. An empty one of memory that was transferred, or can shrink, closes as below. */
  write(piece: Uint8Array): void;
  /**
   * Starts a write of several pieces as one; `byteCount` is their sum. The array may be re-used after the
   * call. Where the sum is another by now, because memory of a piece was transferred or shrunk since it
   * was given, nothing is written, and the stream closes with `INVALID_ARGUMENT`.
   */
  writeAll(pieces: readonly Uint8Array[], byteCount: number): void;
  /**
   * Carries all that comes from here on to `target`, as long as both are open: it is told to `sink` how much, and
   * `streamReceived` is not called any more. `streamEnded` follows when the kernel has taken all that came before
   * the end. At most {@link MAX_CARRIED_BYTES} wait; then the peer is held back by the kernel. Of `target` nothing
   * changes but that nobody else writes to it, for good: it may be finished when this stream has ended, closed and
   * reset at any time, and what waits for it is then thrown away. When it is gone, this stream receives nothing.
   *
   * False, and nothing has changed: it can't, because of the kinds of the streams (both have to be plain TCP of this
   * engine), or of what is under way. An engine that has nothing better than the layers above leaves it out.
   */
  carryTo?(target: StreamSocket, sink: CarrySink): boolean;
  /** Sends FIN after the write under way. Reading goes on. */
  finish(): void;
  /** Releases the socket. What was written is still sent by the kernel. Idempotent. */
  close(): void;
  /** Releases the socket at once with a reset (RST) where the platform can. Idempotent. */
  reset(): void;
  /** Bytes of the write under way that the kernel has taken, as far as the engine can tell; else 0. */
  sendProgress(): number;
  /** Stops reading, so that the peer is held back by the kernel. Idempotent. */
  pause(): void;
  /** Goes on reading. Idempotent. */
  resume(): void;
  setNoDelay(on: boolean): void;
  /** Sets the probes and answers what is in force: parts the platform can't set are left out. */
  setKeepAlive(keepAlive: KeepAlive | false): KeepAlive | false;
  localAddress(): Address | undefined;
  remoteAddress(): Address | undefined;
  /**
   * Begins the handshake of TLS. No write may be under way, and what was received before is plain
   * text. `host` is the name that a client connected to. Completes by `streamSecured`, or `streamClosed`
   * with `TLS_FAILED`, `TLS_CERTIFICATE`. `early`, on a server, has come already and is the beginning of the
   * peer's handshake; it is copied. Throws `NOT_SUPPORTED` where the engine can't.
   */
  startTls(context: TlsContext, host?: string, early?: Buffer): void;
  /** Whether the peer has sent anything since the handshake of TLS began; true where none has. */
  hasHeard(): boolean;
  /** What is known of the secured stream; undefined before. */
  tlsInfo(): TlsInfo | undefined;
  /** `TCP_INFO`, or undefined where the engine can't ask. */
  tcpInfo(): TcpInfo | undefined;
  /** Whether the socket keeps the process alive. Default: it does. */
  ref(): void;
  unref(): void;
}

/** Gets what happens to a listener. */
export interface ListenerSink {
  /** The listener is bound; `address` has the port that was chosen. */
  listenerOpened(address: Address): void;
  /**
   * A connection came. Returns the sink of the stream, or undefined to refuse it (the engine then
   * closes the stream and tells nobody).
   */
  listenerAccepted(stream: StreamSocket): StreamSink | undefined;
  /** Accepting failed for one peer, or for a while (`DESCRIPTORS_EXHAUSTED`); the listener goes on. */
  listenerAcceptFailed(error: NetError): void;
  /** The listener is gone; `error` when it could not be opened or broke. Last call. */
  listenerClosed(error: NetError | undefined): void;
}

/** A listening socket. */
export interface Listener {
  /** Stops listening. Accepted streams live on. Idempotent. */
  close(): void;
  /** Whether the listener keeps the process alive. Default: it does. */
  ref(): void;
  unref(): void;
}

/** An address of datagrams, as `peer-key.ts` makes it. Two addresses are the same when their keys are. */
export type PeerKey = number | string;

/** Where and how to open a datagram socket. */
export interface DatagramTarget {
  /** Local address to bind; port 0: any. */
  readonly address: IpAddress;
  /** Only datagrams of this peer come in, and it is where `send` goes by default. */
  readonly peer?: IpAddress | undefined;
  /** `SO_REUSEADDR`. */
  readonly reuseAddress: boolean;
  /** `SO_REUSEPORT`. */
  readonly reusePort: boolean;
  /** An IPv6 socket takes IPv4 peers as well. */
  readonly dualStack: boolean;
  /** Whether it may send to broadcast addresses. */
  readonly broadcast: boolean;
  /** `SO_RCVBUF` in bytes; left out: the system's. */
  readonly receiveBufferBytes?: number | undefined;
  /** `SO_SNDBUF` in bytes; left out: the system's. */
  readonly sendBufferBytes?: number | undefined;
}

/** Most datagrams of one run, and most bytes of all of them: what the kernel takes at once. */
export const MAX_RUN_DATAGRAMS: number = 64;
export const MAX_RUN_BYTES: number = 65_507;

/** Gets what happens to a datagram socket. */
export interface DatagramSink {
  datagramOpened(address: IpAddress): void;
  /**
   * A datagram came, or several of one peer: `bytes` are cut into datagrams of `segmentBytes`, of which
   * the last may be shorter. An empty datagram comes alone, with `segmentBytes` 0. Where the socket lends,
   * the bytes are valid during the call only.
   */
  datagramReceived(bytes: Buffer, from: PeerKey, segmentBytes: number): void;
  /**
   * The send or run that was given `token` left, or `failedCount` datagrams of it failed; `error` is that of
   * the first of them. What failed does not close the socket.
   */
  datagramSent(token: number, error: NetError | undefined, failedCount: number): void;
  /**
   * The network has answered a datagram that left before with an error (ICMP), as far as the system tells: of a
   * socket with a peer. It closes nothing, since it may be forged.
   */
  datagramRefused(error: NetError): void;
  /** The socket is gone. Last call. */
  datagramClosed(error: NetError | undefined): void;
}

/** What may be asked of a group membership. */
export interface GroupMembership {
  /** Address of the group. */
  readonly group: string;
  /** Address of the interface (IPv6: of a zone, `::%eth0`) on which it is joined; left out: the system's choice. */
  readonly interfaceHost?: string | undefined;
  /** Only datagrams of this sender are wanted (RFC 3678). */
  readonly source?: string | undefined;
}

/** One datagram socket. */
export interface DatagramSocket {
  readonly lendsBytes: boolean;
  /** Lent bytes stay as they are until the tasks of {@link Engine.afterTurn} have run. */
  readonly keepsTurn: boolean;
  /** Datagrams that came and were dropped because they were not read in time, as far as the system tells. */
  readonly droppedCount: number;
  /** Starts one datagram; any number may be under way. `to` left out: the peer. */
  send(token: number, bytes: Uint8Array, to?: PeerKey): void;
  /**
   * Starts a run of datagrams to one peer, a piece each: all of one length, of which the last may be
   * shorter, but not empty; at most {@link MAX_RUN_DATAGRAMS} and {@link MAX_RUN_BYTES}. An engine hands
   * it to the kernel as one where it can, and sends one by one where not. The array may be re-used.
   */
  sendRun(token: number, pieces: readonly Uint8Array[], to?: PeerKey): void;
  /** Throws `NOT_SUPPORTED` for a source where the engine can't, and what the system says. */
  joinGroup(membership: GroupMembership): void;
  leaveGroup(membership: GroupMembership): void;
  /** Which interface datagrams to groups leave by; see {@link GroupMembership.interfaceHost}. */
  setMulticastInterface(interfaceHost: string): void;
  setMulticastTtl(ttl: number): void;
  setMulticastLoop(on: boolean): void;
  pause(): void;
  resume(): void;
  close(): void;
  ref(): void;
  unref(): void;
}

/** What moves the bytes. One engine serves any number of components of its thread. */
export interface Engine {
  /** Its name. */
  readonly name: EngineName | "memory";
  /** What it can do, or why not. */
  readonly capabilities: Capabilities;
  /**
   * Memory that is sent from. A piece given to `write` or `writeAll` that lies in it (or in lent bytes
   * that were kept) is sent from there without a copy, and released by the engine when the write is
   * complete or the stream closed. Any other piece is the caller's and stays referenced.
   */
  readonly memory: SendMemory;
  /** The clock that everything above this engine goes by. */
  readonly clock: Clock;
  /**
   * Runs `task` once, after the sink calls and microtasks of the present turn and before the engine
   * waits for the kernel again. Used to write once what a turn has sent. A task that throws keeps none
   * of the others from running.
   */
  afterTurn(task: () => void): void;
  /**
   * Addresses of a name, in the system's order; an IP literal answers itself. Rejects with NetError, and
   * with the reason of `signal` when that fires.
   */
  resolve(host: string, signal?: AbortSignal): Promise<readonly ResolvedHost[]>;
  /** Throws NetError (usage) when `target` asks for what the engine can't do; else answers later. */
  listen(target: ListenTarget, sink: ListenerSink): Listener;
  /** Begins to connect a stream; `sink` is told what becomes of it. */
  connect(target: ConnectTarget, sink: StreamSink): StreamSocket;
  /** Opens a socket for datagrams; `sink` is told what comes. */
  openDatagram(target: DatagramTarget, sink: DatagramSink): DatagramSocket;
  /** Certificates and rules for handshakes. Throws `INVALID_ARGUMENT`, or `NOT_SUPPORTED`. */
  createTlsContext(role: "server", options: TlsServerOptions): TlsContext;
  createTlsContext(role: "client", options: TlsClientOptions): TlsContext;
}

/** One address of a host name. */
export interface ResolvedHost {
  readonly host: string;
  readonly family: "IPv4" | "IPv6";
}
