/** hp-socket/proxy: the public names of proxies and relays, and the error that all parts share. */

export { NetError } from "../errors.js";
export type { AccessLogFormat, AccessLogOptions } from "../http/server/access-log.js";
export type { ClientHello } from "../protocol/tls-hello/client-hello.js";
export type * from "../public-types.js";
export { accessLog, type LoggedRecord } from "./access-log.js";
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
export type { DestinationHandlers, DestinationStats } from "./relay/destination.js";
export type { RelayNames } from "./relay/name-routes.js";
export { Relay } from "./relay/relay.js";
export type {
  RelayOptions,
  RelayRecord,
  RelayStats,
} from "./relay/relay-options.js";
export type { RelayNumbers, UdpRelayNumbers } from "./relay/relay-settings.js";
export { UdpRelay } from "./relay/udp-relay.js";
export type { UdpRelayOptions, UdpRelayRecord, UdpRelayStats } from "./relay/udp-relay-options.js";
