/** The open sockets of one component, and what is set and sent for all of them. */
import type { BroadcastResult } from "../connection/component/broadcast.js";
import type { Data } from "../connection/connection.js";
import { ConnectionRegistry } from "../connection/connection-registry.js";
import { answeredAtOnce } from "../connection/events/handlers.js";
import { TopicTable } from "../connection/topics/topic-table.js";
import type { DeflateStock } from "./deflate/deflate-stock.js";
import { PublishedMessage } from "./published-message.js";
import { type RuledSession, SocketRules } from "./socket-rules.js";
import type {
  PublishOptions,
  WebSocketBroadcastOptions,
  WebSocketConnection,
} from "./websocket-connection.js";
import { assertBroadcastOptions, assertPublishOptions } from "./websocket-settings.js";

/** A socket's session, as its group sees it. */
export interface GroupedSession extends RuledSession {
  readonly socket: WebSocketConnection;
  /** Sends what was published. Returns whether it was taken. */
  deliverPublished(message: PublishedMessage): boolean;
  /** Whether so much waits that `send` would answer `"slow"`. */
  readonly isAboveMark: boolean;
}

/** The open sockets of one component. */
export class OpenSockets<Context = unknown> {
  /** Who is subscribed to what. */
  readonly topicTable: TopicTable<GroupedSession> = new TopicTable<GroupedSession>();
  /** What is set for single sockets. */
  readonly rules: SocketRules = new SocketRules();
  private readonly sockets: ConnectionRegistry<GroupedSession> = new ConnectionRegistry();
  private readonly stock: DeflateStock | undefined;

  /** `stock`: deflates what is published; undefined without compression. */
  constructor(stock?: DeflateStock) {
    this.stock = stock;
  }

  get count(): number {
    return this.sockets.count;
  }

  ids(): number[] {
    return this.sockets.ids();
  }

  get(id: number): WebSocketConnection<Context> | undefined {
    return this.sockets.find(id)?.socket as WebSocketConnection<Context> | undefined;
  }

  byKey(key: unknown): WebSocketConnection<Context> | undefined {
    const session = this.rules.byKey(key) as GroupedSession | undefined;
    return session?.socket as WebSocketConnection<Context> | undefined;
  }

  [Symbol.iterator](): IterableIterator<WebSocketConnection<Context>> {
    return this.list().values();
  }

  private list(): WebSocketConnection<Context>[] {
    return this.sockets.list().map(({ socket }) => socket as WebSocketConnection<Context>);
  }

  closeAll(code?: number, reason?: string): number {
    let count = 0;
    for (const socket of this.list()) if (socket.close(code, reason)) count++;
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
    const message = new PublishedMessage(data, options, this.stock);
    try {
      return this.topicTable.publish(topic, except, (session) => session.deliverPublished(message));
    } finally {
      message.release();
    }
  }

  broadcast(data: Data, options: WebSocketBroadcastOptions<Context> = {}): BroadcastResult {
    assertBroadcastOptions(options as WebSocketBroadcastOptions);
    const { except, filter, ...how } = options;
    const exceptId = typeof except === "object" ? except.id : except;
    const targets = this.sockets.list().filter(({ id, socket }) => {
      if (id === exceptId) return false;
      return (
        filter === undefined ||
        answeredAtOnce(filter(socket as WebSocketConnection<Context>), "filter")
      );
    });
    const message = new PublishedMessage(data, how, this.stock);
    const result = { taken: 0, slow: 0, refused: 0 };
    try {
      for (const session of targets) {
        if (!session.deliverPublished(message)) result.refused++;
        else if (session.isAboveMark) result.slow++;
        else result.taken++;
      }
    } finally {
      message.release();
    }
    return result;
  }

  subscriberCount(topic: string): number {
    return this.topicTable.count(topic);
  }

  topics(): string[] {
    return this.topicTable.topics();
  }

  /** A socket is there. */
  enter(session: GroupedSession): void {
    this.sockets.add(session);
  }

  /** It has ended. */
  leave(session: GroupedSession): void {
    this.sockets.remove(session);
    this.topicTable.leave(session);
    this.rules.leave(session);
  }
}
