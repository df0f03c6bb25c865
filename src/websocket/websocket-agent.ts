/** Any number of WebSockets to any servers, with one set of handlers. */
import type { StopOptions } from "../connection/component-options.js";
import { assertFunction, assertInteger, assertKnownKeys, assertObject } from "../errors.js";
import type { LiveWebSocket } from "./live-websocket.js";
import { SocketGroup } from "./socket-group.js";
import { WebSocketCalls } from "./websocket-calls.js";
import type { WebSocketConnection } from "./websocket-connection.js";
import {
  DIAL_OPTION_NAMES,
  type WebSocketConnectOptions,
  WebSocketDialer,
  type WebSocketDialOptions,
} from "./websocket-dialer.js";
import { WEBSOCKET_HANDLER_NAMES, type WebSocketHandlers } from "./websocket-handlers.js";
import { WEBSOCKET_SETTING_NAMES, type WebSocketSettingsInput } from "./websocket-settings.js";

/** Options of a {@link WebSocketAgent}. */
export interface WebSocketAgentOptions<Context = unknown>
  extends WebSocketHandlers<WebSocketConnection<Context>>,
    WebSocketSettingsInput,
    WebSocketDialOptions {}

const OPTION_NAMES: readonly string[] = [
  ...WEBSOCKET_HANDLER_NAMES,
  ...WEBSOCKET_SETTING_NAMES,
  ...DIAL_OPTION_NAMES,
];

/** Any number of WebSockets to any servers, with one set of handlers. */
export class WebSocketAgent<Context = unknown> implements AsyncDisposable {
  /** The sockets that are open. */
  readonly sockets: SocketGroup<Context> = new SocketGroup<Context>();
  readonly #dialer: WebSocketDialer;

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(options: WebSocketAgentOptions<Context> = {}) {
    assertObject("options", options);
    assertKnownKeys("options", options, OPTION_NAMES);
    for (const name of WEBSOCKET_HANDLER_NAMES) {
      if (options[name] !== undefined) assertFunction(name, options[name]);
    }
    const calls = new WebSocketCalls<LiveWebSocket>(options as WebSocketHandlers<unknown>);
    this.#dialer = new WebSocketDialer(options, calls, this.sockets as SocketGroup);
  }

  /**
   * Makes a socket to a URL `ws:` or `wss:`. Rejects as `HttpAgent.request` does, with `REQUEST_TIMEOUT` after
   * `timeoutMs`, and with `WEBSOCKET_HANDSHAKE` where the response grants none.
   */
  async connect(
    url: string | URL,
    options: WebSocketConnectOptions<Context> = {},
  ): Promise<WebSocketConnection<Context>> {
    return (await this.#dialer.connect(
      url,
      options,
    )) as WebSocketConnection as WebSocketConnection<Context>;
  }

  /** Stops, for good: all sockets are closed with 1001; what is left after `drainMs` (default 5,000) is cut. */
  async stop(options: StopOptions = {}): Promise<void> {
    const { drainMs = 5_000 } = options;
    assertInteger("drainMs", drainMs, 0, 2 ** 31 - 1);
    await this.#dialer.stop(drainMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
