/**
 * The one deadline of a connection, on the timing wheel. It serves one purpose at a time; what is armed
 * last counts. Made when first needed, so that connections without a deadline don't pay for it.
 *
 * Idleness is looked at lazily: receiving stores a time, and the deadline, when it is reached, is set
 * again for what is left.
 */
import { NetError, type Operation } from "../errors.js";
import { Deadline, type DeadlineOwner } from "../time/timing-wheel.js";
import type { EngineService } from "./engine-service.js";
import type { ConnectionSettings } from "./settings.js";

/** What the deadline is for. */
export type DeadlinePurpose =
  /** TLS has to be established. */
  | "handshake"
  /** Something has to be received. */
  | "idle"
  /** The peer has finished, and somebody has to read on to answer. */
  | "reader"
  /** What waits has to be sent, and the peer to finish. */
  | "close";

/** The connection, as its deadline sees it. */
export interface DeadlineHolder {
  readonly id: number;
  readonly service: EngineService;
  readonly settings: ConnectionSettings;
  readonly pendingBytes: number;
  deadlinePassed(purpose: DeadlinePurpose): void;
}

/** See the head of the file. */
export class ConnectionDeadline implements DeadlineOwner {
  private readonly holder: DeadlineHolder;
  private readonly deadline: Deadline = new Deadline(this);
  private purpose: DeadlinePurpose = "idle";

  constructor(holder: DeadlineHolder) {
    this.holder = holder;
  }

  arm(purpose: DeadlinePurpose, delayMs: number): void {
    this.purpose = purpose;
    this.holder.service.wheel.set(this.deadline, delayMs);
  }

  clear(): void {
    this.holder.service.wheel.clear(this.deadline);
  }

  deadlineReached(): void {
    this.holder.deadlinePassed(this.purpose);
  }
}

/** The error for a deadline that has passed. */
export function deadlineError(purpose: DeadlinePurpose, holder: DeadlineHolder): NetError {
  const { settings, id, pendingBytes } = holder;
  const detail = (operation: Operation) => ({ operation, connectionId: id });
  switch (purpose) {
    case "handshake":
      return new NetError(
        "HANDSHAKE_TIMEOUT",
        `TLS was not established within handshakeTimeoutMs (${settings.handshakeTimeoutMs})`,
        detail("handshake"),
      );
    case "idle":
    case "reader":
      return new NetError(
        "IDLE_TIMEOUT",
        `nothing was received for idleTimeoutMs (${settings.idleTimeoutMs})`,
        detail("receive"),
      );
    case "close":
      return new NetError(
        "CLOSE_TIMEOUT",
        `${pendingBytes} bytes could not be sent within closeTimeoutMs (${settings.closeTimeoutMs})`,
        detail("close"),
      );
  }
}
