/**
 * The exchanges of one connection, in the order of their requests: responses leave in that order (RFC
 * 9112 §9.3.2).
 *
 *     front ── next ── … ── back       enter: behind `back` · leave: `front`, in order
 *
 * Invariants: `front` is the one whose turn it is; nothing that has left is given anything any more.
 */
import type { NetError } from "../../errors.js";
import type { ServerExchange } from "./server-exchange.js";

/** Exchanges in the order of their requests. */
export class ResponseQueue {
  front: ServerExchange | undefined = undefined;
  back: ServerExchange | undefined = undefined;
  /** Exchanges that have not left. */
  count = 0;

  /** Puts an exchange at the end. */
  enter(exchange: ServerExchange): void {
    if (this.back === undefined) {
      this.front = exchange;
      exchange.isInTurn = true;
    } else this.back.next = exchange;
    this.back = exchange;
    this.count++;
  }

  /** The front leaves; the turn goes to the next, which is returned. */
  leave(): ServerExchange | undefined {
    const exchange = this.front;
    if (exchange === undefined) return undefined;
    const { next } = exchange;
    exchange.isInTurn = false;
    exchange.next = undefined;
    exchange.pipeline = undefined;
    this.front = next;
    this.count--;
    if (next === undefined) this.back = undefined;
    else next.takeTurn();
    return next;
  }

  /** The connection has ended: all of them are told, and leave. */
  fail(error: NetError): void {
    let exchange = this.front;
    this.front = undefined;
    this.back = undefined;
    this.count = 0;
    while (exchange !== undefined) {
      const { next } = exchange;
      exchange.isInTurn = false;
      exchange.next = undefined;
      exchange.ended(error);
      exchange = next;
    }
  }
}
