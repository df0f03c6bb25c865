/** The places of one component for connections that are made anew: a client has one, an agent one for each destination. */
import type { CloseReason } from "../connection/close-reason.js";
import type { WaitOptions } from "../connection/connection.js";
import type { EventOwner } from "../connection/events/events.js";
import { type Held, Place, type PlaceKeeper, type PlaceShare } from "./place.js";
import type { ReadReconnectOptions } from "./reconnect-options.js";
import type { Slot } from "./slot.js";

/** A connection that can have a place. */
export interface Placed extends Held {
  /** Whether `close` was called, whatever became of it. */
  readonly isCloseAsked: boolean;
  /** What was sent, and had not left when it ended. */
  readonly unsentBytes: number;
  /** Ends the connection at once. */
  fail: EventOwner["fail"];
}

/** The places of one component for connections that are made anew. */
export class Places<One extends Placed, Destination extends WaitOptions>
  implements PlaceKeeper<One, Destination>
{
  private readonly share: PlaceShare<One, Destination>;
  private readonly onEnded: ((place: Place<One, Destination>) => void) | undefined;
  /** By the id of the present or last connection. */
  private readonly places: Map<number, Place<One, Destination>> = new Map();
  /** Those that wait for another attempt, without a connection. */
  private readonly waiting: Set<Place<One, Destination>> = new Set();

  /** `onEnded`: no further connection is made for a place. */
  constructor(
    share: PlaceShare<One, Destination>,
    onEnded?: (place: Place<One, Destination>) => void,
  ) {
    this.share = share;
    this.onEnded = onEnded;
  }

  /** A place that has no connection yet. */
  make(reconnect: ReadReconnectOptions | undefined): Place<One, Destination> {
    return new Place(this.share, this, reconnect);
  }

  /** Places without a connection, which will have one. */
  get waitingCount(): number {
    return this.waiting.size;
  }

  list(): Place<One, Destination>[] {
    return [...this.places.values()];
  }

  /** The place of the connection with this id, the last one too. */
  find(id: number): Place<One, Destination> | undefined {
    return this.places.get(id);
  }

  /** Calls off what waits: the component stops. */
  cancel(): void {
    for (const place of this.waiting) place.slot.callOff();
  }

  /** The component was told to keep the process alive, or not to. */
  holdChanged(): void {
    for (const place of this.waiting) place.slot.holdChanged();
  }

  // — the calls of places —

  entered(place: Place<One, Destination>, connection: One): void {
    this.waiting.delete(place);
    this.forget(place);
    this.places.set(connection.id, place);
  }

  ended(place: Place<One, Destination>): void {
    this.waiting.delete(place);
    this.forget(place);
    this.onEnded?.(place);
  }

  private forget(place: Place<One, Destination>): void {
    const { connection } = place;
    if (connection !== undefined) this.places.delete(connection.id);
  }

  // — the calls of the role —

  /** Whether a new connection has its context from the one before. */
  hasContext(connection: One): boolean {
    return this.places.get(connection.id)?.slot.hasContext === true;
  }

  /** The connection is there, and is greeted unless something has to come before; `tell` calls `onConnect`. */
  opened(connection: One, tell: () => void): void {
    const { component, startsTlsByHand } = this.share;
    // An agent is started by `connect`.
    if (component.state === "starting") component.move("ready");
    const slot = this.places.get(connection.id)?.slot;
    if (startsTlsByHand === true) {
      tell();
      if (connection.isOpen) slot?.made(connection);
    } else if (this.hasGreeted(connection, slot)) tell();
  }

  /** The connection is ready; `tell` calls `onHandshake`. */
  ready(connection: One, tell: () => void): void {
    const slot = this.places.get(connection.id)?.slot;
    if (!this.hasGreeted(connection, slot)) return;
    tell();
    this.hasDone(connection, "send", () => slot?.ready(connection));
  }

  private hasGreeted(connection: One, slot: Slot<One> | undefined): boolean {
    return this.hasDone(connection, "greeting", () => slot?.greet(connection));
  }

  /** Calls what may throw: then the connection ends, and it answers false. */
  private hasDone(connection: One, name: string, call: () => void): boolean {
    try {
      call();
      return true;
    } catch (error) {
      this.share.events.failed(connection, name, "send", error);
      return false;
    }
  }

  /** The connection has ended; `tell` calls `onClose`. */
  closed(connection: One, reason: CloseReason, tell: () => void): void {
    const place = this.places.get(connection.id);
    if (place === undefined) {
      tell();
      return;
    }
    this.waiting.add(place);
    place.slot.lost(reason, connection.isCloseAsked);
    tell();
    place.slot.settle(reason, connection.unsentBytes);
  }
}
