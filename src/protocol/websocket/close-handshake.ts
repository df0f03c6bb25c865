/**
 * How a WebSocket ends (RFC 6455 §7.1), seen from either side.
 *
 *     open ──┬── send ─────► closeSent ──────── receive ──┐
 *            └── receive ──► closeReceived ──── send ─────┴──► done ── end ──► ended
 *
 *     open, closeSent, closeReceived ── fail ──► failed ── end ──► ended
 *     open, closeSent, closeReceived ── end ──► ended
 *
 * open           messages go both ways
 * closeSent      our Close frame was sent: nothing may follow it; the peer's is waited for
 * closeReceived  the peer's Close frame came: nothing follows it; ours is owed, behind what we have begun
 * done           both were exchanged: the server ends the connection, the client waits for that (§7.1.1)
 * failed         a rule was broken: the connection ends without waiting (§7.1.7)
 * ended          the connection below is gone
 */
import { NetError } from "../../errors.js";
import { CLOSE_CODE } from "./close-code.js";
import type { Role } from "./opcode.js";

/** How a WebSocket ends (RFC 6455 §7.1), seen from either side. */
export type ClosingState = "open" | "closeSent" | "closeReceived" | "done" | "failed" | "ended";

/** What moves it. */
export type ClosingEvent = "send" | "receive" | "fail" | "end";

/** State → event → next state. A pair that is not here can't happen. */
export const CLOSING_TRANSITIONS: Readonly<
  Record<ClosingState, Readonly<Partial<Record<ClosingEvent, ClosingState>>>>
> = {
  open: { send: "closeSent", receive: "closeReceived", fail: "failed", end: "ended" },
  closeSent: { receive: "done", fail: "failed", end: "ended" },
  closeReceived: { send: "done", fail: "failed", end: "ended" },
  done: { end: "ended" },
  failed: { end: "ended" },
  ended: {},
};

/** The state after `event`. Throws `INVALID_STATE`, naming both, for a pair that is not in the table. */
export function nextClosingState(state: ClosingState, event: ClosingEvent): ClosingState {
  const next = CLOSING_TRANSITIONS[state][event];
  if (next === undefined) {
    throw new NetError("INVALID_STATE", `a WebSocket that is ${state} can't have ${event}`, {
      operation: "close",
    });
  }
  return next;
}

/** Keeps the closing of one WebSocket. */
export class CloseHandshake {
  private readonly role: Role;
  private now: ClosingState = "open";
  private hasBoth = false;
  /** Why it was closed: the peer's code, 1005 where it gave none, 1006 while there is no Close frame of it. */
  code: number = CLOSE_CODE.abnormal;
  /** The peer's reason. */
  reason = "";

  constructor(role: Role) {
    this.role = role;
  }

  get state(): ClosingState {
    return this.now;
  }

  /** Whether messages may be sent; a peer that has closed takes what was begun. */
  get canSend(): boolean {
    return this.now === "open" || this.now === "closeReceived";
  }

  /** Whether messages of the peer count. */
  get canReceive(): boolean {
    return this.now === "open" || this.now === "closeSent";
  }

  /** Whether it is on this side to end the connection below, now. */
  get mustEnd(): boolean {
    return this.now === "failed" || (this.now === "done" && this.role === "server");
  }

  /** Whether both Close frames were exchanged (§7.1.4). */
  get isClean(): boolean {
    return this.hasBoth;
  }

  /** The code to reply with to the peer's Close frame: its own, or none (§5.5.1). */
  get replyCode(): number | undefined {
    return this.code === CLOSE_CODE.noCode ? undefined : this.code;
  }

  /** Our Close frame was sent. */
  sent(): void {
    this.move("send");
  }

  /** The peer's Close frame came. */
  received(code: number, reason: string): void {
    this.move("receive");
    this.code = code;
    this.reason = reason;
  }

  /** A rule was broken. Nothing happens where closing was over. */
  fail(): void {
    if (CLOSING_TRANSITIONS[this.now].fail !== undefined) this.move("fail");
  }

  /** The connection below has ended. */
  ended(): void {
    this.move("end");
  }

  private move(event: ClosingEvent): void {
    this.now = nextClosingState(this.now, event);
    if (this.now === "done") this.hasBoth = true;
  }
}
