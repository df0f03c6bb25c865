/**
 * Pings peers that are silent, and ends sockets whose peers stay silent. Lazy: what is received moves no
 * deadline, the deadline looks when it passes.
 *
 *     waiting ── silent for pingIntervalMs ──► pinged ── anything came ──► waiting
 *                                                 └── nothing for pongTimeoutMs ──► WEBSOCKET_PONG_TIMEOUT
 *
 * A deadline that comes late, because this side was held up, leads to another ping and not to the end.
 */
import { isHeldUp, LAST_LOOK_MS } from "../connection/heartbeat/heartbeat.js";
import { DUE } from "../connection/receiver.js";
import { NetError } from "../errors.js";
import { OPCODE } from "../protocol/websocket/opcode.js";
import type { FrameOutput, OwnConnection } from "./frame-output.js";
import type { WebSocketSettings } from "./websocket-settings.js";

/** What the deadlines of a socket's connection are for. */
export const SOCKET_DUE: Readonly<Record<"ping" | "pong" | "close" | "application", number>> = {
  ping: DUE.protocol,
  pong: DUE.protocol + 1,
  close: DUE.protocol + 2,
  application: DUE.protocol + 3,
};

/** A socket, as the heartbeat sees it. */
export interface PingedSocket {
  readonly connection: OwnConnection;
  readonly output: Pick<FrameOutput, "control">;
  /** When it was pinged last, by the clock. */
  pingedMs: number;
}

const NOTHING: Buffer = Buffer.alloc(0);

/** Pings peers that are silent, and ends sockets whose peers stay silent. One for all sockets of a component. */
export class Heartbeat {
  private readonly settings: WebSocketSettings;

  constructor(settings: WebSocketSettings) {
    this.settings = settings;
  }

  /** That of sockets with these settings; undefined where pings are off. */
  static by(settings: WebSocketSettings): Heartbeat | undefined {
    return settings.pingIntervalMs > 0 ? new Heartbeat(settings) : undefined;
  }

  begin({ connection }: PingedSocket): void {
    connection.deadlines.set(SOCKET_DUE.ping, this.settings.pingIntervalMs);
  }

  /** The socket closes: stops pinging. */
  stop({ connection }: PingedSocket): void {
    connection.deadlines.clear(SOCKET_DUE.ping);
    connection.deadlines.clear(SOCKET_DUE.pong);
  }

  duePassed(socket: PingedSocket, purpose: number): void {
    if (purpose === SOCKET_DUE.ping) this.pingIfSilent(socket);
    else this.pongPassed(socket);
  }

  private pingIfSilent(socket: PingedSocket): void {
    const { connection } = socket;
    const nowMs = connection.wheel.clock.now();
    const dueMs = connection.receivedMs + this.settings.pingIntervalMs;
    if (nowMs < dueMs) connection.deadlines.setAt(SOCKET_DUE.ping, dueMs);
    else this.ping(socket, nowMs);
  }

  private ping(socket: PingedSocket, nowMs: number): void {
    // A small integer needs no heap number.
    socket.pingedMs = Math.floor(nowMs);
    socket.output.control(OPCODE.ping, NOTHING);
    socket.connection.deadlines.set(SOCKET_DUE.pong, this.settings.pongTimeoutMs);
  }

  private pongPassed(socket: PingedSocket): void {
    const { connection, pingedMs } = socket;
    const { pingIntervalMs, pongTimeoutMs } = this.settings;
    // A peer that is held back by us may have answered.
    if (connection.receivedMs >= pingedMs || connection.isHeld(-1)) {
      connection.deadlines.set(SOCKET_DUE.ping, pingIntervalMs);
      return;
    }
    const nowMs = connection.wheel.clock.now();
    const lastMs = pingedMs + pongTimeoutMs + LAST_LOOK_MS;
    if (nowMs < lastMs) {
      connection.deadlines.setAt(SOCKET_DUE.pong, lastMs);
      return;
    }
    if (isHeldUp(lastMs, nowMs)) {
      this.ping(socket, nowMs);
      return;
    }
    const text = `nothing came within pongTimeoutMs (${pongTimeoutMs}) after a ping`;
    connection.fail(
      new NetError("WEBSOCKET_PONG_TIMEOUT", text, {
        operation: "receive",
        connectionId: connection.id,
      }),
    );
  }
}
