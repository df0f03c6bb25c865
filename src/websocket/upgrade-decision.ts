/** What an application decides about a request for a WebSocket, before the upgrade. */
import { assertObject, invalidArgument } from "../errors.js";
import type { HttpExchange } from "../http/server/http-exchange.js";
import type { FieldInput } from "../protocol/http1/writing/field-writer.js";

/** A request for a WebSocket, sound by the rules of RFC 6455 §4.2.1. */
export interface WebSocketRequest {
  /** The request as HTTP has it: path, query, headers, the connection. */
  readonly exchange: HttpExchange;
  /** Where the page is from that asks. Browsers always say; others need not. */
  readonly origin: string | undefined;
  /** Subprotocols that the client knows, in the order of its preference. */
  readonly protocols: readonly string[];
}

/** Lets the peer in. */
export interface UpgradeAcceptance<Context> {
  /** One of the offered subprotocols. Default: the first of the option `protocols` that was offered. */
  readonly protocol?: string | undefined;
  /** Further fields of the response 101. */
  readonly headers?: FieldInput | undefined;
  /** The socket's `context`. */
  readonly context?: Context | undefined;
  /** False: no compression for this one. */
  readonly compress?: boolean | undefined;
}

/** Does not let the peer in: the HTTP response that it gets. */
export interface UpgradeRefusal {
  /** 300 to 599. */
  readonly status: number;
  /** Fields of the response. */
  readonly headers?: FieldInput | undefined;
  /** Body of the response. */
  readonly body?: string | Uint8Array | undefined;
}

/** `false` refuses with 403; nothing, or `true`, lets the peer in. */
export type UpgradeDecision<Context> =
  | boolean
  | undefined
  | void
  | UpgradeAcceptance<Context>
  | UpgradeRefusal;

/** Tells a refusal from the rest. Throws `INVALID_ARGUMENT` for what is no decision. */
export function refusalOf<Context>(decision: UpgradeDecision<Context>): UpgradeRefusal | undefined {
  if (decision === false) return { status: 403, body: "403 Forbidden\n" };
  if (decision === undefined || decision === true) return undefined;
  assertObject("the decision of onUpgrade", decision);
  if (!("status" in decision)) return undefined;
  const { status } = decision;
  if (Number.isInteger(status) && status >= 300 && status <= 599) return decision;
  throw invalidArgument(`a refusal's status must be 300 to 599, not ${status}`);
}
