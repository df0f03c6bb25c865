/**
 * How one WebSocket ends: the close handshake of RFC 6455 §7 on its connection. Made when the end begins, or
 * somebody waits for it.
 *
 * `close`, and the peer's Close frame, send ours behind all that was sent. The peer has `closeFrameTimeoutMs` to
 * reply, from
 * when that frame has left; before, as often as it takes some of what waits. One that has been sent all, and does not
 * reply, is not reset: it finds our Close frame when it reads on.
 *
 * A rule that is broken ends the socket with a Close frame of ours, without waiting for the peer's.
 */
import {
  CLOSED_BY_PEER,
  CLOSED_LOCALLY,
  type CloseReason,
  reasonOf,
} from "../connection/close-reason.js";
import { NetError, type NetErrorCode } from "../errors.js";
import { canTravel, clipReason } from "../protocol/websocket/close-code.js";
import { CloseHandshake } from "../protocol/websocket/close-handshake.js";
import { closeCodeOfError } from "../protocol/websocket/fault.js";
import type { FrameOutput, OwnConnection } from "./frame-output.js";
import { SOCKET_DUE } from "./heartbeat.js";
import type { WebSocketEnd } from "./websocket-connection.js";
import type { WebSocketSettings } from "./websocket-settings.js";

/** What peers are told instead of the error's message, which may name what is private. */
const UNTOLD: Readonly<Partial<Record<NetErrorCode, string>>> = {
  HANDLER_FAILED: "",
  DUPLICATE_KEY: "another socket has the key",
};

/** The socket, as its end sees it. */
export interface EndingSocket {
  readonly connection: OwnConnection;
  readonly settings: WebSocketSettings;
  readonly isClient: boolean;
  readonly output: FrameOutput;
  /** Stops pinging the peer. */
  stopPinging(): void;
}

/** How one WebSocket ends. */
export class SocketEnding {
  readonly handshake: CloseHandshake;
  /** There when it has ended. */
  end: WebSocketEnd | undefined = undefined;
  /** Told when it has ended. */
  told: ((end: WebSocketEnd) => void) | undefined = undefined;
  /** `close` or `abort` was called, whatever became of it. */
  isAsked = false;
  private readonly socket: EndingSocket;
  /** The peer has begun to close. */
  private isPeersEnd = false;
  /** How much was sent when the peer was last given time. */
  private progress = 0;

  constructor(socket: EndingSocket) {
    this.socket = socket;
    this.handshake = new CloseHandshake(socket.isClient ? "client" : "server");
  }

  /** Whether no Close frame was sent or has come, and no rule was broken. */
  get isUnclosed(): boolean {
    return this.handshake.state === "open";
  }

  /** Begins the close handshake. Throws for a code or a reason that may not travel. */
  close(code: number | undefined, reason: string): void {
    const { output } = this.socket;
    output.close(code, reason);
    this.isAsked = true;
    this.handshake.sent();
    output.afterAll(() => this.awaitPeer());
  }

  private awaitPeer(): void {
    const { socket } = this;
    const { connection, settings } = socket;
    if (!connection.isOpen) return;
    socket.stopPinging();
    this.progress = connection.sendProgress;
    connection.deadlines.set(SOCKET_DUE.close, settings.closeFrameTimeoutMs);
  }

  /** Bytes were sent. */
  bytesSent(): void {
    if (this.handshake.state === "closeSent" && this.socket.connection.pendingBytes === 0) {
      this.awaitPeer();
    }
  }

  /** `closeFrameTimeoutMs` has passed. */
  timePassed(): void {
    const { connection } = this.socket;
    // The peer has closed as it should have; only its FIN is missing.
    if (this.handshake.state === "done") this.finish();
    else if (connection.pendingBytes === 0) connection.closeWith(reasonOf(this.timeout(), "close"));
    else if (connection.sendProgress > this.progress) this.awaitPeer();
    else connection.fail(this.timeout());
  }

  private timeout(): NetError {
    const { connection, settings } = this.socket;
    const { id, pendingBytes } = connection;
    const { closeFrameTimeoutMs } = settings;
    const done =
      pendingBytes === 0 ? "reply to a Close frame" : `take any of ${pendingBytes} bytes`;
    const text = `the peer did not ${done} within closeFrameTimeoutMs (${closeFrameTimeoutMs})`;
    return new NetError("CLOSE_TIMEOUT", text, { operation: "close", connectionId: id });
  }

  /** The peer's Close frame has come. */
  received(code: number, reason: string): void {
    const { handshake } = this;
    const { output } = this.socket;
    const isReply = handshake.state === "closeSent";
    handshake.received(code, reason);
    if (!isReply) {
      this.isPeersEnd = true;
      output.close(handshake.replyCode, handshake.reason);
      handshake.sent();
    }
    output.afterAll(() => {
      if (handshake.mustEnd) this.finish();
      else this.awaitPeer();
    });
  }

  /** The peer has finished sending. Returns false where its Close frame is missing. */
  peerFinished(): boolean {
    if (this.handshake.state !== "done") return false;
    this.socket.output.afterAll(() => this.finish());
    return true;
  }

  /** Both Close frames were exchanged. */
  private finish(): void {
    this.socket.connection.closeWith(this.isPeersEnd ? CLOSED_BY_PEER : CLOSED_LOCALLY);
  }

  /** It ends for an error, which the peer is told of where that can be. */
  fail(error: NetError): void {
    const { handshake } = this;
    const { connection, output } = this.socket;
    const code = closeCodeOfError(error);
    output.giveUp();
    if (this.isUnclosed && connection.isOpen && canTravel(code)) {
      output.close(code, UNTOLD[error.code] ?? clipReason(error.message));
    }
    handshake.fail();
    connection.closeWith(reasonOf(error, "receive"));
  }

  /** The connection has ended for this reason. Returns how the socket has. */
  ended(connection: CloseReason): WebSocketEnd {
    const { handshake } = this;
    handshake.ended();
    const { code, reason, isClean } = handshake;
    this.end = { code, reason, isClean, connection };
    return this.end;
  }
}
