/** Heartbeats of packets: what is sent, what counts as an answer, and what is answered to the peer's own. */
import type { NetError } from "../errors.js";
import type { Connection, Data } from "./connection.js";
import { answeredAtOnce, handlerError } from "./events/handlers.js";
import { type BeatingConnection, Heartbeat, type HeartbeatOwner } from "./heartbeat/heartbeat.js";
import { type HeartbeatOptions, heartbeatRule } from "./heartbeat/heartbeat-options.js";
import { DUE } from "./receiver.js";

/** The connection, as its heartbeats see it. */
export interface HeartbeatConnection extends BeatingConnection {
  readonly isOpen: boolean;
  /** The peer has finished sending: it can't answer. */
  readonly peerHasEnded: boolean;
  /** This side has finished sending: it can't ask. */
  readonly isFinishing: boolean;
  readonly receivedMs: number;
  send(data: Data): unknown;
  fail(error: NetError): boolean;
}

/** The heartbeats of one connection. */
export class PacketHeartbeat implements HeartbeatOwner {
  private readonly connection: HeartbeatConnection;
  readonly options: HeartbeatOptions;
  private readonly beat: Heartbeat | undefined;
  private matchedMs: number;

  constructor(connection: HeartbeatConnection, options: HeartbeatOptions) {
    this.connection = connection;
    this.options = options;
    this.matchedMs = connection.receivedMs;
    this.beat =
      options.message === undefined
        ? undefined
        : new Heartbeat(connection, heartbeatRule(options), this, DUE.heartbeat);
  }

  /** The settings have changed: another one takes over. */
  stop(): void {
    this.beat?.stop();
  }

  /** The deadline has passed. */
  duePassed(): void {
    const { isOpen, peerHasEnded, isFinishing } = this.connection;
    if (isOpen && !peerHasEnded && !isFinishing) this.beat?.duePassed();
    else this.beat?.later();
  }

  /** Whether a packet is a heartbeat, the peer's or an answer to ours; then it is delivered nowhere else. */
  takes(packet: Buffer): boolean {
    const { isAnswer, isProbe, answer } = this.options;
    try {
      if (answeredAtOnce(isAnswer?.(packet)) === true) {
        this.matchedMs = Math.ceil(this.connection.wheel.clock.now());
        return true;
      }
      if (answeredAtOnce(isProbe?.(packet)) !== true || answer === undefined) return false;
      this.connection.send(typeof answer === "function" ? answeredAtOnce(answer(packet)) : answer);
    } catch (error) {
      this.failed(error);
    }
    return true;
  }

  // — what the beat asks —

  get receivedMs(): number {
    return this.connection.receivedMs;
  }

  get answeredMs(): number {
    return this.options.isAnswer === undefined ? this.connection.receivedMs : this.matchedMs;
  }

  probe(): void {
    const { message } = this.options;
    if (message === undefined) return;
    try {
      const { connection } = this;
      connection.send(
        typeof message === "function"
          ? answeredAtOnce(message(connection as unknown as Connection))
          : message,
      );
    } catch (error) {
      this.failed(error);
    }
  }

  silent(error: NetError): void {
    this.connection.fail(error);
  }

  private failed(error: unknown): void {
    const { connection } = this;
    connection.fail(handlerError("heartbeat", "send", error, connection.id));
  }
}
