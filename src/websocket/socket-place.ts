/** Places for WebSockets that are made anew: a client has one, an agent one for each URL that is to stay. */
import { type CloseReason, reasonOf } from "../connection/close-reason.js";
import { abortError, throwIfAborted } from "../connection/waiting/waiter.js";
import { NetError } from "../errors.js";
import type { Given } from "../options.js";
import type { AgentTarget } from "../outgoing/agent-target.js";
import type { ReconnectHandlers } from "../outgoing/reconnect-handlers.js";
import {
  type ReadReconnectOptions,
  type ReconnectOptions,
  reconnectOptions,
} from "../outgoing/reconnect-options.js";
import { type Informer, ReconnectTeller } from "../outgoing/reconnect-teller.js";
import { Slot, type SlotOwner } from "../outgoing/slot.js";
import { SlotTarget } from "../outgoing/slot-target.js";
import type { Clock } from "../time/clock.js";
import type { LiveWebSocket } from "./live-websocket.js";
import type { PlaceOfSocket, SocketFailed } from "./socket-session.js";
import type { SendOptions, WebSocketConnection, WebSocketEnd } from "./websocket-connection.js";
import { httpUrl, type WebSocketConnectOptions, type WebSocketDialer } from "./websocket-dialer.js";

/** Why a WebSocket was lost, or could not be made. */
export interface WebSocketLoss extends CloseReason {
  /** The peer's code, as `onClose` gets it; undefined: there was no socket. */
  readonly closeCode: number | undefined;
  /** The peer's reason. */
  readonly closeText: string;
}

/** How WebSockets are made anew. `targets` are URLs. */
export type WebSocketReconnectOptions = ReconnectOptions<WebSocketLoss, string | URL>;

/** A URL to which a WebSocket is made anew. */
export type WebSocketTarget<Context = unknown> = AgentTarget<
  WebSocketConnection<Context>,
  string | URL,
  SendOptions
>;

/** What is told of reconnecting, for an agent's targets or for a client. */
export type WebSocketReconnectHandlers<Handle> = ReconnectHandlers<Handle, WebSocketLoss>;

/** The options of reconnecting, with every number. */
export type ReadWebSocketReconnect = ReadReconnectOptions<WebSocketLoss, string | URL>;

/** The options with their defaults. Throws `INVALID_ARGUMENT`. */
export function webSocketReconnect(
  given: boolean | WebSocketReconnectOptions | undefined,
): ReadWebSocketReconnect | undefined {
  return reconnectOptions<WebSocketLoss, string | URL>(given, (target) => {
    httpUrl(target as string | URL);
  });
}

/** What the places of one component have in common. */
export interface SocketPlaceShare {
  readonly dialer: WebSocketDialer;
  readonly clock: Clock;
  readonly handlers: Given<WebSocketReconnectHandlers<never>>;
  readonly calls: Informer;
}

/** The owner of places. */
export interface SocketPlaceKeeper {
  /** Whether sockets may still be made. */
  readonly isAlive: boolean;
  /** The first socket is to be made. */
  begun(place: SocketPlace): void;
  /** A socket is there for a place; its last one is still the old one. */
  entered(place: SocketPlace, socket: LiveWebSocket): void;
  /** No further socket is made for it. */
  ended(place: SocketPlace): void;
}

/** A place for one WebSocket. */
export class SocketPlace
  extends SlotTarget<LiveWebSocket, string | URL, SendOptions>
  implements SlotOwner<WebSocketLoss, string | URL>, PlaceOfSocket
{
  readonly slot: Slot<LiveWebSocket, WebSocketLoss, string | URL>;
  readonly teller: ReconnectTeller<WebSocketLoss>;
  destination: string | URL = "";
  private options: WebSocketConnectOptions = {};
  private readonly share: SocketPlaceShare;
  private readonly keeper: SocketPlaceKeeper;
  /** Ends the attempt that is under way. */
  private attempt: AbortController | undefined = undefined;

  constructor(
    share: SocketPlaceShare,
    keeper: SocketPlaceKeeper,
    reconnect: ReadWebSocketReconnect | undefined,
  ) {
    super();
    this.share = share;
    this.keeper = keeper;
    this.teller = new ReconnectTeller(share.handlers, share.calls, this);
    this.slot = new Slot<LiveWebSocket, WebSocketLoss, string | URL>(this, reconnect);
  }

  /** Makes the first socket. */
  async connect(url: string | URL, options: WebSocketConnectOptions): Promise<LiveWebSocket> {
    const make = this.share.dialer.prepare(url, options, this);
    throwIfAborted(options, "connect");
    this.destination = url;
    this.options = options;
    this.slot.begin();
    this.keeper.begun(this);
    await this.slot.connected(this.make(make, options.signal), options);
    return this.slot.current as LiveWebSocket;
  }

  private async make(
    make: (signal: AbortSignal) => Promise<LiveWebSocket>,
    given: AbortSignal | undefined,
  ): Promise<void> {
    const attempt = new AbortController();
    this.attempt = attempt;
    const { signal } = attempt;
    try {
      await make(given === undefined ? signal : AbortSignal.any([given, signal]));
    } catch (error) {
      const known = error instanceof NetError ? error : abortError("connect", error);
      this.attempt = undefined;
      this.slot.attemptFailed({ ...reasonOf(known, "connect"), ...NO_SOCKET });
      throw error;
    }
    this.attempt = undefined;
  }

  // — the slot's calls —

  dial(target: string | URL | undefined): void {
    const { signal: _, ...options } = this.options;
    const url = target ?? this.destination;
    this.make(this.share.dialer.prepare(url, options, this), undefined).catch(() => {
      // The slot has heard of it.
    });
  }

  abandon(): boolean {
    if (this.attempt === undefined) return false;
    this.attempt.abort();
    return true;
  }

  get clock(): Clock {
    return this.share.clock;
  }

  get isAlive(): boolean {
    return this.keeper.isAlive;
  }

  get keepsProcess(): boolean {
    return this.share.dialer.keepsProcess;
  }

  ended(): void {
    this.keeper.ended(this);
  }

  // — the session's calls —

  entered(socket: LiveWebSocket): void {
    this.keeper.entered(this, socket);
    this.slot.entered(socket);
  }

  opened(socket: LiveWebSocket, tell: () => void, failed: SocketFailed): void {
    try {
      this.slot.greet(socket);
    } catch (error) {
      failed("greeting", error);
      return;
    }
    tell();
    try {
      this.slot.ready(socket);
    } catch (error) {
      failed("send", error);
    }
  }

  closed(end: WebSocketEnd, isAsked: boolean, unsentBytes: number, tell: () => void): void {
    const { code: closeCode, reason: closeText, connection } = end;
    const loss: WebSocketLoss = { ...connection, closeCode, closeText };
    this.slot.lost(loss, isAsked);
    tell();
    this.slot.settle(loss, unsentBytes);
  }
}

const NO_SOCKET = { closeCode: undefined, closeText: "" };
