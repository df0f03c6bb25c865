/**
 * Pings a peer that is silent, and ends a socket whose peer stays silent. Lazy: what is received moves no
 * deadline, the deadline looks when it passes.
 *
 *     waiting ── silent for pingIntervalMs ──► pinged ── anything came ──► waiting
 *                                                 └── nothing for pongTimeoutMs ──► WEBSOCKET_PONG_TIMEOUT
 *
 * A deadline that comes late, because this side was held up, leads to another ping and not to the end.
 */
import { isHeldUp } from "../connection/heartbeat.js";
import { DUE } from "../connection/receiver.js";
import { NetError } from "../errors.js";
import { OPCODE } from "../protocol/websocket/opcode.js";
import type { FrameOutput, OwnConnection } from "./frame-output.js";
import type { WebSocketSettings } from "./websocket-settings.js";

/** What the deadlines of a socket's connection are for. */
export const SOCKET_DUE: Readonly<Record<"ping" | "pong" | "close", number>> = {
  ping: DUE.protocol,
  pong: DUE.protocol + 1,
  close: DUE.protocol + 2,
};

/** The socket, as its heartbeat sees it. */
export interface PingedSocket {
  readonly connection: OwnConnection;
  readonly output: FrameOutput;
  readonly settings: WebSocketSettings;
}

const NOTHING: Buffer = Buffer.alloc(0);

/** Pings a peer that is silent, and ends a socket whose peer stays silent. */
export class Heartbeat {
  private readonly socket: PingedSocket;
  private pingedMs = 0;

  constructor(socket: PingedSocket) {
    this.socket = socket;
    socket.connection.deadlines.set(SOCKET_DUE.ping, socket.settings.pingIntervalMs);
  }

  /** The socket closes: nobody is pinged any more. */
  stop(): void {
    const { deadlines } = this.socket.connection;
    deadlines.clear(SOCKET_DUE.ping);
    deadlines.clear(SOCKET_DUE.pong);
  }

  duePassed(purpose: number): void {
    if (purpose === SOCKET_DUE.ping) this.pingIfSilent();
    else this.pongPassed();
  }

  private pingIfSilent(): void {
    const { connection, settings } = this.socket;
    const nowMs = connection.wheel.clock.now();
    const dueMs = connection.receivedMs + settings.pingIntervalMs;
    if (nowMs < dueMs) {
      connection.deadlines.setAt(SOCKET_DUE.ping, dueMs);
      return;
    }
    this.ping(nowMs);
  }

  private ping(nowMs: number): void {
    const { connection, output, settings } = this.socket;
    this.pingedMs = nowMs;
    output.control(OPCODE.ping, NOTHING);
    connection.deadlines.set(SOCKET_DUE.pong, settings.pongTimeoutMs);
  }

  private pongPassed(): void {
    const { connection, settings } = this.socket;
    // Whom we hold back ourselves may have sent it.
    if (connection.receivedMs >= this.pingedMs || connection.isHeld(-1)) {
      connection.deadlines.set(SOCKET_DUE.ping, settings.pingIntervalMs);
      return;
    }
    const nowMs = connection.wheel.clock.now();
    if (isHeldUp(this.pingedMs + settings.pongTimeoutMs, nowMs)) {
      this.ping(nowMs);
      return;
    }
    const text = `nothing came within pongTimeoutMs (${settings.pongTimeoutMs}) after a ping`;
    connection.fail(
      new NetError("WEBSOCKET_PONG_TIMEOUT", text, {
        operation: "receive",
        connectionId: connection.id,
      }),
    );
  }
}
