import {
  readStopOptions,
  type StopOptions,
  type StopResult,
} from "../connection/component/component-options.js";
import type { WaitOptions } from "../connection/connection.js";
import { chooseEngine } from "../engine/choose-engine.js";
import { assertFunction, assertKnownKeys, assertObject, NetError } from "../errors.js";
import type { Given } from "../options.js";
import {
  assertReconnectHandlers,
  RECONNECT_NAMES,
  type ReconnectChoice,
} from "../outgoing/reconnect-handlers.js";
import type { LiveWebSocket } from "./live-websocket.js";
import { OpenSockets } from "./open-sockets.js";
import { SocketGroup } from "./socket-group.js";
import {
  type ReadWebSocketReconnect,
  type WebSocketReconnectHandlers,
  type WebSocketReconnectOptions,
  type WebSocketTarget,
  webSocketReconnect,
} from "./socket-place.js";
import { SocketPlaces } from "./socket-places.js";
import { WebSocketCalls } from "./websocket-calls.js";
import type { WebSocketConnection } from "./websocket-connection.js";
import {
  DIAL_OPTION_NAMES,
  MAX_CONNECTIONS,
  type WebSocketConnectOptions,
  WebSocketDialer,
  type WebSocketDialOptions,
} from "./websocket-dialer.js";
import { WEBSOCKET_HANDLER_NAMES, type WebSocketHandlers } from "./websocket-handlers.js";
import { WEBSOCKET_SETTING_NAMES, type WebSocketSettingsInput } from "./websocket-settings.js";

/** What agents and clients can be asked for alike. */
export interface OutgoingWebSocketOptions<Context, Handle>
  extends Given<WebSocketHandlers<WebSocketConnection<Context>>>,
    Given<WebSocketReconnectHandlers<Handle>>,
    WebSocketSettingsInput,
    WebSocketDialOptions,
    ReconnectChoice<WebSocketReconnectOptions> {}

/** Options of a {@link WebSocketAgent}. */
export type WebSocketAgentOptions<Context = unknown> = OutgoingWebSocketOptions<
  Context,
  WebSocketTarget<Context>
>;

/** Options of {@link WebSocketAgent.connect}. */
export interface WebSocketAgentConnectOptions<Context = unknown>
  extends WebSocketConnectOptions<Context>,
    ReconnectChoice<WebSocketReconnectOptions> {}

const OPTION_NAMES: readonly string[] = [
  ...WEBSOCKET_HANDLER_NAMES,
  ...WEBSOCKET_SETTING_NAMES,
  ...DIAL_OPTION_NAMES,
  ...RECONNECT_NAMES,
];

/** What agents and clients are made of alike. */
export interface OutgoingWebSockets {
  readonly dialer: WebSocketDialer;
  readonly places: SocketPlaces;
  readonly reconnect: ReadWebSocketReconnect | undefined;
}

/** Says whether sockets, and waits for them, keep the process alive. */
export function holdProcess({ dialer, places }: OutgoingWebSockets, keepsProcess: boolean): void {
  dialer.keepsProcess = keepsProcess;
  places.holdChanged();
}

/** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
export function outgoingWebSockets<Context>(
  options: OutgoingWebSocketOptions<Context, never>,
  sockets: OpenSockets<Context>,
): OutgoingWebSockets {
  assertObject("the options", options);
  assertKnownKeys("options", options, OPTION_NAMES);
  for (const name of WEBSOCKET_HANDLER_NAMES) {
    if (options[name] !== undefined) assertFunction(name, options[name]);
  }
  assertReconnectHandlers(options);
  const reconnect = webSocketReconnect(options.reconnect);
  const calls = new WebSocketCalls<LiveWebSocket>(options as Given<WebSocketHandlers<unknown>>);
  const dialer = new WebSocketDialer(options, calls, sockets as OpenSockets);
  const { clock } = chooseEngine(options.engine);
  const places = new SocketPlaces({ dialer, clock, handlers: options, calls });
  return { dialer, places, reconnect };
}

/** Any number of WebSockets to any servers, with one set of handlers. */
export class WebSocketAgent<Context = unknown>
  extends SocketGroup<Context>
  implements AsyncDisposable
{
  readonly #parts: OutgoingWebSockets;
  readonly #maxConnections: number;

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor(options: WebSocketAgentOptions<Context> = {}) {
    const sockets = new OpenSockets<Context>();
    super(sockets);
    this.#parts = outgoingWebSockets(options, sockets);
    this.#maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
  }

  /**
   * Makes a socket to a URL `ws:` or `wss:`. Rejects as `HttpAgent.request` does, with `REQUEST_TIMEOUT` after
   * `timeoutMs`, and with `WEBSOCKET_HANDSHAKE` where the response grants none; with `CONNECTION_LIMIT` where there are
   * `maxConnections` that are made anew.
   */
  async connect(
    url: string | URL,
    options: WebSocketAgentConnectOptions<Context> = {},
  ): Promise<WebSocketConnection<Context>> {
    assertObject("the options", options);
    const { dialer, places } = this.#parts;
    const { reconnect: wish, ...rest } = options;
    const reconnect = wish === undefined ? this.#parts.reconnect : webSocketReconnect(wish);
    if (reconnect === undefined) return own(await dialer.connect(url, rest));
    if (places.count >= this.#maxConnections) {
      const text = `there are ${places.count} sockets that are made anew, and maxConnections is ${this.#maxConnections}`;
      throw new NetError("CONNECTION_LIMIT", text, { operation: "connect" });
    }
    return own(await places.make(reconnect).connect(url, rest));
  }

  /** URLs to which sockets are made anew, from `connect` until no other socket is made. */
  targets(): WebSocketTarget<Context>[] {
    return this.#parts.places.list() as WebSocketTarget[] as WebSocketTarget<Context>[];
  }

  /** The target of the present or last socket with this id; undefined where that is not made anew. */
  target(id: number): WebSocketTarget<Context> | undefined {
    const target: WebSocketTarget | undefined = this.#parts.places.find(id);
    return target as WebSocketTarget<Context> | undefined;
  }

  /** Stops, for good: all sockets are closed with 1001; what is left after `drainMs` (default 5,000) is cut. */
  async stop(options: StopOptions = {}): Promise<StopResult> {
    const drainMs = readStopOptions(options);
    this.#parts.places.stop();
    return await this.#parts.dialer.stop(drainMs);
  }

  /** Resolves when the agent has been stopped, at once if it has. Rejects with `CLOSE_TIMEOUT`, `ABORTED`. */
  stopped(options?: WaitOptions): Promise<void> {
    return this.#parts.dialer.stopped(options);
  }

  /** Lets the process end while sockets are open, or waited for. */
  unref(): void {
    holdProcess(this.#parts, false);
  }

  /** Takes {@link unref} back. */
  ref(): void {
    holdProcess(this.#parts, true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function own<Context>(socket: WebSocketConnection): WebSocketConnection<Context> {
  return socket as WebSocketConnection<Context>;
}
