/**
 * The exchanges of one connection, in the order of their requests, and the responses that are sent for
 * them: they leave in that order (RFC 9112 §9.3.2). Hot.
 *
 *     front ── next ── … ── back       enter: behind `back` · leave: `front`, in order
 *
 * Invariants: `front` is the one whose turn it is; nothing that has left is given anything any more.
 */
import type { CloseReason } from "../../connection/close-reason.js";
import type { Data, SendResult } from "../../connection/connection.js";
import type { NetError } from "../../errors.js";
import type { FieldInput } from "../../protocol/http1/writing/field-writer.js";
import type { ServerExchange } from "./server-exchange.js";
import type { ServerResources } from "./server-resources.js";

/** Exchanges in the order of their requests. */
export class ResponseQueue {
  front: ServerExchange | undefined = undefined;
  back: ServerExchange | undefined = undefined;
  /** Exchanges that have not left. */
  count = 0;
  /** Nothing enters behind the last exchange: its response says so. */
  isLast = false;
  private readonly resources: ServerResources;

  constructor(resources: ServerResources) {
    this.resources = resources;
  }

  /** Puts an exchange at the end. */
  enter(exchange: ServerExchange): void {
    if (this.back === undefined) {
      this.front = exchange;
      exchange.isInTurn = true;
    } else this.back.next = exchange;
    this.back = exchange;
    this.count++;
  }

  /** The front leaves; the turn goes to the next. */
  leave(): void {
    const exchange = this.front;
    if (exchange === undefined) return;
    const { next } = exchange;
    exchange.isInTurn = false;
    exchange.next = undefined;
    exchange.pipeline = undefined;
    this.front = next;
    this.count--;
    if (next === undefined) this.back = undefined;
    else next.takeTurn();
  }

  /** Sends a whole response. */
  respond(
    exchange: ServerExchange,
    statusCode: number,
    fields: FieldInput,
    body?: Data,
  ): SendResult {
    const { encoder, addedFields } = this.resources;
    const isKept = this.keeps(exchange, true);
    encoder.begin(exchange, statusCode, fields, addedFields.get(isKept), isKept);
    encoder.setBody(body);
    const result = encoder.sendTo(exchange);
    exchange.statusCode = statusCode;
    exchange.record?.begun(encoder.headBytes, Math.max(0, encoder.bodyLength));
    exchange.closes ||= encoder.saysClose;
    exchange.responseIs("done");
    return result;
  }

  /** Sends the head of a response. Returns how its body is sent: bytes, or one of `BODY`. */
  startResponse(exchange: ServerExchange, statusCode: number, fields: FieldInput): number {
    const { encoder, addedFields } = this.resources;
    const isKept = this.keeps(exchange, false);
    encoder.begin(exchange, statusCode, fields, addedFields.get(isKept), isKept);
    encoder.setOpenBody();
    encoder.sendTo(exchange);
    exchange.statusCode = statusCode;
    exchange.record?.begun(encoder.headBytes, 0);
    exchange.closes ||= encoder.saysClose;
    exchange.responseIs("begun");
    return encoder.bodyLength;
  }

  /** Whether the connection can stay behind the response to this exchange. `isWhole`: body included. */
  private keeps(exchange: ServerExchange, isWhole: boolean): boolean {
    const { request } = exchange;
    if ((this.isLast && exchange === this.back) || exchange.closes) return false;
    if (request.minorVersion === 0 && !isWhole) return false;
    if (!request.hasBody || request.isComplete) return true;
    // The peer may now leave the body out or send it: what follows can't be told apart.
    if (request.isBodyWithheld) return false;
    if (!isWhole || request.isBodyRead || exchange.isObserved) return true;
    return request.missingBytes <= this.resources.configuration.limits.maxDiscardBytes;
  }

  /** The connection has ended: all of them are told, and leave. */
  fail(error: NetError, reason: CloseReason): void {
    let exchange = this.front;
    this.front = undefined;
    this.back = undefined;
    this.count = 0;
    while (exchange !== undefined) {
      const { next } = exchange;
      exchange.isInTurn = false;
      exchange.next = undefined;
      exchange.ended(error);
      this.resources.calls.responseComplete(exchange, reason);
      exchange = next;
    }
  }
}
