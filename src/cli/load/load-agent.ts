/** What makes the connections of a load, over whatever carries their messages. */
import type { AnyConnection, CloseReason } from "../../index.js";
import type { ConnectionLoad } from "./connection-load.js";

/** A connection of a load. */
export type LoadedConnection = AnyConnection<ConnectionLoad>;

/** What becomes of them. */
export interface LoadEvents {
  opened(connection: LoadedConnection): void;
  received(connection: LoadedConnection, bytes: Buffer): void;
  /** The peer has finished sending. */
  ended(connection: LoadedConnection): void;
  closed(connection: LoadedConnection, reason: CloseReason): void;
}

/** Makes the connections of a load. */
export interface LoadAgent {
  readonly engineName: string;
  /** Makes the next one. */
  connect(): Promise<LoadedConnection>;
  stop(options: { readonly drainMs: number }): Promise<unknown>;
}

/** Makes an agent; `createLoad` makes what the next connection does. */
export type LoadAgentFactory = (events: LoadEvents, createLoad: () => ConnectionLoad) => LoadAgent;
