/**
 * An option that is `undefined` is left out: every option type takes it, under `exactOptionalPropertyTypes`
 * too. Compiled with the tests, never run.
 */
import type {
  AccessOptions,
  AgentConnectOptions,
  BroadcastOptions,
  ChangeableSettings,
  ClientTls,
  ConnectOptions,
  DelimiterOptions,
  DuplexViewOptions,
  FixedLengthOptions,
  HeartbeatOptions,
  KeepAlive,
  LengthPrefixOptions,
  ListenOptions,
  PackOptions,
  ProxyHeaderOptions,
  ProxyOptions,
  ReconnectOptions,
  ServerTls,
  SmallFileOptions,
  StartEndOptions,
  StopOptions,
  TcpAgentOptions,
  TcpClientOptions,
  TcpServerOptions,
  TcpTableOptions,
  UntilClosedOptions,
  UringOptions,
  WaitOptions,
} from "hp-socket";
import type {
  ArqAgentConnectOptions,
  ArqAgentOptions,
  ArqClientOptions,
  ArqSendOptions,
  ArqServerOptions,
} from "hp-socket/arq";
import type {
  AccessLogOptions,
  ClearCookieOptions,
  CookieInit,
  CookieLoadOptions,
  CookieSaveOptions,
  CookieStoreOptions,
  FileResponseOptions,
  HttpAgentOptions,
  HttpClientOptions,
  HttpConnectOptions,
  HttpFetchInit,
  HttpFollowOptions,
  HttpRequestOptions,
  HttpServerChanges,
  HttpServerOptions,
  HttpSyncClientOptions,
  OpenUrlOptions,
  ResponseCompressionOptions,
  SetCookieOptions,
  SyncSocketCloseOptions,
  SyncUpgradeOptions,
  WholeBodyOptions,
} from "hp-socket/http";
import type { HealthCheckOptions, PoolOptions, PoolRequestOptions } from "hp-socket/pool";
import type {
  DestinationOptions,
  ProxyServerOptions,
  RelayOptions,
  UdpRelayOptions,
} from "hp-socket/proxy";
import type {
  LinkOptions,
  MemoryEngineOptions,
  MemoryNetworkOptions,
  SelfSignedCertificateOptions,
} from "hp-socket/testing";
import type {
  CastOpenOptions,
  DatagramConnectOptions,
  DatagramListenOptions,
  NodeOpenOptions,
  UdpAgentOptions,
  UdpCastOptions,
  UdpClientOptions,
  UdpNodeOptions,
  UdpServerOptions,
} from "hp-socket/udp";
import type {
  BrowserWebSocketInit,
  CompressionSettings,
  PublishOptions,
  SendOptions,
  WebSocketAgentConnectOptions,
  WebSocketAgentOptions,
  WebSocketClientOptions,
  WebSocketConnectOptions,
  WebSocketDialOptions,
  WebSocketEndpointOptions,
  WebSocketReconnectOptions,
  WebSocketServerOptions,
} from "hp-socket/websocket";

/** Names of optional properties that don't take `undefined`; without those that take nothing at all. */
type Refused<Options> = {
  [Name in keyof Options]-?: object extends Pick<Options, Name>
    ? [Exclude<Options[Name], undefined>] extends [never]
      ? never
      : { [Key in Name]: undefined } extends Pick<Options, Name>
        ? never
        : Name
    : never;
}[keyof Options];

/** Compiles where every optional property takes `undefined`. */
function takesUndefined<Options>(
  ..._refused: [Refused<Options>] extends [never] ? [] : [Refused<Options>]
) {}

