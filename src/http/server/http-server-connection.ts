import type { CloseReason } from "../../connection/close-reason.js";
import type { Address } from "../../engine/engine.js";
import type { TlsInfo } from "../../engine/tls-options.js";

/** A connection of an HTTP server, as handlers see it. */
export interface HttpServerConnection {
  /** Whole number from 1; never given again in the process. */
  readonly id: number;
  /** The application's own. The library does not look at it. */
  context: unknown;
  /** Requests that have come on it. */
  readonly requestCount: number;
  /** Requests that have no whole response yet, or have not come whole. */
  readonly exchangeCount: number;
  readonly localAddress: Address | undefined;
  readonly remoteAddress: Address | undefined;
  /** When the connection came, in milliseconds since 1970 UTC. */
  readonly connectedAt: number;
  /** What is known of TLS; undefined on a plain connection. */
  readonly tls: TlsInfo | undefined;
  /** Whether it is neither closing nor closed. */
  readonly isOpen: boolean;
  /** Closes when what is under way has its response, at once when nothing is. False when it has ended already. */
  close(): boolean;
  /** Ends it at once with a reset. False when it has ended already. */
  abort(): boolean;
  /** Resolves with the reason when it has ended. */
  closed(): Promise<CloseReason>;
}
