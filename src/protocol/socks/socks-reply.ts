/** What a SOCKS proxy replies to a request, and what that means to whoever asked. */
import type { NetErrorCode } from "../../errors.js";

/** Replies of SOCKS 5 (RFC 1928 §6). */
export const REPLY = {
  succeeded: 0,
  failed: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  expired: 6,
  commandUnknown: 7,
  addressTypeUnknown: 8,
} as const;

/** One of {@link REPLY}. */
export type Reply = (typeof REPLY)[keyof typeof REPLY];

type Row = readonly [code: NetErrorCode, text: string];

const REPLIES: Readonly<Record<number, Row>> = {
  1: ["PROXY_REFUSED", "general failure"],
  2: ["PROXY_REFUSED", "not allowed by its rules"],
  3: ["PROXY_DESTINATION", "the network can't be reached"],
  4: ["PROXY_DESTINATION", "the host can't be reached"],
  5: ["PROXY_DESTINATION", "the connection was refused"],
  6: ["PROXY_DESTINATION", "the time to live ran out"],
  7: ["PROXY_REFUSED", "the command is not supported"],
  8: ["PROXY_REFUSED", "the type of address is not supported"],
};

/** Code and words for a reply of SOCKS 5 that is not `succeeded`. */
export function meaningOfReply(reply: number): Row {
  return REPLIES[reply] ?? ["PROXY_REFUSED", `reply ${reply}, which RFC 1928 does not have`];
}

/** Replies of SOCKS 4. */
export const REPLY4 = { granted: 90, rejected: 91, noIdent: 92, otherIdent: 93 } as const;

const REPLIES4: Readonly<Record<number, Row>> = {
  91: ["PROXY_REFUSED", "rejected or failed"],
  92: ["PROXY_AUTHENTICATION", "the proxy can't reach an identd of ours"],
  93: ["PROXY_AUTHENTICATION", "identd names another user"],
};

/** The same for SOCKS 4. */
export function meaningOfReply4(reply: number): Row {
  return REPLIES4[reply] ?? ["PROXY_REFUSED", `reply ${reply}, which SOCKS 4 does not have`];
}
