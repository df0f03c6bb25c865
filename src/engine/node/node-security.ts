/**
 * TLS of one stream: the handshake, what is known afterwards, and what the ends and errors of the
 * secured socket mean. The plain socket stays underneath: it is what can be reset.
 */
import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { NetError, type Operation } from "../../errors.js";
import { TlsClientContext } from "../tls/tls-client-context.js";
import { tlsError } from "../tls/tls-error.js";
import type { TlsContext, TlsInfo } from "../tls-options.js";
import { endedOrderly, watchCloseNotify } from "./close-notify.js";
import { RecordFlood } from "./record-flood.js";
import type { WatchedStream } from "./stream-rounds.js";
import { beginHandshake, type HandshakeSink, tlsInfoOf } from "./tls-handshake.js";

export class NodeSecurity implements HandshakeSink, WatchedStream {
  readonly socket: TLSSocket;
  /** The socket underneath. */
  readonly plain: Socket;
  private readonly bytesBefore: number;
  private readonly context: TlsContext;
  /** The name that the peer's certificate has to be for. */
  private readonly name: string | undefined;
  private readonly sink: HandshakeSink;
  /** From the end of the handshake on. */
  private flood: RecordFlood | undefined;
  private knownInfo: TlsInfo | undefined;

  /** Whether the handshake is done. */
  get isSecured(): boolean {
    return this.flood !== undefined;
  }

  /** Whether a byte came after the handshake began. */
  get hasHeard(): boolean {
    return this.plain.bytesRead > this.bytesBefore;
  }

  /** Begins the handshake on `plain`; `sink` hears how it ends. */
  constructor(plain: Socket, context: TlsContext, host: string | undefined, sink: HandshakeSink) {
    this.plain = plain;
    // Bytes that were read before and put back belong to the handshake.
    this.bytesBefore = plain.bytesRead - plain.readableLength;
    this.context = context;
    this.name = context instanceof TlsClientContext ? context.serverNameFor(host) : undefined;
    this.sink = sink;
    this.socket = beginHandshake(plain, context, host, this);
    watchCloseNotify(this.socket, plain);
  }

  secured(): void {
    this.flood = new RecordFlood(this.socket, this.plain);
    this.sink.secured();
  }

  refused(error: NetError): void {
    this.sink.refused(error);
  }

  /** Behind close_notify nothing that comes is deciphered. */
  look(): boolean {
    if (this.socket.destroyed || this.socket.readableEnded) return false;
    const error = this.flood?.look();
    if (error !== undefined) this.sink.refused(error);
    return error === undefined;
  }

  /** What is known of TLS; undefined before the handshake is done. Asked once, then kept. */
  info(): TlsInfo | undefined {
    if (this.isSecured && !this.socket.destroyed) {
      this.knownInfo ??= tlsInfoOf(this.socket, this.context);
    }
    return this.knownInfo;
  }

  /** Why the end of the stream is no orderly one; undefined when it is. */
  endError(): NetError | undefined {
    if (!this.isSecured) return brokenOff();
    if (endedOrderly(this.socket)) return undefined;
    return new NetError("TLS_TRUNCATED", undefined, { operation: "receive" });
  }

  /** The error of a socket that closes without one in the middle of the handshake. */
  closeError(): NetError | undefined {
    return this.isSecured ? undefined : brokenOff();
  }

  /** The NetError for an error of the secured socket. */
  errorOf(error: Error, operation: Operation): NetError {
    return tlsError(error, this.isSecured ? operation : "handshake", this.name);
  }

  /**
   * Deciphers what Node has not read, and gives it to `receive` within the call. Behind an error Node's socket takes
   * nothing of its own handle any more.
   */
  decipher(cipherText: Buffer, receive: (bytes: Buffer) => void): void {
    const { socket } = this;
    const handle: unknown = Reflect.get(socket, "_handle");
    if (typeof handle !== "object" || handle === null || !("receive" in handle)) return;
    if (typeof handle.receive !== "function") return;
    const { push } = socket;
    socket.push = (bytes: Buffer | null) => {
      if (bytes !== null) receive(bytes);
      return true;
    };
    try {
      handle.receive(cipherText);
    } finally {
      socket.push = push;
    }
  }

  /**
   * Resets the connection through the plain socket: the secured one can't, and follows by itself. To
   * destroy it here too would free what the plain handle still points to: Node crashes then.
   */
  reset(): void {
    this.plain.resetAndDestroy();
  }
}

function brokenOff(): NetError {
  return new NetError("TLS_FAILED", "the peer broke off the handshake", {
    operation: "handshake",
  });
}
