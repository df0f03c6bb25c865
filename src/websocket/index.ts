/** hp-socket/websocket: the public names of WebSockets, and the error that all parts share. */

export { NetError } from "../errors.js";
export type { WebSocketLimits } from "../protocol/websocket/limits.js";
export type { FrameState } from "../protocol/websocket/websocket-sink.js";
export type * from "../public-types.js";
export { CloseEvent, type CloseEventInit } from "./browser-events.js";
export {
  type BrowserData,
  BrowserWebSocket as WebSocket,
  type BrowserWebSocketInit,
} from "./browser-websocket.js";
export type { CompressionOptions, CompressionSettings } from "./deflate/compression-options.js";
export type { SocketGroup } from "./socket-group.js";
export type {
  WebSocketLoss,
  WebSocketReconnectHandlers,
  WebSocketReconnectOptions,
  WebSocketTarget,
} from "./socket-place.js";
export type {
  UpgradeAcceptance,
  UpgradeDecision,
  UpgradeRefusal,
  WebSocketRequest,
} from "./upgrade-decision.js";
export {
  WebSocketAgent,
  type WebSocketAgentConnectOptions,
  type WebSocketAgentOptions,
} from "./websocket-agent.js";
export { WebSocketClient, type WebSocketClientOptions } from "./websocket-client.js";
export type {
  PublishOptions,
  SendOptions,
  WebSocketBroadcastOptions,
  WebSocketConnection,
  WebSocketEnd,
  WebSocketState,
  WebSocketStats,
} from "./websocket-connection.js";
export type { WebSocketConnectOptions, WebSocketDialOptions } from "./websocket-dialer.js";
export {
  WebSocketEndpoint,
  type WebSocketEndpointOptions,
  webSocket,
} from "./websocket-endpoint.js";
export type { Message, WebSocketHandlers } from "./websocket-handlers.js";
export { WebSocketServer, type WebSocketServerOptions } from "./websocket-server.js";
export type { WebSocketSettings, WebSocketSettingsInput } from "./websocket-settings.js";
