import type { LiveWebSocket } from "./live-websocket.js";
import {
  type ReadWebSocketReconnect,
  SocketPlace,
  type SocketPlaceKeeper,
  type SocketPlaceShare,
} from "./socket-place.js";

/** The places of one component for WebSockets that are made anew. */
export class SocketPlaces implements SocketPlaceKeeper {
  isAlive = true;
  private readonly share: SocketPlaceShare;
  private readonly all: Set<SocketPlace> = new Set();
  /** By the id of the present or last socket. */
  private readonly byId: Map<number, SocketPlace> = new Map();

  constructor(share: SocketPlaceShare) {
    this.share = share;
  }

  /** A place that has no socket yet. */
  make(reconnect: ReadWebSocketReconnect | undefined): SocketPlace {
    return new SocketPlace(this.share, this, reconnect);
  }

  get count(): number {
    return this.all.size;
  }

  list(): SocketPlace[] {
    return [...this.all];
  }

  find(id: number): SocketPlace | undefined {
    return this.byId.get(id);
  }

  /** No further socket is made: what has none is called off. */
  stop(): void {
    this.isAlive = false;
    for (const place of this.list()) place.slot.callOff();
  }

  /** Whether waits keep the process alive has changed. */
  holdChanged(): void {
    for (const place of this.all) place.slot.holdChanged();
  }

  begun(place: SocketPlace): void {
    this.all.add(place);
  }

  entered(place: SocketPlace, socket: LiveWebSocket): void {
    this.forget(place);
    this.byId.set(socket.id, place);
  }

  ended(place: SocketPlace): void {
    this.forget(place);
    this.all.delete(place);
  }

  private forget({ connection }: SocketPlace): void {
    if (connection !== undefined) this.byId.delete(connection.id);
  }
}
