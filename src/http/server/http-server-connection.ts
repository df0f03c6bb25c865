import type { Connection } from "../../connection/connection.js";

/**
 * A connection of an HTTP server, as handlers see it: what `Connection` has, but for what would read or send
 * beside the requests and responses.
 */
export interface HttpServerConnection<Context = unknown>
  extends Pick<
    Connection<Context>,
    | "id"
    | "context"
    | "state"
    | "isPaused"
    | "abort"
    | "closed"
    | "closeReason"
    | "pendingBytes"
    | "localAddress"
    | "remoteAddress"
    | "proxyHeader"
    | "tls"
    | "connectedAt"
    | "silentForMs"
    | "stats"
    | "setNoDelay"
    | "setKeepAlive"
    | "tcpInfo"
  > {
  /** Requests that have come on it. */
  readonly requestCount: number;
  /** Requests that have no whole response yet, or have not come whole. */
  readonly exchangeCount: number;
  /** Whether it is neither closing nor closed. */
  readonly isOpen: boolean;
  /** Reads no more: no further request, and nothing of a body, comes until {@link resume}; deadlines of reading wait. */
  pause(): boolean;
  /** Goes on reading. */
  resume(): boolean;
  /** Closes when what is under way has its response, at once when nothing is. False when it has ended already. */
  close(): boolean;
}
