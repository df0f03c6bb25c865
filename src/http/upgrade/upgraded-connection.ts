/**
 * A client's connection that has left HTTP: what follows is another protocol (101), or a tunnel
 * (CONNECT).
 *
 *     waiting ── attach ──► attached ── the connection ends ──► over
 *
 * Until somebody attaches a receiver the peer is held back, and what had come already is kept; it
 * is the first that the receiver gets.
 */
import { isLent } from "../../bytes/lending.js";
import type { CloseReason } from "../../connection/close-reason.js";
import type { Connection } from "../../connection/connection.js";
import { HOLD, type ProtocolConnection, type Receiver } from "../../connection/receiver.js";
import { NetError } from "../../errors.js";
import { PacketReceiver } from "../../packets/packet-receiver.js";
import { push } from "../../receive/push.js";
import { BodyIntake, type BodyOwner } from "../body/body-intake.js";
import type { IncomingBody } from "../body/incoming-body.js";
import { UpgradeEvents } from "./upgrade-events.js";
import type { UpgradeReceiver } from "./upgrade-receiver.js";

/** A connection as its protocol and as the application sees it. */
export type OwnConnection = ProtocolConnection & Connection;

/** A connection that has left HTTP. Its peer is held back until its bytes are taken. */
export class UpgradedConnection {
  /** Sends, closes, and knows the addresses. Its bytes go to the receiver. */
  readonly connection: Connection;
  readonly #handover: Handover;

  constructor(connection: Connection, handover: Handover) {
    this.connection = connection;
    this.#handover = handover;
  }

  /** Has the receiver get what has come and what will come. Throws `INVALID_STATE` the second time. */
  attach(receiver: UpgradeReceiver): Connection {
    this.#handover.attach(receiver);
    return this.connection;
  }

  /** Attaches a body that the bytes can be read from; the peer is held back while they are not read. */
  read(): IncomingBody {
    return this.#handover.read();
  }
}

/** The receiver between HTTP and the one that takes over. */
export class Handover implements Receiver {
  /** What the application gets. */
  readonly upgraded: UpgradedConnection;
  private readonly connection: OwnConnection;
  private readonly gone: (reason: CloseReason) => void;
  private receiver: UpgradeReceiver | undefined;
  private isAttached = false;
  private reason: CloseReason | undefined;

  /** Takes the connection over. `gone` is told of its end, whoever receives then. */
  constructor(connection: OwnConnection, gone: (reason: CloseReason) => void) {
    this.connection = connection;
    this.gone = gone;
    this.upgraded = new UpgradedConnection(connection, this);
    connection.hold(HOLD.upgrade);
    connection.receiveBy(this);
  }

  attach(receiver: UpgradeReceiver): void {
    this.assertFree();
    const connection = this.connection;
    const events = new UpgradeEvents(receiver, connection, this.goneOnce);
    this.receiver = receiver;
    this.passOn(new PacketReceiver(connection, events, push()));
  }

  read(): IncomingBody {
    this.assertFree();
    const receiver = new BodyReceiver(this.connection, this.goneOnce);
    this.passOn(receiver);
    return receiver.body;
  }

  private assertFree(): void {
    if (this.isAttached) {
      throw new NetError("INVALID_STATE", "the connection has a receiver already", {
        operation: "receive",
        connectionId: this.connection.id,
      });
    }
    this.isAttached = true;
  }

  /** Nothing is delivered before the present call is over. */
  private passOn(receiver: Receiver): void {
    const reason = this.reason;
    this.connection.receiveBy(receiver);
    this.connection.release(HOLD.upgrade);
    if (reason !== undefined) queueMicrotask(() => receiver.closed(reason));
  }

  /** The component stops. */
  stop(): void {
    if (this.receiver?.onStop === undefined) this.connection.close();
    else this.receiver.onStop(this.connection);
  }

  // — calls of the connection, while nobody has attached —

  received(): number {
    return 0;
  }

  ended(): void {
    // Held back, as the bytes before it.
  }

  drained(): void {
    // No sender waits here.
  }

  closed(reason: CloseReason): void {
    this.goneOnce(reason);
  }

  /** The receiver at the end reports it; one that attaches later is told, too. */
  private readonly goneOnce = (reason: CloseReason): void => {
    if (this.reason !== undefined) return;
    this.reason = reason;
    this.gone(reason);
  };
}

/** Puts the bytes into a body. */
class BodyReceiver implements Receiver, BodyOwner {
  readonly body: BodyIntake = new BodyIntake(this, undefined);
  private readonly connection: ProtocolConnection;
  private readonly gone: (reason: CloseReason) => void;

  constructor(connection: ProtocolConnection, gone: (reason: CloseReason) => void) {
    this.connection = connection;
    this.gone = gone;
  }

  get wheel(): BodyOwner["wheel"] {
    return this.connection.wheel;
  }

  bodyWanted(): void {
    // Bytes come without being asked for.
  }

  holdBody(hold: boolean): void {
    if (hold) this.connection.hold(HOLD.body);
    else this.connection.release(HOLD.body);
  }

  received(bytes: Buffer): number {
    this.body.push(bytes, isLent(bytes));
    return bytes.length;
  }

  ended(): void {
    const hasFinished = this.connection.endPassedOn();
    this.body.end();
    if (hasFinished) this.connection.close();
  }

  drained(): void {
    // Senders await `drained` of the connection.
  }

  closed(reason: CloseReason): void {
    this.gone(reason);
    this.body.fail(reason.cause ?? this.connection.closedError());
  }
}
