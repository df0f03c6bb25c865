import { type CloseReason, reasonOf } from "../connection/close-reason.js";
import type { Component } from "../connection/component/component.js";
import type { AnyConnection, Data, WaitOptions } from "../connection/connection.js";
import { bytesOf } from "../connection/data.js";
import type { EventOwner } from "../connection/events/events.js";
import { handlerError } from "../connection/events/handlers.js";
import type { Member, MemberSettings } from "../connection/member.js";
import { NetError, type Operation } from "../errors.js";
import type { Given } from "../options.js";
import type { Clock } from "../time/clock.js";
import type { Attempt, Dialer } from "./dialer.js";
import type { ReconnectHandlers } from "./reconnect-handlers.js";
import type { ReadReconnectOptions, ReconnectTarget } from "./reconnect-options.js";
import { type Informer, ReconnectTeller } from "./reconnect-teller.js";
import { Slot, type SlotOwner } from "./slot.js";
import { SlotTarget } from "./slot-target.js";

/** A connection that is a member of its component. */
export interface Held extends Member, Omit<AnyConnection, keyof Member> {
  readonly settings: MemberSettings & { readonly maxConnections: number };
}

/** Tells the application, and ends connections with which it has done something wrong. */
export interface OutgoingEvents extends Informer {
  failed(connection: EventOwner, name: string, operation: Operation, cause: unknown): void;
}

/** What the places of one component have in common. */
export interface PlaceShare<One extends Held, Destination extends WaitOptions> {
  readonly component: Component<One, One["settings"]>;
  readonly dialer: Dialer<One, Destination>;
  readonly events: OutgoingEvents;
  readonly handlers: Given<ReconnectHandlers<never>>;
  /** Whether the application begins TLS, when the connection is there. */
  readonly startsTlsByHand?: boolean;
}

/** The owner of a place. */
export interface PlaceKeeper<One extends Held, Destination extends WaitOptions> {
  /** A connection is entered for it. */
  entered(place: Place<One, Destination>, connection: One): void;
  /** No further connection is made for it. */
  ended(place: Place<One, Destination>): void;
}

/** A slot of a component of ours: whom its attempts, its end and its events go to. */
export class Place<One extends Held, Destination extends WaitOptions>
  extends SlotTarget<One, Destination, unknown>
  implements SlotOwner<CloseReason, ReconnectTarget>
{
  readonly slot: Slot<One, CloseReason, ReconnectTarget>;
  readonly teller: ReconnectTeller<CloseReason>;
  private asked: Destination | undefined = undefined;
  private readonly share: PlaceShare<One, Destination>;
  private readonly keeper: PlaceKeeper<One, Destination>;

  constructor(
    share: PlaceShare<One, Destination>,
    keeper: PlaceKeeper<One, Destination>,
    reconnect: ReadReconnectOptions | undefined,
  ) {
    super();
    this.share = share;
    this.keeper = keeper;
    this.teller = new ReconnectTeller(share.handlers, share.events, this);
    this.slot = new Slot<One, CloseReason, ReconnectTarget>(this, reconnect);
  }

  /** Makes the first connection: `attempt` is what the dialer has prepared for this destination. */
  connect(asked: Destination, attempt: Attempt<One>): Promise<void> {
    this.asked = asked;
    return this.slot.connected(this.make(attempt), asked);
  }

  private make(attempt: Attempt<One>): Promise<void> {
    return attempt((connection) => {
      this.keeper.entered(this, connection);
      this.slot.entered(connection);
    });
  }

  dial(target: ReconnectTarget | undefined): void {
    const { dialer } = this.share;
    // The signal was that of the call.
    const { signal: _, ...rest } = this.asked as Destination;
    const asked = rest as Destination;
    let made: Promise<void>;
    try {
      assertRoom(this.share.component, 0);
      made = this.make(dialer.prepare(target === undefined ? asked : dialer.at(asked, target)));
    } catch (error) {
      const known = error instanceof NetError ? error : handlerError("proxy", "connect", error);
      this.slot.attemptFailed(reasonOf(known, "connect"));
      return;
    }
    made.catch(() => {
      // The slot has heard of it, by the connection.
    });
  }

  get clock(): Clock {
    return this.share.component.service.wheel.clock;
  }

  get keepsProcess(): boolean {
    return this.share.component.keepsProcess;
  }

  get isAlive(): boolean {
    return this.share.component.state !== "stopping";
  }

  assertSendable(data: Data): void {
    this.share.dialer.assertSendable?.(bytesOf(data));
  }

  ended(): void {
    this.keeper.ended(this);
  }

  get destination(): Destination {
    return this.asked as Destination;
  }
}

/** Throws `CONNECTION_LIMIT` where a component has no room for another connection besides those that are waited for. */
export function assertRoom<One extends Held>(
  component: Component<One, One["settings"]>,
  waitingCount: number,
): void {
  const limit = component.settings.maxConnections;
  const { connectionCount } = component;
  if (connectionCount + waitingCount < limit) return;
  const waiting = waitingCount === 0 ? "" : ` and ${waitingCount} that are waited for`;
  const message = `there are ${connectionCount} connections${waiting}, and maxConnections is ${limit}`;
  throw new NetError("CONNECTION_LIMIT", message, { operation: "connect" });
}
