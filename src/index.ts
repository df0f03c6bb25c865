/** hp-socket: the public names. */
export type { CloseReason, Initiator } from "./connection/close-reason.js";
export type {
  ChangeableSettings,
  ComponentOptions,
  ComponentStats,
  StopOptions,
  StopResult,
} from "./connection/component.js";
export type {
  Connection,
  ConnectionStats,
  Data,
  SmallFileOptions,
  WaitOptions,
} from "./connection/connection.js";
export type { ConnectionState } from "./connection/connection-state.js";
export type { Handlers, MayRefuse, MayWait, Verdict } from "./connection/handlers.js";
export type { ServiceState } from "./connection/service-state.js";
export type {
  ConnectionSettings,
  Delivery,
  SendMode,
  SlowConsumer,
} from "./connection/settings.js";
export type { ClientTls, ServerTls, TlsSettings } from "./connection/tls-settings.js";
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
export type {
  AgentNumbers,
  ClientNumbers,
  ClientOptions,
  HttpAgentOptions,
  RequestTimes,
} from "./http/client-options.js";
export type { HttpRequestOptions } from "./http/client-request.js";
export type { FetchHandler, FetchInfo } from "./http/fetch-handler.js";
export type { FileResponseOptions } from "./http/file-response.js";
export { createFetch, HttpAgent, type HttpAgentStats } from "./http/http-agent.js";
export {
  HttpClient,
  type HttpClientCall,
  type HttpClientOptions,
  type HttpClientRequest,
} from "./http/http-client.js";
export type { HttpClientHandlers } from "./http/http-client-handlers.js";
export type { HttpExchange, ResponseSource } from "./http/http-exchange.js";
export type { HttpFetchInit } from "./http/http-fetch.js";
export type { ProxyOptions } from "./http/http-proxy.js";
export type { HttpResponse, HttpTiming } from "./http/http-response.js";
export { HttpServer } from "./http/http-server.js";
export type { HttpServerConnection } from "./http/http-server-connection.js";
export type { HttpServerHandlers, MessageHandlers } from "./http/http-server-handlers.js";
export type {
  HttpServerChanges,
  HttpServerOptions,
  HttpServerStats,
} from "./http/http-server-options.js";
export type {
  HttpServerLimits,
  HttpSettingsInput,
  RequestLimits,
} from "./http/http-server-settings.js";
export {
  HttpSyncClient,
  type OpenUrlOptions,
  type SyncBody,
  type SyncRequest,
} from "./http/http-sync-client.js";
export type { IncomingBody, WholeBodyOptions } from "./http/incoming-body.js";
export type { Fields } from "./http/received-request.js";
export type { BodyChunks, RequestBody } from "./http/request-content.js";
export type { ResponseWriter } from "./http/response-writer.js";
export type { HttpSyncClientOptions } from "./http/sync-client-options.js";
export type { HttpSyncListener, SyncCloseReason } from "./http/sync-listener.js";
export type { SyncFields, SyncResponse } from "./http/sync-response.js";
export type { UpgradeReceiver } from "./http/upgrade-receiver.js";
export type { UpgradedConnection } from "./http/upgraded-connection.js";
export {
  EncodedFields,
  type FieldInput,
  type FieldValue,
} from "./protocol/http1/field-writer.js";
export { encodeFields } from "./protocol/http1/head-writer.js";
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
export type { ConnectOptions } from "./tcp/connect-options.js";
export { TcpAgent, type TcpAgentOptions } from "./tcp/tcp-agent.js";
export { TcpClient, type TcpClientOptions } from "./tcp/tcp-client.js";
export { type ListenOptions, TcpServer, type TcpServerOptions } from "./tcp/tcp-server.js";
