/**
 * Where what waits to be sent stands against its marks: what becomes of more than there is room for, who is held
 * meanwhile, and who is told when there is room again. Streams and sessions over datagrams have the same rules.
 *
 * Invariant: `isAbove` is true from the moment `send` first answered `"slow"`, or dropped, until `fell` told of room.
 */
import { NetError } from "../../errors.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import type { WaitOptions } from "../connection.js";
import { HOLD } from "../receiver.js";
import type { ConnectionSettings } from "../settings.js";
import { DRAINED, WaiterList } from "../waiting/waiter-list.js";

/** The connection, as its marks see it. */
export interface MarkedConnection {
  readonly id: number;
  readonly settings: Pick<ConnectionSettings, "maxPendingBytes" | "slowConsumer">;
  hold(owners: number): void;
  release(owners: number): void;
  fail(error: NetError): boolean;
  /** The queue is at the low-water mark again. */
  queueDrained(): void;
}

/** What is remembered of a connection that has more to send than its peer takes. */
export class SendMarks {
  /** Sends that were dropped. */
  droppedCount = 0;
  private isAbove = false;
  /** Waiters for the low-water mark. */
  private waiters: WaiterList | undefined = undefined;

  /** Whether no caller has to be told of room. */
  get isQuiet(): boolean {
    return !this.isAbove && this.waiters?.isEmpty !== false;
  }

  /** `byteCount` more would pass `maxPendingBytes`: does what the policy says. */
  overflowed(connection: MarkedConnection, pendingBytes: number, byteCount: number): void {
    const { maxPendingBytes, slowConsumer } = connection.settings;
    if (slowConsumer === "drop") {
      this.dropped(true);
      return;
    }
    const text = `${pendingBytes} bytes wait to be sent and ${byteCount} more would pass maxPendingBytes (${maxPendingBytes})`;
    connection.fail(
      new NetError("SEND_QUEUE_FULL", text, { operation: "send", connectionId: connection.id }),
    );
  }

  /** A send was dropped; `tellsRoom`: something is under way, whose end will tell of room. */
  dropped(tellsRoom: boolean): void {
    this.droppedCount++;
    if (tellsRoom) this.isAbove = true;
  }

  /** What waits has reached the high-water mark. */
  reached(connection: MarkedConnection): void {
    if (this.isAbove) return;
    this.isAbove = true;
    if (connection.settings.slowConsumer === "pause") connection.hold(HOLD.slow);
  }

  /** What waits is at the low-water mark again. */
  fell(connection: MarkedConnection): void {
    this.waiters?.resolve();
    if (!this.isAbove) return;
    this.isAbove = false;
    connection.release(HOLD.slow);
    connection.queueDrained();
  }

  /** See `Connection.drained`. */
  wait(wheel: TimingWheel, options: WaitOptions): Promise<void> {
    this.waiters ??= new WaiterList();
    return this.waiters.wait(wheel, options, DRAINED);
  }

  /** The connection has ended. Returns who still waits, to be told why. */
  end(): WaiterList | undefined {
    const { waiters } = this;
    this.waiters = undefined;
    this.isAbove = false;
    return waiters?.isEmpty === false ? waiters : undefined;
  }
}
