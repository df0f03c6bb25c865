/** Numbers of a proxy, with defaults and ranges; `docs/limits.md` is compared with the table. */
import { bytes, count, milliseconds, type OptionTable } from "../options.js";

/** What a `ProxyServer` adds to the settings of an HTTP server. */
export interface ProxyNumbers {
  /** Tunnels at a time, those that are being made included. Default 10,000. */
  readonly maxTunnels: number;
  /** Time to connect to a destination: look-up and all attempts. Default 10 s. */
  readonly connectTimeoutMs: number;
  /** SOCKS 5 clients whose datagrams are relayed at a time. Default 1,000. */
  readonly maxAssociations: number;
  /** Destinations of one client's datagrams that are remembered, and names; only they can send back. Default 256. */
  readonly maxAssociationPeers: number;
  /** Bytes of datagrams that wait to leave, of one client and each way; what comes beyond is dropped. Default 1 MiB. */
  readonly maxAssociationPendingBytes: number;
  /** How long nothing may come through a tunnel, from either side, or be relayed. Default 10 min; 0: for any time. */
  readonly tunnelIdleTimeoutMs: number;
  /** From a request that was sent on to the head of its response: 504. Default 60 s. */
  readonly upstreamTimeoutMs: number;
  /** How long an upstream connection is kept without a request, unless its server says otherwise. Default 4 s. */
  readonly upstreamIdleTimeoutMs: number;
  /** How long `authenticate` or a handler that is waited for may take. Default 60 s; 0: any time. */
  readonly handlerTimeoutMs: number;
  /** Upstream connections of requests at a time. Default 1,024. */
  readonly maxUpstreams: number;
  /** The same to one origin. Default 64. */
  readonly maxUpstreamsPerOrigin: number;
}

/** Default and range of each number. */
export const PROXY_NUMBERS: OptionTable<ProxyNumbers> = {
  maxTunnels: count(10_000, "tunnels", { max: 5_000_000 }),
  maxAssociations: count(1_000, "clients", { max: 100_000 }),
  maxAssociationPeers: count(256, "destinations", { min: 1, max: 65_536 }),
  maxAssociationPendingBytes: bytes(1_048_576, { min: 65_536 }),
  connectTimeoutMs: milliseconds(10_000),
  tunnelIdleTimeoutMs: milliseconds(600_000),
  upstreamTimeoutMs: milliseconds(60_000),
  upstreamIdleTimeoutMs: milliseconds(4_000),
  handlerTimeoutMs: milliseconds(60_000),
  maxUpstreams: count(1_024, "connections", { min: 1, max: 1_000_000 }),
  maxUpstreamsPerOrigin: count(64, "connections", { min: 1, max: 1_000_000 }),
};
