/** hp-socket: the public names, but for those of HTTP, which hp-socket/http has. */
export { CidrSet } from "./address/cidr-set.js";
export { type HostPort, parseHostPort } from "./address/host-port.js";
export { type InterfaceAddress, listInterfaces } from "./address/interfaces.js";
export { compareIps, formatIp, type Ip, parseIp } from "./address/ip.js";
export type { AccessOptions, Networks } from "./connection/access/access-options.js";
export type { ProxyHeaderOptions } from "./connection/access/proxy-header-options.js";
export type { CloseReason, Initiator } from "./connection/close-reason.js";
export type { BroadcastResult } from "./connection/component/broadcast.js";
export type {
  AnyModelRule,
  ChangeableSettings,
  ComponentOptions,
  ComponentStats,
  ContextRule,
  StopOptions,
  StopResult,
} from "./connection/component/component-options.js";
export type { BroadcastOptions } from "./connection/component/connection-group.js";
export type { ServiceState } from "./connection/component/service-state.js";
export type {
  AnyConnection,
  Connection,
  ConnectionStats,
  Data,
  DuplexViewOptions,
  SendResult,
  SmallFileOptions,
  WaitOptions,
  WebView,
} from "./connection/connection.js";
export type { ConnectionState } from "./connection/connection-state.js";
export type { Handlers, MayRefuse, MayWait, Verdict } from "./connection/events/handlers.js";
export type { HeartbeatOptions } from "./connection/heartbeat/heartbeat-options.js";
export type { AdmissionOptions } from "./connection/listening/admission.js";
export type { ListenOptions } from "./connection/listening/listening.js";
export type {
  ConnectionSettings,
  Delivery,
  DuplicateKey,
  SendMode,
  SlowConsumer,
} from "./connection/settings.js";
export type { ClientTls, ServerTls, TlsSettings } from "./connection/tls/tls-settings.js";
export type { ConnectOptions, LocalEnd } from "./dial/connect-options.js";
export type { ProxyOptions } from "./dial/proxy-hop.js";
export {
  type Proxy,
  type ProxyChoice,
  type ProxyDestination,
  type ProxyScheme,
  proxyFromEnvironment,
} from "./dial/proxy-route.js";
export { addressText } from "./engine/address-text.js";
export { type EngineProbe, type EngineStatus, engineReport } from "./engine/choose-engine.js";
export type {
  Address,
  Capabilities,
  Capability,
  Engine,
  EngineChoice,
  EngineName,
  IpAddress,
  KeepAlive,
  PathAddress,
  TcpInfo,
} from "./engine/engine.js";
export type { TcpState } from "./engine/tcp-states.js";
export type {
  TlsCertificate,
  TlsCertificateSelector,
  TlsClientOptions,
  TlsInfo,
  TlsPeerCertificate,
  TlsRules,
  TlsServerOptions,
  TlsVersion,
} from "./engine/tls-options.js";
export { createUringEngine, type UringOptions } from "./engine/uring/uring-engine.js";
export { type Fault, NetError, type NetErrorCode, type Operation } from "./errors.js";
export type { AgentTarget } from "./outgoing/agent-target.js";
export type { ReconnectHandlers } from "./outgoing/reconnect-handlers.js";
export type {
  ReconnectNumbers,
  ReconnectOptions,
  ReconnectTarget,
} from "./outgoing/reconnect-options.js";
export {
  type ProxyEnd,
  type ProxyHeader,
  type ProxySsl,
  type ProxyTlv,
  TLV as PROXY_TLV,
  tlvText as proxyTlvText,
} from "./protocol/proxy-header/proxy-header.js";
export { sslOf as proxySsl } from "./protocol/proxy-header/proxy-header-reader.js";
export { type DelimiterOptions, delimiter } from "./receive/delimiter.js";
export { type FixedLengthOptions, fixedLength } from "./receive/fixed-length.js";
export { type LengthPrefixOptions, lengthPrefix } from "./receive/length-prefix.js";
export { type PackOptions, pack } from "./receive/pack.js";
export type { PacketModel } from "./receive/packet-model.js";
export { pull } from "./receive/pull.js";
export { push } from "./receive/push.js";
export type {
  Decoder,
  Encoder,
  PacketSink,
  ReceiveModel,
  ReceiveModelName,
} from "./receive/receive-model.js";
export { type StartEndOptions, startEnd } from "./receive/start-end.js";
export { type UntilClosedOptions, untilClosed } from "./receive/until-closed.js";
export type { ProcessOwner } from "./system/socket-owners.js";
export { type TcpTable, type TcpTableOptions, tcpConnections } from "./system/tcp-table.js";
export type { TcpEnd, TcpTableEntry } from "./system/tcp-table-entry.js";
export {
  type AgentConnectOptions,
  TcpAgent,
  type TcpAgentOptions,
  type TcpTarget,
} from "./tcp/tcp-agent.js";
export { TcpClient, type TcpClientOptions } from "./tcp/tcp-client.js";
export { TcpServer, type TcpServerOptions } from "./tcp/tcp-server.js";
