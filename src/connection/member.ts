/**
 * What every connection is, whatever carries its bytes: it has an id, a life, counters and a reason for its
 * end, and a component that holds it. Streams and sessions over datagrams are members alike.
 */
import type { NetError } from "../errors.js";
import type { Encoder } from "../receive/receive-model.js";
import type { CloseReason } from "./close-reason.js";
import type { ConnectionState } from "./connection-state.js";
import type { ConnectionSettings } from "./settings.js";

/** Settings that members of any kind have. */
export type MemberSettings = Pick<ConnectionSettings, "duplicateKey" | "maxTopics">;

/** A connection, as what holds connections sees it. */
export interface Member {
  readonly id: number;
  readonly state: ConnectionState;
  /** Whether data can be sent. */
  readonly isOpen: boolean;
  readonly settings: MemberSettings;
  /** The key that the application gave it; undefined: none. */
  readonly key: unknown;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly ageMs: number;
  readonly silentForMs: number;
  /** What writes the heads of packets; undefined where bytes are sent as they are. */
  readonly encoder: Encoder | undefined;
  /** Sends bytes as they are, whatever the receive model. */
  sendBytes(bytes: Uint8Array): boolean;
  /** Closes in good order for a reason of its own. */
  closeWith(reason: CloseReason): boolean;
  /** The component stops: ends in good order. */
  stop(): void;
  /** Ends it now. Returns whether that was not in good order. */
  cut(error: NetError): boolean;
  /** The component's settings were changed. */
  settingsChanged(): void;
  /** Whether it keeps the process alive. */
  ref(): void;
  unref(): void;
}
