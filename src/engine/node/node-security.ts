/**
 * TLS of one stream: the handshake, what is known afterwards, and what the ends and errors of the
 * secured socket mean. The plain socket stays underneath: it is what can be reset.
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { NetError } from "../../errors.js";
import type { TlsContext, TlsInfo } from "../tls-options.js";
import { CloseNotifyWatch } from "./close-notify.js";
import { TlsClientContext } from "./tls-client-context.js";
import { tlsError } from "./tls-error.js";
import { beginHandshake, type HandshakeSink, tlsInfoOf } from "./tls-handshake.js";

/** See the head of the file. */
export class NodeSecurity implements HandshakeSink {
  readonly socket: TLSSocket;
  readonly #plain: Socket;
  readonly #context: TlsContext;
  /** The name that the peer's certificate has to be for. */
  readonly #name: string | undefined;
  readonly #sink: HandshakeSink;
  readonly #watch: CloseNotifyWatch;
  #isSecured = false;

  /** Begins the handshake on `plain`; `sink` hears how it ends. */
  constructor(plain: Socket, context: TlsContext, host: string | undefined, sink: HandshakeSink) {
    this.#plain = plain;
    this.#context = context;
    this.#name = context instanceof TlsClientContext ? context.serverNameFor(host) : undefined;
    this.#sink = sink;
    this.#watch = new CloseNotifyWatch(plain);
    this.socket = beginHandshake(plain, context, host, this);
    this.socket.on("session", () => this.#watch.note());
  }

  secured(): void {
    this.#isSecured = true;
    this.#watch.note();
    this.#sink.secured();
  }

  refused(error: NetError): void {
    this.#sink.refused(error);
  }

  /** What is known; undefined before the handshake is done. */
  info(): TlsInfo | undefined {
    return this.#isSecured ? tlsInfoOf(this.socket, this.#context) : undefined;
  }

  /** Data was deciphered. */
  noteData(): void {
    this.#watch.note();
  }

  /** Why the end of the stream is no orderly one; undefined when it is. */
  endError(): NetError | undefined {
    if (!this.#isSecured) return brokenOff();
    if (this.#watch.isOrderly()) return undefined;
    return new NetError("TLS_TRUNCATED", undefined, { operation: "receive" });
  }

  /** A socket that closes by itself in the middle of the handshake says no reason. */
  closeError(): NetError | undefined {
    return this.#isSecured ? undefined : brokenOff();
  }

  /** The NetError for an error of the secured socket. */
  errorOf(error: Error): NetError {
    return tlsError(error, this.#isSecured ? "receive" : "handshake", this.#name);
  }

  /** Resets the connection: the secured socket itself can't. */
  reset(): void {
    this.#plain.resetAndDestroy();
    this.socket.destroy();
  }
}

function brokenOff(): NetError {
  return new NetError("TLS_FAILED", "the peer broke off the handshake", {
    operation: "handshake",
  });
}
