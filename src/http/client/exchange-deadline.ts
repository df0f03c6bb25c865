/**
 * What is due on a client's connection: one thing at a time, the end of its idleness, 100 Continue, the head
 * of a response, or the next bytes of its body. Hot: to set it later stores a number.
 */
import { DUE, HOLD, type ProtocolConnection } from "../../connection/receiver.js";
import { NetError } from "../../errors.js";

const DUE_EXCHANGE = DUE.protocol;

/** The one deadline of a client's connection. */
export class ExchangeDeadline {
  private readonly connection: ProtocolConnection;
  private progressSeen = 0;
  private resumedMs = 0;

  /** `due`: called when what was set has passed. */
  constructor(connection: ProtocolConnection, due: () => void) {
    this.connection = connection;
    connection.onDue = due;
  }

  /** Sets it to `delayMs` from now; 0: nothing is due. */
  set(delayMs: number): void {
    const { deadlines } = this.connection;
    if (delayMs === 0) deadlines.clear(DUE_EXCHANGE);
    else deadlines.set(DUE_EXCHANGE, delayMs);
  }

  /** Whether it has passed, even if that was not reported yet. */
  get isPast(): boolean {
    return this.connection.deadlines.isPast(DUE_EXCHANGE);
  }

  /** The peer is no longer held back by us: its silence counts from here on. */
  resumed(): void {
    this.resumedMs = this.connection.wheel.clock.now();
  }

  /** The error of a head that is late; undefined while the request itself is still being sent. */
  headError(headTimeoutMs: number): NetError | undefined {
    const { sendProgress, pendingBytes } = this.connection;
    if (pendingBytes > 0 && sendProgress > this.progressSeen) {
      this.progressSeen = sendProgress;
      this.set(headTimeoutMs);
      return undefined;
    }
    const text = `the head of the response did not come within headTimeoutMs (${headTimeoutMs})`;
    return new NetError("HTTP_HEAD_TIMEOUT", text, { operation: "receive" });
  }

  /** The error of a body of which nothing came; undefined while the peer is held back by us. */
  bodyError(bodyTimeoutMs: number): NetError | undefined {
    const { connection } = this;
    const freeForMs = connection.wheel.clock.now() - this.resumedMs;
    const leftMs = bodyTimeoutMs - Math.min(freeForMs, connection.silentForMs);
    const isHeld = connection.isHeld(HOLD.body | HOLD.application);
    if (isHeld || leftMs > 0) {
      this.set(isHeld ? bodyTimeoutMs : leftMs);
      return undefined;
    }
    const text = `no byte of the body came for bodyTimeoutMs (${bodyTimeoutMs})`;
    return new NetError("HTTP_BODY_TIMEOUT", text, { operation: "receive" });
  }
}
