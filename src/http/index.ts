/** hp-socket/http: the public names of HTTP. */

export type { FieldSection } from "../protocol/http1/field-section.js";
export { EncodedFields, type FieldInput, type FieldValue } from "../protocol/http1/field-writer.js";
export { encodeFields } from "../protocol/http1/head-writer.js";
export type { Http1Limits } from "../protocol/http1/limits.js";
export type { ResponseHead } from "../protocol/http1/response-head.js";
export type {
  AgentNumbers,
  ClientNumbers,
  ClientOptions,
  HttpAgentOptions,
  RequestTimes,
} from "./client-options.js";
export type { HttpRequestOptions } from "./client-request.js";
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
} from "./cookie.js";
export type { CookieLimits } from "./cookie-limits.js";
export { CookieStore } from "./cookie-store.js";
export type {
  CookieLoadOptions,
  CookieSaveOptions,
  CookieStats,
  CookieStoreJson,
  CookieStoreOptions,
} from "./cookie-store-options.js";
export type { FetchHandler, FetchInfo } from "./fetch-handler.js";
export type { FileResponseOptions } from "./file-response.js";
export { createFetch, HttpAgent, type HttpAgentStats } from "./http-agent.js";
export {
  HttpClient,
  type HttpClientCall,
  type HttpClientOptions,
  type HttpClientRequest,
} from "./http-client.js";
export type { HttpClientHandlers } from "./http-client-handlers.js";
export type { HttpExchange, ResponseSource } from "./http-exchange.js";
export type { HttpFetchInit } from "./http-fetch.js";
export type { ProxyOptions } from "./http-proxy.js";
export type { HttpResponse, HttpTiming } from "./http-response.js";
export { HttpServer } from "./http-server.js";
export type { HttpServerConnection } from "./http-server-connection.js";
export type { HttpServerHandlers, MessageHandlers } from "./http-server-handlers.js";
export type {
  HttpServerChanges,
  HttpServerOptions,
  HttpServerStats,
} from "./http-server-options.js";
export type { HttpServerLimits, HttpSettingsInput, RequestLimits } from "./http-server-settings.js";
export {
  HttpSyncClient,
  type OpenUrlOptions,
  type SyncBody,
  type SyncRequest,
} from "./http-sync-client.js";
export type { IncomingBody, WholeBodyOptions } from "./incoming-body.js";
export type { Fields } from "./received-request.js";
export type { BodyChunks, RequestBody } from "./request-content.js";
export type { ResponseWriter } from "./response-writer.js";
export type { HttpSyncClientOptions } from "./sync-client-options.js";
export type { HttpSyncListener, SyncCloseReason } from "./sync-listener.js";
export type { SyncFields, SyncResponse } from "./sync-response.js";
export type { UpgradeReceiver } from "./upgrade-receiver.js";
export type { UpgradedConnection } from "./upgraded-connection.js";
