/**
 * What an application has set for one connection alone, over a stream or over datagrams. Most connections
 * have nothing of it, so that it is made when it is needed.
 */
import type { Address } from "../engine/engine.js";
import { assertInteger, assertText, NetError } from "../errors.js";
import { MAX_MS } from "../options.js";
import type { ProxyHeader } from "../protocol/proxy-header/proxy-header.js";
import type { Deadlines } from "../time/deadlines.js";
import { type CloseReason, reasonOf } from "./close-reason.js";
import type { ConnectionState } from "./connection-state.js";
import { DUE } from "./receiver.js";

/** A connection, as its own rules see it. */
export interface RuledConnection {
  readonly id: number;
  readonly state: ConnectionState;
  readonly deadlines: Deadlines;
  closeWith(reason: CloseReason): boolean;
  fail(error: NetError): boolean;
}

/** Where the peer of a relay's connection is, as its PROXY header tells. */
export interface Origin {
  readonly address: Address | undefined;
  readonly header: ProxyHeader;
}

/** The key, idle timeout and deadline of one connection, and whom the PROXY header of a relay names. */
export class OwnRules {
  key: unknown = undefined;
  /** Overrides the component's setting; undefined: the setting holds. */
  idleTimeoutMs: number | undefined = undefined;
  origin: Origin | undefined = undefined;
  private deadlineError: NetError | undefined = undefined;

  /** See `AnyConnection.setDeadline`; the arguments are checked. */
  setDeadline(connection: RuledConnection, deadlineMs: number, reason: string | undefined): void {
    if (deadlineMs === 0) {
      connection.deadlines.clear(DUE.application);
      return;
    }
    const text = reason ?? `the deadline of the connection (${deadlineMs} ms) has passed`;
    this.deadlineError = new NetError("DEADLINE_PASSED", text, {
      operation: "receive",
      connectionId: connection.id,
    });
    connection.deadlines.set(DUE.application, deadlineMs);
  }

  /** The deadline has passed: the connection ends. */
  deadlinePassed(connection: RuledConnection): void {
    const { deadlineError } = this;
    if (deadlineError === undefined) return;
    if (connection.state === "connecting") connection.fail(deadlineError);
    else connection.closeWith(reasonOf(deadlineError, "receive"));
  }
}

/** Throws `INVALID_ARGUMENT` for what `AnyConnection.setIdleTimeout` can't take. */
export function assertIdleTimeout(idleTimeoutMs: number): void {
  assertInteger("idleTimeoutMs", idleTimeoutMs, 0, MAX_MS);
}

/** Throws `INVALID_ARGUMENT` for what `AnyConnection.setDeadline` can't take. */
export function assertDeadline(deadlineMs: number, reason: string | undefined): void {
  assertInteger("deadlineMs", deadlineMs, 0, MAX_MS);
  if (reason !== undefined) assertText("reason", reason);
}
