/** What holds members, as they see it. */
import type { CloseReason } from "./close-reason.js";
import type { WaitOptions } from "./connection.js";
import type { EngineService } from "./engine-service.js";
import type { Member } from "./member.js";
import type { PacketTopics } from "./topics/packet-topics.js";

/** The component, as members of every kind see it. */
export interface MemberHost<Held extends Member> {
  readonly service: EngineService;
  readonly settings: Held["settings"];
  readonly topics: PacketTopics<Held>;
  /** The connection is open: calls `onAccept` or `onConnect`, which may refuse or end it. */
  connectionOpened(connection: Held, isOutgoing: boolean): void;
  /** The connection is ready for data: calls `onHandshake`, which may refuse or end it. */
  connectionReady(connection: Held): void;
  /** Gives the connection a key instead of its `last` one; returns which it has now. */
  giveKey(connection: Held, key: unknown, last: unknown): unknown;
  /** The connection is gone; calls `onClose`. */
  connectionClosed(connection: Held, reason: CloseReason): void;
  /** Resolves when the connection has ended. */
  whenClosed(connection: Held, options?: WaitOptions): Promise<void>;
  /** Whether a caller waits for the connection's end. */
  isEndAwaited(connection: Held): boolean;
}
