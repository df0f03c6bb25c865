/** The open sockets of one component, by id, and what is done with all of them. */
import type { Data } from "../connection/connection.js";
import type { SendOptions, WebSocketConnection } from "./websocket-connection.js";

/** A socket's session, as its group sees it. */
export interface GroupedSession {
  readonly id: number;
  readonly socket: WebSocketConnection;
}

/** See the head of the file. */
export class SocketGroup<Context = unknown> implements Iterable<WebSocketConnection<Context>> {
  readonly #sockets: Map<number, WebSocketConnection<Context>> = new Map();

  /** Sockets at present. */
  get count(): number {
    return this.#sockets.size;
  }

  ids(): number[] {
    return [...this.#sockets.keys()];
  }

  /** The socket with this id, or undefined. */
  get(id: number): WebSocketConnection<Context> | undefined {
    return this.#sockets.get(id);
  }

  [Symbol.iterator](): IterableIterator<WebSocketConnection<Context>> {
    return this.#sockets.values();
  }

  /** See `WebSocketConnection.send`; false for an id that is not there. */
  send(id: number, data: Data, options?: SendOptions): boolean {
    return this.#sockets.get(id)?.send(data, options) ?? false;
  }

  /** See `WebSocketConnection.close`; false for an id that is not there. */
  close(id: number, code?: number, reason?: string): boolean {
    return this.#sockets.get(id)?.close(code, reason) ?? false;
  }

  /** Begins to close all of them. Returns how many. */
  closeAll(code?: number, reason?: string): number {
    let count = 0;
    for (const socket of [...this.#sockets.values()]) if (socket.close(code, reason)) count++;
    return count;
  }

  /** The component's: a socket is there. */
  enter(session: GroupedSession): void {
    this.#sockets.set(session.id, session.socket as WebSocketConnection<Context>);
  }

  /** The component's: it has ended. */
  leave(id: number): void {
    this.#sockets.delete(id);
  }
}
