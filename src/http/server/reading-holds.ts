/**
 * Why no request is read on one connection, and how many are read before others have their turn. Nothing
 * is read while a bit is set. The connection is held, and the peer held back, only when more comes: so an end without
 * further bytes is noticed. Hot.
 */
import { HOLD, type ProtocolConnection } from "../../connection/receiver.js";
import type { Clock } from "../../time/clock.js";
import { inRootContext } from "../../time/root-context.js";
import type { ServerExchange } from "./server-exchange.js";

/** Requests of one connection that are read in a turn. */
const MAX_REQUESTS_PER_TURN = 64;
/** Requests between looks at the clock, and milliseconds that a turn may take. */
const LOOK_REQUESTS = 16;
const MAX_TURN_MS = 5;

const ALL_HOLDS = HOLD.body | HOLD.pipeline | HOLD.slow | HOLD.upgrade | HOLD.turn;

/** The holds of one connection. */
export class ReadingHolds {
  /** Bits of `HOLD`. */
  bits = 0;
  /** Whose unread body is the reason for `HOLD.body`. */
  bodyHolder: ServerExchange | undefined = undefined;
  private readonly clock: Clock;
  private turnCount = 0;
  private turnSinceMs = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  has(bit: number): boolean {
    return (this.bits & bit) !== 0;
  }

  set(bit: number): void {
    this.bits |= bit;
  }

  /** Takes a hold away, at the connection, too. Returns whether it was the last. */
  clear(bit: number, transport: ProtocolConnection): boolean {
    if ((this.bits & bit) === 0) return false;
    this.bits &= ~bit;
    // In the root context: the next request does not belong to the handler that responded.
    if (transport.isHeld(bit)) inRootContext(() => transport.release(bit));
    return this.bits === 0;
  }

  /** Takes all of them away from the connection, which is another protocol's now. */
  static clearAll(transport: ProtocolConnection): void {
    transport.release(ALL_HOLDS);
  }

  /** So much of the exchange's body waits that the peer is held back. */
  setBody(exchange: ServerExchange): void {
    this.bodyHolder = exchange;
    this.set(HOLD.body);
  }

  /** Takes that hold away. Returns whether it was the last. */
  clearBody(exchange: ServerExchange, transport: ProtocolConnection): boolean {
    if (this.bodyHolder !== exchange) return false;
    this.bodyHolder = undefined;
    return this.clear(HOLD.body, transport);
  }

  /** Bytes come: a turn begins. */
  beginTurn(): void {
    this.turnCount = 0;
  }

  /** Counts a request, and holds when the connection has had its turn. */
  countRequest(): void {
    const count = ++this.turnCount;
    if (count % LOOK_REQUESTS !== 0) return;
    const nowMs = this.clock.now();
    if (count === LOOK_REQUESTS) this.turnSinceMs = nowMs;
    if (count >= MAX_REQUESTS_PER_TURN || nowMs - this.turnSinceMs > MAX_TURN_MS) {
      this.set(HOLD.turn);
    }
  }

  /** All that has come was read: the turn is over. */
  endTurn(): void {
    this.bits &= ~HOLD.turn;
  }
}
