/**
 * One exchange, a request and the response to it, as both sides of a connection know it. A state for
 * each side, since a response may begin while its request is still on its way (RFC 9112 §9.3):
 *
 *     client  idle ── head ──► body ── end ──────► done ── next ──► idle
 *                               └── endAsking ──► asking ── decline ──► done
 *                                                    └───── switch ───► switched
 *     server  idle ── requested ──► pending ── head ──► body ── end ──► done ── next ──► idle
 *                                    │     ▲ └── switch ──► switched
 *                                    └─────┘ interim
 *     both    idle or done ── last ──► mustClose ── finish ──► closed;  idle ── finish ──► closed
 *             any ── fail ──► failed
 *
 * idle       nothing of the exchange was sent
 * body       the head was sent, and the message is not complete
 * asking     a request that asks for another protocol, or CONNECT, waits for what becomes of it
 * pending  the request has come, no final response has begun
 * done       the message is complete
 * switched   what follows is another protocol
 * mustClose  this side sends no further message, and finishes
 *
 * Invariants, kept by {@link ExchangeState}: a side that is done is so until both are, and then begins
 * anew (`next`) or must close (`last`), the latter when either message said so; both sides switch
 * together; nothing leaves switched, closed and failed.
 */
import { NetError } from "../../errors.js";

/** States of the side that sends requests. */
export type ClientState =
  | "idle"
  | "body"
  | "done"
  | "asking"
  | "switched"
  | "mustClose"
  | "closed"
  | "failed";

/** What moves it. */
export type ClientEvent =
  | "head"
  | "end"
  | "endAsking"
  | "decline"
  | "switch"
  | "next"
  | "last"
  | "finish"
  | "fail";

/** States of the side that sends responses. */
export type ServerState =
  | "idle"
  | "pending"
  | "body"
  | "done"
  | "switched"
  | "mustClose"
  | "closed"
  | "failed";

/** What moves it. */
export type ServerEvent =
  | "requested"
  | "interim"
  | "head"
  | "end"
  | "switch"
  | "next"
  | "last"
  | "finish"
  | "fail";

type Transitions<State extends string, Event extends string> = Readonly<
  Record<State, Readonly<Partial<Record<Event, State>>>>
>;

/** State → event → next state. A pair that is not here can't happen. */
export const CLIENT_TRANSITIONS: Transitions<ClientState, ClientEvent> = {
  idle: { head: "body", last: "mustClose", finish: "closed", fail: "failed" },
  body: { end: "done", endAsking: "asking", fail: "failed" },
  asking: { decline: "done", switch: "switched", fail: "failed" },
  done: { next: "idle", last: "mustClose", fail: "failed" },
  mustClose: { finish: "closed", fail: "failed" },
  switched: {},
  closed: {},
  failed: {},
};

/** State → event → next state. `head` from idle: an error response (400, 408) without a complete request. */
export const SERVER_TRANSITIONS: Transitions<ServerState, ServerEvent> = {
  idle: {
    requested: "pending",
    head: "body",
    last: "mustClose",
    finish: "closed",
    fail: "failed",
  },
  pending: { interim: "pending", head: "body", switch: "switched", fail: "failed" },
  body: { end: "done", fail: "failed" },
  done: { next: "idle", last: "mustClose", fail: "failed" },
  mustClose: { finish: "closed", fail: "failed" },
  switched: {},
  closed: {},
  failed: {},
};

/** The state after `event`. Throws `INVALID_STATE`, naming both, for a pair that is not in the table. */
export function nextClientState(state: ClientState, event: ClientEvent): ClientState {
  return CLIENT_TRANSITIONS[state][event] ?? illegal("request", state, event);
}

/** The state after `event`. Throws `INVALID_STATE`, naming both, for a pair that is not in the table. */
export function nextServerState(state: ServerState, event: ServerEvent): ServerState {
  return SERVER_TRANSITIONS[state][event] ?? illegal("response", state, event);
}

/** Keeps both sides of the exchanges of one connection that does not pipeline. */
export class ExchangeState {
  private clientNow: ClientState = "idle";
  private serverNow: ServerState = "idle";
  private keepAlive = true;
  private asks = false;

  /** State of the side that sends requests. */
  get client(): ClientState {
    return this.clientNow;
  }

  /** State of the side that sends responses. */
  get server(): ServerState {
    return this.serverNow;
  }

  /** Whether both messages are complete and the connection may carry another exchange. */
  get canReuse(): boolean {
    return this.clientNow === "done" && this.serverNow === "done";
  }

  /** The head of a request. `asks`: for another protocol, or by CONNECT for a tunnel. */
  requestHead(keepAlive: boolean, asks: boolean): void {
    const client = nextClientState(this.clientNow, "head");
    this.serverNow = nextServerState(this.serverNow, "requested");
    this.clientNow = client;
    this.keepAlive &&= keepAlive;
    this.asks = asks;
  }

  /** The request is complete. */
  requestEnd(): void {
    this.clientNow = nextClientState(this.clientNow, this.asks ? "endAsking" : "end");
    this.settle();
  }

  /** An interim response. */
  interim(): void {
    this.serverNow = nextServerState(this.serverNow, "interim");
  }

  /** The head of a final response. */
  responseHead(keepAlive: boolean): void {
    this.serverNow = nextServerState(this.serverNow, "head");
    this.keepAlive &&= keepAlive;
    this.asks = false;
    if (this.clientNow === "asking") this.clientNow = nextClientState(this.clientNow, "decline");
    if (this.clientNow === "idle") this.clientNow = nextClientState(this.clientNow, "last");
  }

  /** The response is complete. */
  responseEnd(): void {
    this.serverNow = nextServerState(this.serverNow, "end");
    this.settle();
  }

  /** The response that changes the protocol: 101, or 2xx to CONNECT. */
  switchProtocol(): void {
    const client = nextClientState(this.clientNow, "switch");
    this.serverNow = nextServerState(this.serverNow, "switch");
    this.clientNow = client;
  }

  /** Begins the next exchange. */
  next(): void {
    const client = nextClientState(this.clientNow, "next");
    this.serverNow = nextServerState(this.serverNow, "next");
    this.clientNow = client;
  }

  /** A side will send no more messages, and has finished. */
  finish(side: "client" | "server"): void {
    if (side === "client") this.clientNow = nextClientState(this.clientNow, "finish");
    else this.serverNow = nextServerState(this.serverNow, "finish");
  }

  /** A side broke the protocol or the connection. */
  fail(side: "client" | "server"): void {
    if (side === "client") this.clientNow = nextClientState(this.clientNow, "fail");
    else this.serverNow = nextServerState(this.serverNow, "fail");
  }

  /** A side that is done must close where there is nothing to come. */
  private settle(): void {
    if (this.keepAlive && this.clientNow !== "mustClose") return;
    if (this.clientNow === "done") this.clientNow = nextClientState(this.clientNow, "last");
    if (this.serverNow === "done") this.serverNow = nextServerState(this.serverNow, "last");
  }
}

function illegal(message: string, state: string, event: string): never {
  throw new NetError(
    "INVALID_STATE",
    `a ${message} that is ${state} can't have the event ${event}`,
  );
}
