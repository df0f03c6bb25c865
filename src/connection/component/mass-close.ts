/** Which connections a component closes that are silent or old (HP §2.3), and what it says to them. */
import { assertInteger, NetError, type NetErrorCode } from "../../errors.js";

/** A connection that can be told so. */
export interface AgeingConnection {
  readonly id: number;
  readonly isOpen: boolean;
  readonly silentForMs: number;
  readonly ageMs: number;
}

/** Closes one connection for a reason; returns whether it did. */
export type CloseFor<One> = (connection: One, error: NetError) => boolean;

/** Closes those from which nothing came for `silentMs`; returns how many. Throws `INVALID_ARGUMENT`. */
export function closeSilentOnes<One extends AgeingConnection>(
  connections: readonly One[],
  silentMs: number,
  close: CloseFor<One>,
): number {
  assertInteger("silentMs", silentMs, 0, Number.MAX_SAFE_INTEGER);
  const message = `nothing was received for silentMs (${silentMs})`;
  const silent = connections.filter((connection) => connection.silentForMs >= silentMs);
  return closeAll(silent, "IDLE_TIMEOUT", message, close);
}

/** Closes those that are older than `ageMs`; returns how many. Throws `INVALID_ARGUMENT`. */
export function closeOldOnes<One extends AgeingConnection>(
  connections: readonly One[],
  ageMs: number,
  close: CloseFor<One>,
): number {
  assertInteger("ageMs", ageMs, 0, Number.MAX_SAFE_INTEGER);
  const message = `the connection is older than ageMs (${ageMs})`;
  const old = connections.filter((connection) => connection.ageMs >= ageMs);
  return closeAll(old, "AGE_LIMIT", message, close);
}

function closeAll<One extends AgeingConnection>(
  connections: readonly One[],
  code: NetErrorCode,
  message: string,
  close: CloseFor<One>,
): number {
  let count = 0;
  for (const connection of connections) {
    if (!connection.isOpen) continue;
    const detail = { operation: "close", connectionId: connection.id } as const;
    if (close(connection, new NetError(code, message, detail))) count++;
  }
  return count;
}
