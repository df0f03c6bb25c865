/** What must hold for the head of a response as a whole, and what follows from it. */
import { readFraming, readLength } from "../body-framing.js";
import { connectionOptions, persists } from "../connection-options.js";
import { BODY } from "../head.js";
import { FAULT } from "../parse-fault.js";
import type { ResponseHead } from "../response-head.js";

/** What was sent, as far as it changes how the response is read. Bits. */
export const REQUEST_TRAIT = { head: 1, connect: 2, upgrade: 4 } as const;

/**
 * Settles a response whose head was scanned, by the rules of RFC 9112 §6.3 in their order.
 * `traits`: of its request. Returns a fault, or 0.
 */
export function settleResponse(head: ResponseHead, traits: number): number {
  const { statusCode } = head;
  const makesTunnel =
    (traits & REQUEST_TRAIT.connect) !== 0 && statusCode >= 200 && statusCode < 300;
  head.isUpgrade = makesTunnel || statusCode === 101;
  if (head.isUpgrade) return settleUpgrade(head, makesTunnel, traits);
  const fault = readFraming(head);
  if (fault !== 0) return fault;
  head.keepAlive = persists(head, connectionOptions(head));
  const isBodyless = head.isInterim || statusCode === 204 || statusCode === 304;
  if (isBodyless || (traits & REQUEST_TRAIT.head) !== 0) {
    head.bodyLength = BODY.none;
  } else if (head.bodyLength === BODY.none) {
    head.bodyLength = BODY.untilClose;
    head.keepAlive = false;
  }
  return 0;
}

/** Transfer-Encoding is not looked at (RFC 9110 §9.3.6); a Content-Length that is none is. */
function settleUpgrade(head: ResponseHead, makesTunnel: boolean, traits: number): number {
  const fault = readLength(head);
  head.bodyLength = BODY.none;
  head.keepAlive = false;
  if (fault !== 0) return fault;
  return makesTunnel || (traits & REQUEST_TRAIT.upgrade) !== 0 ? 0 : FAULT.unexpectedSwitch;
}
