/** hp-socket/proxy: the public names of proxies and relays, and the error that all parts share. */
export { type Fault, NetError, type NetErrorCode, type Operation } from "../errors.js";
export type { Authenticate, Authentication } from "./authentication.js";
export { type DestinationOptions, PRIVATE_NETWORKS } from "./destination-rules.js";
export type { FieldPair } from "./hop-fields.js";
export type {
  AccessRecord,
  OwnResponse,
  ProxyHandlers,
  ProxyRequest,
  ProxyResponse,
  TunnelCall,
} from "./proxy-handlers.js";
export { ProxyServer, type ProxyServerOptions, type ProxyStats } from "./proxy-server.js";
export type { ProxyNumbers } from "./proxy-settings.js";
export { Relay, type RelayOptions, type RelayRecord, type RelayStats } from "./relay.js";
export type { RelayNumbers } from "./relay-settings.js";
