/**
 * What an application has set for single sockets of a component: keys, and deadlines. Most sockets have nothing of
 * it, so
 * that it is kept here and not with each of them.
 */
import { ConnectionKeys, type KeyHolder } from "../connection/component/connection-keys.js";
import { NetError } from "../errors.js";
import type { Deadlines } from "../time/deadlines.js";
import { SOCKET_DUE } from "./heartbeat.js";

/** A socket's session, as its rules see it. */
export interface RuledSession extends KeyHolder {
  readonly connection: { readonly deadlines: Deadlines };
  /** Ends the socket for an error, which the peer is told of. */
  fail(error: NetError): void;
}

interface Rules {
  key: unknown;
  deadlineError: NetError | undefined;
}

/** What an application has set for single sockets of a component. */
export class SocketRules {
  private readonly keys: ConnectionKeys<RuledSession> = new ConnectionKeys();
  private readonly rules: WeakMap<RuledSession, Rules> = new WeakMap();

  private rulesOf(session: RuledSession): Rules {
    let rules = this.rules.get(session);
    if (rules === undefined) {
      rules = { key: undefined, deadlineError: undefined };
      this.rules.set(session, rules);
    }
    return rules;
  }

  byKey(key: unknown): RuledSession | undefined {
    return this.keys.find(key);
  }

  keyOf(session: RuledSession): unknown {
    return this.rules.get(session)?.key;
  }

  giveKey(session: RuledSession, key: unknown): void {
    if (key === undefined && this.keyOf(session) === undefined) return;
    const rules = this.rulesOf(session);
    rules.key = this.keys.give(session, key, rules.key);
  }

  /** See `WebSocketConnection.setDeadline`; the arguments are checked. */
  setDeadline(session: RuledSession, deadlineMs: number, reason: string | undefined): void {
    const { deadlines } = session.connection;
    if (deadlineMs === 0) {
      deadlines.clear(SOCKET_DUE.application);
      return;
    }
    const text = reason ?? `the deadline of the socket (${deadlineMs} ms) has passed`;
    this.rulesOf(session).deadlineError = new NetError("DEADLINE_PASSED", text, {
      operation: "receive",
      connectionId: session.id,
    });
    deadlines.set(SOCKET_DUE.application, deadlineMs);
  }

  deadlinePassed(session: RuledSession): void {
    const error = this.rules.get(session)?.deadlineError;
    if (error !== undefined) session.fail(error);
  }

  /** The socket has ended: its key is free for others; `key` still returns it. */
  leave(session: RuledSession): void {
    this.keys.take(session, this.keyOf(session));
  }
}
