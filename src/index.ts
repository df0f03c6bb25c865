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
} from "./http/client/client-options.js";
export type { HttpRequestOptions } from "./http/client/client-request.js";
export { FetchFailure } from "./http/client/fetch/fetch-failure.js";
export type { HttpFetch, HttpFetchInit } from "./http/client/fetch/http-fetch.js";
export { createFetch, HttpAgent, type HttpAgentStats } from "./http/client/http-agent.js";
export {
  HttpClient,
  type HttpClientCall,
  type HttpClientOptions,
  type HttpClientRequest,
} from "./http/client/http-client.js";
export type { HttpClientHandlers } from "./http/client/http-client-handlers.js";
export type { HttpFollowOptions } from "./http/client/http-follow.js";
export type { ProxyOptions } from "./http/client/http-proxy.js";
export type { HttpResponse, HttpTiming } from "./http/client/http-response.js";
export type { BodyChunks, RequestBody } from "./http/client/request-content.js";
export type { Fields } from "./http/fields.js";
export type { IncomingBody, WholeBodyOptions } from "./http/incoming-body.js";
export type { FetchHandler, FetchInfo } from "./http/server/fetch/fetch-handler.js";
export { installLightClasses } from "./http/server/fetch/install-light.js";
export type { FileResponseOptions } from "./http/server/file-response.js";
export type { HttpExchange, ResponseSource } from "./http/server/http-exchange.js";
export { HttpServer } from "./http/server/http-server.js";
export type { HttpServerConnection } from "./http/server/http-server-connection.js";
export type { HttpServerHandlers, MessageHandlers } from "./http/server/http-server-handlers.js";
export type {
  HttpServerChanges,
  HttpServerOptions,
  HttpServerStats,
} from "./http/server/http-server-options.js";
export type {
  HttpServerLimits,
  HttpSettingsInput,
  RequestLimits,
} from "./http/server/http-server-settings.js";
export type { ResponseWriter } from "./http/server/response-writer.js";
export {
  HttpSyncClient,
  type OpenUrlOptions,
  type SyncBody,
  type SyncRequest,
} from "./http/sync/http-sync-client.js";
export type { HttpSyncClientOptions } from "./http/sync/sync-client-options.js";
export type { HttpSyncListener, SyncCloseReason } from "./http/sync/sync-listener.js";
export type { SyncFields, SyncResponse } from "./http/sync/sync-response.js";
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
