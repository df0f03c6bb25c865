/**
 * A component with many WebSockets. Each operation on a socket exists here by id as well; for an id that is not (or no
 * longer) there it answers false or undefined, and never throws.
 */
import type { BroadcastResult } from "../connection/component/broadcast.js";
import type { Data, SendResult } from "../connection/connection.js";
import type { OpenSockets } from "./open-sockets.js";
import type {
  PublishOptions,
  SendOptions,
  WebSocketBroadcastOptions,
  WebSocketConnection,
} from "./websocket-connection.js";

/** What WebSocket servers, agents and endpoints have in common: operations on all of their sockets, and on each by its id. */
export abstract class SocketGroup<Context = unknown> {
  readonly #sockets: OpenSockets<Context>;

  /** With sockets of its own, or those of another group. */
  constructor(sockets: OpenSockets<Context> | SocketGroup<Context>) {
    this.#sockets = sockets instanceof SocketGroup ? sockets.#sockets : sockets;
  }

  /** Sockets at present, those included that are closing. */
  get connectionCount(): number {
    return this.#sockets.count;
  }

  /** Ids of the sockets at present. */
  connectionIds(): number[] {
    return this.#sockets.ids();
  }

  /** The socket with this id, or undefined. */
  connection(id: number): WebSocketConnection<Context> | undefined {
    return this.#sockets.get(id);
  }

  /** The socket with this `key`, or undefined. See {@link WebSocketConnection.key}. */
  byKey(key: unknown): WebSocketConnection<Context> | undefined {
    return this.#sockets.byKey(key);
  }

  /**
   * Closes the socket with 1008, and the code `DEADLINE_PASSED`, `deadlineMs` from now, whatever comes until then: time
   * for a login, say. See {@link WebSocketConnection.setDeadline}.
   */
  setDeadline(id: number, deadlineMs: number, reason?: string): boolean {
    return this.connection(id)?.setDeadline(deadlineMs, reason) ?? false;
  }

  /** Sends a message to one socket. See {@link WebSocketConnection.send}. */
  send(id: number, data: Data, options?: SendOptions): SendResult {
    return this.connection(id)?.send(data, options) ?? false;
  }

  /** Sends a ping of at most 125 bytes to one socket. See {@link WebSocketConnection.ping}. */
  ping(id: number, data?: Data): SendResult {
    return this.connection(id)?.ping(data) ?? false;
  }

  /**
   * Sends a message to every socket, or to those that `filter` takes, but not to `except`; as one frame that is compressed
   * once. `slowConsumer` decides about slow peers, which delay no other. Returns how many took it. Throws
   * `INVALID_ARGUMENT` before anything is sent.
   */
  broadcast(data: Data, options?: WebSocketBroadcastOptions<Context>): BroadcastResult {
    return this.#sockets.broadcast(data, options);
  }

  /** Subscribes one socket to a topic. See {@link WebSocketConnection.subscribe}. */
  subscribe(id: number, topic: string): boolean {
    return this.connection(id)?.subscribe(topic) ?? false;
  }

  /** Takes a subscription back; false where there was none. See {@link WebSocketConnection.unsubscribe}. */
  unsubscribe(id: number, topic: string): boolean {
    return this.connection(id)?.unsubscribe(topic) ?? false;
  }

  /**
   * Sends a message to all subscribers of a topic, as one frame that is compressed once. Returns to how many. Who is slow is
   * treated by `slowConsumer`, and holds nobody up. Throws `INVALID_ARGUMENT`.
   */
  publish(topic: string, data: Data, options?: PublishOptions): number {
    return this.#sockets.publish(topic, data, options);
  }

  /** Subscribers of a topic. */
  subscriberCount(topic: string): number {
    return this.#sockets.subscriberCount(topic);
  }

  /** Topics with subscribers. */
  topics(): string[] {
    return this.#sockets.topics();
  }

  /** Receives nothing from one socket: its peer is held back. See {@link WebSocketConnection.pause}. */
  pause(id: number): boolean {
    return this.connection(id)?.pause() ?? false;
  }

  /** Goes on receiving. See {@link WebSocketConnection.resume}. */
  resume(id: number): boolean {
    return this.connection(id)?.resume() ?? false;
  }

  /** Begins the close handshake of one socket, with `code` and `reason`. See {@link WebSocketConnection.close}. */
  close(id: number, code?: number, reason?: string): boolean {
    return this.connection(id)?.close(code, reason) ?? false;
  }

  /** Begins to close all of them. Returns how many. */
  closeAll(code?: number, reason?: string): number {
    return this.#sockets.closeAll(code, reason);
  }

  /** Ends the connection of one socket at once, without a Close frame. See {@link WebSocketConnection.abort}. */
  abort(id: number): boolean {
    return this.connection(id)?.abort() ?? false;
  }
}
