import { NetError } from "../../errors.js";
import { type CloseReason, reasonOf } from "../close-reason.js";
import type { Member, MemberSettings } from "../member.js";

/** What can have a key. */
export interface KeyHolder extends Pick<Member, "id" | "isOpen" | "closeWith"> {
  readonly settings: Pick<MemberSettings, "duplicateKey">;
}

/** Connections by a key of the application's own, each key with one holder at most. */
export class ConnectionKeys<Holder extends KeyHolder> {
  private readonly holders: Map<unknown, Holder> = new Map();

  find(key: unknown): Holder | undefined {
    return this.holders.get(key);
  }

  /** Gives `connection` a key, instead of its `last` one; returns which it has now. */
  give(connection: Holder, key: unknown, last: unknown): unknown {
    const holder = key === undefined ? undefined : this.holders.get(key);
    if (holder === connection) return key;
    const { duplicateKey } = connection.settings;
    // A connection that closes loses its key to whoever wants it.
    if (holder?.isOpen === true && duplicateKey !== "replace") {
      if (duplicateKey === "keep") return last;
      connection.closeWith(duplicate(connection, key, "another connection has the key"));
      return last;
    }
    this.take(connection, last);
    if (key !== undefined) this.holders.set(key, connection);
    holder?.closeWith(duplicate(holder, key, "another connection was given the key"));
    return key;
  }

  /** The connection has ended, or gets another key. */
  take(connection: Holder, key: unknown): void {
    if (key !== undefined && this.holders.get(key) === connection) this.holders.delete(key);
  }
}

/** Why a connection is closed for its key. */
function duplicate({ id }: KeyHolder, key: unknown, text: string): CloseReason {
  const message = `${text} ${String(key)}`;
  const error = new NetError("DUPLICATE_KEY", message, { operation: "close", connectionId: id });
  return reasonOf(error, "close");
}
