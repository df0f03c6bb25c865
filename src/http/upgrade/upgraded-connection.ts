/**
 * A client's connection that has left HTTP: what follows is another protocol (101), or a tunnel
 * (CONNECT).
 *
 *     waiting ── attach ──► attached ── the connection ends ──► over
 *
 * Until somebody attaches a receiver the peer is held back, and what had come already is kept; it
 * is the first that the receiver gets.
 */
import type { CloseReason } from "../../connection/close-reason.js";
import type { Connection } from "../../connection/connection.js";
import { handlerError, type MayWait } from "../../connection/handlers.js";
import type { StreamConnection } from "../../connection/stream-connection.js";
import { NetError } from "../../errors.js";
import { type BodyOwner, IncomingBody } from "../body/incoming-body.js";
import type { UpgradeReceiver } from "./upgrade-receiver.js";

/** See the head of the file. */
export class UpgradedConnection {
  /** Sends, closes, and knows the addresses. Its bytes go to the receiver. */
  readonly connection: Connection;
  readonly #live: StreamConnection;
  #early: Buffer | undefined;
  #receiver: UpgradeReceiver | undefined;
  #hasEnded = false;
  #reason: CloseReason | undefined;

  /** `early`: bytes that came behind the response. */
  constructor(live: StreamConnection, early: Buffer) {
    this.#live = live;
    this.connection = live;
    this.#early = early.length > 0 ? early : undefined;
    live.pause();
  }

  /** Has the receiver get what has come and what will come. Throws `INVALID_STATE` the second time. */
  attach(receiver: UpgradeReceiver): Connection {
    if (this.#receiver !== undefined) {
      throw new NetError("INVALID_STATE", "the connection has a receiver already", {
        operation: "receive",
        connectionId: this.#live.id,
      });
    }
    this.#receiver = receiver;
    // The caller has the connection before the receiver is called.
    queueMicrotask(() => {
      this.#begin();
    });
    return this.connection;
  }

  /** Attaches a body that the bytes can be read from; the peer is held back while nobody does. */
  read(): IncomingBody {
    const receiver = new BodyReceiver(this.#live);
    this.attach(receiver);
    return receiver.body;
  }

  #begin(): void {
    const early = this.#early;
    this.#early = undefined;
    const going = early === undefined ? undefined : this.#call(() => this.received(early));
    if (going instanceof Promise) void going.then(() => this.#goOn());
    else this.#goOn();
  }

  #goOn(): void {
    if (this.#hasEnded) this.#tellEnd();
    if (this.#reason !== undefined) this.#receiver?.onClose?.(this.connection, this.#reason);
    else this.#live.resume();
  }

  /** What goes wrong in a call of ours ends the connection, as it does in a call of the component. */
  async #guard(result: Promise<unknown>): Promise<void> {
    try {
      await result;
    } catch (error) {
      this.#live.fail(handlerError("onReceive", "receive", error, this.#live.id));
    }
  }

  #call(call: () => MayWait): Promise<void> | undefined {
    try {
      const result = call();
      return result instanceof Promise ? this.#guard(result) : undefined;
    } catch (error) {
      this.#live.fail(handlerError("onReceive", "receive", error, this.#live.id));
      return undefined;
    }
  }

  #tellEnd(): void {
    const receiver = this.#receiver;
    if (receiver?.onEnd === undefined) this.#live.close();
    else receiver.onEnd(this.connection);
  }

  // — for whoever has the connection —

  /** Bytes came. */
  received(bytes: Buffer): MayWait {
    return this.#receiver?.onReceive(this.connection, bytes);
  }

  /** The peer has finished. */
  ended(): void {
    this.#hasEnded = true;
    if (this.#receiver !== undefined) this.#tellEnd();
  }

  /** The queue is short again. */
  drained(): MayWait {
    return this.#receiver?.onDrain?.(this.connection);
  }

  /** The component stops. */
  stopped(): void {
    const receiver = this.#receiver;
    if (receiver?.onStop === undefined) this.#live.close();
    else receiver.onStop(this.connection);
  }

  /** The connection is gone. */
  closed(reason: CloseReason): void {
    this.#reason = reason;
    this.#receiver?.onClose?.(this.connection, reason);
  }
}

/** Puts the bytes into a body. */
class BodyReceiver implements UpgradeReceiver, BodyOwner {
  readonly body: IncomingBody = new IncomingBody(this, undefined);
  readonly #live: StreamConnection;

  constructor(live: StreamConnection) {
    this.#live = live;
  }

  get wheel(): BodyOwner["wheel"] {
    return this.#live.wheel;
  }

  bodyWanted(): void {
    // The bytes come whether they are asked for or not.
  }

  holdBody(hold: boolean): void {
    if (hold) this.#live.pause();
    else this.#live.resume();
  }

  onReceive(_connection: Connection, bytes: Buffer): void {
    this.body.push(bytes, true);
  }

  onEnd(): void {
    this.body.end();
  }

  onClose(_connection: Connection, reason: CloseReason): void {
    this.body.fail(reason.cause ?? this.#live.closedError());
  }
}
