/** hp-socket/http: the public names of HTTP, and the error that all parts share. */

export { proxyFromEnvironment } from "../dial/proxy-route.js";
export { NetError } from "../errors.js";
export type { Http1Limits } from "../protocol/http1/limits.js";
export type { EncodedFields } from "../protocol/http1/writing/encoded-fields.js";
export type { FieldInput, FieldValue } from "../protocol/http1/writing/field-writer.js";
export { encodeFields } from "../protocol/http1/writing/head-writer.js";
export type * from "../public-types.js";
export type { IncomingBody, WholeBodyOptions } from "./body/incoming-body.js";
export type {
  AgentNumbers,
  ClientNumbers,
  ClientOptions,
  RequestTimes,
} from "./client/client-options.js";
export type { HttpRequestOptions } from "./client/client-request.js";
export { FetchFailure } from "./client/fetch/fetch-failure.js";
export type { HttpFetch, HttpFetchInit } from "./client/fetch/http-fetch.js";
export {
  createFetch,
  HttpAgent,
  type HttpAgentConnection,
  type HttpAgentOptions,
  type HttpAgentStats,
} from "./client/http-agent.js";
export {
  HttpClient,
  type HttpClientCall,
  type HttpClientOptions,
  type HttpClientRequest,
  type HttpConnectOptions,
} from "./client/http-client.js";
export type { HttpClientHandlers } from "./client/http-client-handlers.js";
export type { HttpFollowOptions } from "./client/http-follow.js";
export type { HttpResponse, HttpTiming } from "./client/http-response.js";
export type { BodyChunks, RequestBody } from "./client/request-content.js";
export type {
  Cookie,
  CookieContext,
  CookieFilter,
  CookieInit,
  CookieKey,
  CookieRefusal,
  CookieTarget,
  SameSite,
  SetCookieOutcome,
} from "./cookie/cookie.js";
export type { CookieLimits } from "./cookie/cookie-limits.js";
export { CookieStore } from "./cookie/cookie-store.js";
export type {
  CookieLoadOptions,
  CookieSaveOptions,
  CookieStats,
  CookieStoreJson,
  CookieStoreOptions,
} from "./cookie/cookie-store-options.js";
export type { FieldSection, Fields, ResponseHead } from "./fields.js";
export { type AccessLogFormat, type AccessLogOptions, accessLog } from "./server/access-log.js";
export type { ContentCoding } from "./server/compression/coding-choice.js";
export type { ResponseCompressionOptions } from "./server/compression/compression-options.js";
export type { ClearCookieOptions, SetCookieOptions } from "./server/cookies/set-cookie.js";
export type { FetchHandler, FetchInfo } from "./server/fetch/fetch-handler.js";
export { installLightClasses } from "./server/fetch/install-light.js";
export type { FileResponseOptions } from "./server/files/file-response-options.js";
export type { HttpExchange } from "./server/http-exchange.js";
export { HttpServer } from "./server/http-server.js";
export type { HttpServerConnection } from "./server/http-server-connection.js";
export type { HttpServerHandlers, MessageHandlers } from "./server/http-server-handlers.js";
export type {
  HttpContextRule,
  HttpServerChanges,
  HttpServerOptions,
  HttpServerStats,
} from "./server/http-server-options.js";
export type {
  HttpServerLimits,
  HttpServerSettings,
  HttpSettingsInput,
  RequestLimits,
} from "./server/http-server-settings.js";
export type { ResponseWriter } from "./server/response/body-output.js";
export type { ResponseSource } from "./server/response/response-pump.js";
export type { ResponseReport } from "./server/response/response-report.js";
export {
  HttpSyncClient,
  type OpenUrlOptions,
  type SyncBody,
  type SyncRequest,
  type SyncUpgradeOptions,
} from "./sync/http-sync-client.js";
export type { HttpSyncClientOptions } from "./sync/sync-client-options.js";
export type { HttpSyncListener, SyncCloseReason } from "./sync/sync-listener.js";
export type { SyncSocketEnd } from "./sync/sync-messages.js";
export type { SyncFields, SyncResponse } from "./sync/sync-response.js";
export type {
  SyncSocketCloseOptions,
  SyncSocketSend,
  SyncSocketWait,
  SyncWebSocket,
} from "./sync/sync-web-socket.js";
export type { UpgradeReceiver } from "./upgrade/upgrade-receiver.js";
export type { UpgradedConnection } from "./upgrade/upgraded-connection.js";