takesUndefined<TcpServerOptions>();
takesUndefined<TcpAgentOptions>();
takesUndefined<TcpClientOptions>();
takesUndefined<ChangeableSettings>();
takesUndefined<ListenOptions>();
takesUndefined<ConnectOptions>();
takesUndefined<AgentConnectOptions>();
takesUndefined<StopOptions>();
takesUndefined<WaitOptions>();
takesUndefined<BroadcastOptions<never>>();
takesUndefined<DuplexViewOptions>();
takesUndefined<SmallFileOptions>();
takesUndefined<AccessOptions>();
takesUndefined<ProxyHeaderOptions>();
takesUndefined<ProxyOptions>();
takesUndefined<HeartbeatOptions>();
takesUndefined<ReconnectOptions>();
takesUndefined<KeepAlive>();
takesUndefined<ServerTls>();
takesUndefined<ClientTls>();
takesUndefined<UringOptions>();
takesUndefined<TcpTableOptions>();
takesUndefined<DelimiterOptions>();
takesUndefined<FixedLengthOptions>();
takesUndefined<LengthPrefixOptions>();
takesUndefined<PackOptions>();
takesUndefined<StartEndOptions>();
takesUndefined<UntilClosedOptions>();

takesUndefined<UdpServerOptions>();
takesUndefined<UdpAgentOptions>();
takesUndefined<UdpClientOptions>();
takesUndefined<UdpCastOptions>();
takesUndefined<UdpNodeOptions>();
takesUndefined<DatagramListenOptions>();
takesUndefined<DatagramConnectOptions>();
takesUndefined<CastOpenOptions>();
takesUndefined<NodeOpenOptions>();
takesUndefined<ArqServerOptions>();
takesUndefined<ArqAgentOptions>();
takesUndefined<ArqClientOptions>();
takesUndefined<ArqAgentConnectOptions>();
takesUndefined<ArqSendOptions>();

takesUndefined<HttpServerOptions>();
takesUndefined<HttpServerChanges>();
takesUndefined<ResponseCompressionOptions>();
takesUndefined<FileResponseOptions>();
takesUndefined<SetCookieOptions>();
takesUndefined<ClearCookieOptions>();
takesUndefined<AccessLogOptions>();
takesUndefined<WholeBodyOptions>();
takesUndefined<HttpAgentOptions>();
takesUndefined<HttpClientOptions>();
takesUndefined<HttpConnectOptions>();
takesUndefined<HttpRequestOptions>();
takesUndefined<HttpFollowOptions>();
takesUndefined<HttpFetchInit>();
takesUndefined<HttpSyncClientOptions>();
takesUndefined<OpenUrlOptions>();
takesUndefined<SyncUpgradeOptions>();
takesUndefined<SyncSocketCloseOptions>();
takesUndefined<CookieInit>();
takesUndefined<CookieStoreOptions>();
takesUndefined<CookieLoadOptions>();
takesUndefined<CookieSaveOptions>();

takesUndefined<WebSocketServerOptions>();
takesUndefined<WebSocketEndpointOptions>();
takesUndefined<WebSocketAgentOptions>();
takesUndefined<WebSocketClientOptions>();
takesUndefined<WebSocketConnectOptions>();
takesUndefined<WebSocketAgentConnectOptions>();
takesUndefined<WebSocketDialOptions>();
takesUndefined<WebSocketReconnectOptions>();
takesUndefined<CompressionSettings>();
takesUndefined<BrowserWebSocketInit>();
takesUndefined<SendOptions>();
takesUndefined<PublishOptions>();

takesUndefined<PoolOptions>();
takesUndefined<PoolRequestOptions>();
takesUndefined<HealthCheckOptions>();
takesUndefined<ProxyServerOptions>();
takesUndefined<DestinationOptions>();
takesUndefined<RelayOptions>();
takesUndefined<UdpRelayOptions>();
takesUndefined<MemoryEngineOptions>();
takesUndefined<MemoryNetworkOptions>();
takesUndefined<LinkOptions>();
takesUndefined<SelfSignedCertificateOptions>();

// @ts-expect-error: the check itself finds a property that does not take it
takesUndefined<{ readonly port?: number }>();
