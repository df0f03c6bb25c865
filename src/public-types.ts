/** Types of the public face that belong to no entry point alone: each of them exports all, beside its components. */
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
export type { SendErrorHandler } from "./connection/events/events.js";
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
export type { ClientTls, ServerTls, TlsSettings, TlsStart } from "./connection/tls/tls-settings.js";
export type { AddressFilter, ConnectOptions, LocalEnd } from "./dial/connect-options.js";
export type { ProxyOptions } from "./dial/proxy-hop.js";
export type { Proxy, ProxyChoice, ProxyDestination, ProxyScheme } from "./dial/proxy-route.js";
export type {
  Address,
  Capabilities,
  Capability,
  DatagramTarget,
  Engine,
  EngineChoice,
  EngineName,
  IpAddress,
  KeepAlive,
  ListenPlace,
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
export type { Fault, NetErrorCode, NetErrorDetail, Operation } from "./errors.js";
export type { Given } from "./options.js";
export type { AgentTarget } from "./outgoing/agent-target.js";
export type { ReconnectChoice, ReconnectHandlers } from "./outgoing/reconnect-handlers.js";
export type {
  ReconnectNumbers,
  ReconnectOptions,
  ReconnectTarget,
} from "./outgoing/reconnect-options.js";
export type { ProxyEnd, ProxyHeader, ProxyTlv } from "./protocol/proxy-header/proxy-header.js";
export type {
  Decoder,
  Encoder,
  PacketSink,
  ReceiveModel,
  ReceiveModelName,
} from "./receive/receive-model.js";
