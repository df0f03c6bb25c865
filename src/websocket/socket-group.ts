/** The open sockets of one component, by id, and what is done with all of them. */
import type { Data, SendResult } from "../connection/connection.js";
import { ConnectionRegistry } from "../connection/connection-registry.js";
import { TopicTable } from "../connection/topic-table.js";
import type { DeflateStock } from "./deflate/deflate-stock.js";
import { PublishedMessage } from "./published-message.js";
import type { PublishOptions, SendOptions, WebSocketConnection } from "./websocket-connection.js";
import { assertPublishOptions } from "./websocket-settings.js";

/** A socket's session, as its group sees it. */
export interface GroupedSession {
  readonly id: number;
  readonly socket: WebSocketConnection;
  /** Sends what was published. Answers whether it was taken. */
  deliverPublished(message: PublishedMessage): boolean;
}

/** The open sockets of one component, by id, and what is done with all of them. */
export interface SocketGroup<Context = unknown> extends Iterable<WebSocketConnection<Context>> {
  /** Sockets at present. */
  readonly count: number;
  /** Ids of the sockets at present. */
  ids(): number[];
  /** The socket with this id, or undefined. */
  get(id: number): WebSocketConnection<Context> | undefined;
  /** Sends a message to one socket. Returns as {@link WebSocketConnection.send} does; false for an id that is not there. */
  send(id: number, data: Data, options?: SendOptions): SendResult;
  /** Begins the close handshake of one socket, with `code` and `reason`. False for an id that is not there. */
  close(id: number, code?: number, reason?: string): boolean;
  /** Begins to close all of them. Returns how many. */
  closeAll(code?: number, reason?: string): number;
  /**
   * Sends a message to all subscribers of a topic, as one frame that is compressed once. Returns to how many. Who is slow is
   * treated by `slowConsumer`, and holds nobody up. Throws `INVALID_ARGUMENT`.
   */
  publish(topic: string, data: Data, options?: PublishOptions): number;
  /** Subscribers of a topic. */
  subscriberCount(topic: string): number;
  /** Topics that somebody is subscribed to. */
  topics(): string[];
}

/** The sockets of a component, as it sees them itself. */
export class OpenSockets<Context = unknown> implements SocketGroup<Context> {
  /** Who is subscribed to what. */
  readonly topicTable: TopicTable<GroupedSession> = new TopicTable<GroupedSession>();
  readonly #sockets: ConnectionRegistry<GroupedSession> = new ConnectionRegistry();
  readonly #stock: DeflateStock | undefined;

  /** `stock`: deflates what is published; undefined without compression. */
  constructor(stock?: DeflateStock) {
    this.#stock = stock;
  }

  get count(): number {
    return this.#sockets.count;
  }

  ids(): number[] {
    return this.#sockets.ids();
  }

  get(id: number): WebSocketConnection<Context> | undefined {
    return this.#sockets.find(id)?.socket as WebSocketConnection<Context> | undefined;
  }

  [Symbol.iterator](): IterableIterator<WebSocketConnection<Context>> {
    return this.#list().values();
  }

  #list(): WebSocketConnection<Context>[] {
    return this.#sockets.list().map(({ socket }) => socket as WebSocketConnection<Context>);
  }

  send(id: number, data: Data, options?: SendOptions): SendResult {
    return this.get(id)?.send(data, options) ?? false;
  }

  close(id: number, code?: number, reason?: string): boolean {
    return this.get(id)?.close(code, reason) ?? false;
  }

  closeAll(code?: number, reason?: string): number {
    let count = 0;
    for (const socket of this.#list()) if (socket.close(code, reason)) count++;
    return count;
  }

  publish(topic: string, data: Data, options?: PublishOptions): number {
    return this.publishFrom(undefined, topic, data, options);
  }

  /** The same as `publish`, but to all except one. */
  publishFrom(
    except: GroupedSession | undefined,
    topic: string,
    data: Data,
    options: PublishOptions = {},
  ): number {
    assertPublishOptions(options);
    const message = new PublishedMessage(data, options, this.#stock);
    try {
      return this.topicTable.publish(topic, except, (session) => session.deliverPublished(message));
    } finally {
      message.release();
    }
  }

  subscriberCount(topic: string): number {
    return this.topicTable.count(topic);
  }

  topics(): string[] {
    return this.topicTable.topics();
  }

  /** A socket is there. */
  enter(session: GroupedSession): void {
    this.#sockets.add(session);
  }

  /** It has ended. */
  leave(session: GroupedSession): void {
    this.#sockets.remove(session);
    this.topicTable.leave(session);
  }
}
