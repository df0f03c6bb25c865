/**
 * All that can be wrong with an opening handshake (RFC 6455 §4), each with a sentence of its own; for what a
 * client sent, also the status to answer with.
 */
import { NetError } from "../../errors.js";

type Row = readonly [text: string, status?: number];

const ROWS = {
  method: ["the request is no GET (RFC 6455 §4.2.1)", 405],
  httpVersion: ["the message is older than HTTP/1.1 (RFC 6455 §4.2.1, RFC 9110 §7.8)", 400],
  content: ["the request has content, and what follows it is no WebSocket's", 400],
  hostMissing: ["the request has no Host (RFC 6455 §4.2.1)", 400],
  upgradeMissing: ["no Upgrade field (RFC 6455 §4.2.1, §4.1)", 426],
  upgradeSeveral: ["Upgrade names more than websocket (RFC 6455 §4.1)"],
  upgradeOther: ["Upgrade does not name websocket (RFC 6455 §4.2.1, §4.1)", 426],
  connectionMissing: ["no Connection field (RFC 6455 §4.2.1, §4.1)", 400],
  connectionOther: ["Connection does not name Upgrade (RFC 6455 §4.2.1, §4.1)", 400],
  keyMissing: ["no Sec-WebSocket-Key (RFC 6455 §4.2.1)", 400],
  keyRepeated: ["more than one Sec-WebSocket-Key (RFC 6455 §11.3.1)", 400],
  keyMalformed: ["Sec-WebSocket-Key is not 16 bytes in base64 (RFC 6455 §4.2.1)", 400],
  versionMissing: ["no Sec-WebSocket-Version (RFC 6455 §4.2.1)", 400],
  versionRepeated: ["more than one Sec-WebSocket-Version (RFC 6455 §11.3.5)", 400],
  versionUnsupported: ["Sec-WebSocket-Version is not 13 (RFC 6455 §4.2.2, §4.4)", 426],
  protocolMalformed: ["Sec-WebSocket-Protocol is no list of tokens (RFC 6455 §4.2.1)", 400],
  protocolRepeated: ["a subprotocol is named twice (RFC 6455 §4.1)", 400],
  extensionsMalformed: ["Sec-WebSocket-Extensions is malformed (RFC 6455 §9.1)", 400],

  status: ["the server did not switch protocols (RFC 6455 §4.1)"],
  acceptMissing: ["no Sec-WebSocket-Accept (RFC 6455 §4.1)"],
  acceptRepeated: ["more than one Sec-WebSocket-Accept (RFC 6455 §11.3.3)"],
  acceptWrong: ["Sec-WebSocket-Accept does not belong to the key (RFC 6455 §4.1)"],
  protocolSeveral: ["more than one subprotocol in the response (RFC 6455 §11.3.4)"],
  protocolNotOffered: ["a subprotocol that was not offered (RFC 6455 §4.1)"],
  extensionNotOffered: ["an extension that was not offered (RFC 6455 §4.1)"],
  extensionsRepeated: ["more than one Sec-WebSocket-Extensions in the response (RFC 6455 §11.3.2)"],
  extensionSeveral: ["an extension twice in the response (RFC 7692 §5.1)"],
  deflateParameters: [
    "parameters of permessage-deflate that do not correspond to the offer (RFC 7692 §7.1)",
  ],
} as const;

/** Name of a fault. */
export type HandshakeFaultName = keyof typeof ROWS;

/** All names. */
export const HANDSHAKE_FAULTS: readonly HandshakeFaultName[] = Object.keys(
  ROWS,
) as HandshakeFaultName[];

/** The one version of the protocol that is spoken here. */
export const WEBSOCKET_VERSION = "13";

/** Why a handshake fails, and how a server responds to it. */
export interface HandshakeFault {
  readonly fault: HandshakeFaultName;
  /** Status to answer a request with. */
  readonly status: number;
  /** Fields that belong into that response. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly error: NetError;
}

/** Tells a fault from what is sound. */
export function isHandshakeFault(result: object): result is HandshakeFault {
  return "fault" in result;
}

/** The result for a fault. */
export function handshakeFault(fault: HandshakeFaultName): HandshakeFault {
  const [text, status = 502]: Row = ROWS[fault];
  const error = new NetError("WEBSOCKET_HANDSHAKE", `no WebSocket: ${text}`, {
    operation: "handshake",
  });
  return { fault, status, fields: fieldsOf(fault, status), error };
}

function fieldsOf(
  fault: HandshakeFaultName,
  status: number,
): readonly (readonly [string, string])[] {
  if (status === 405) return [["Allow", "GET"]];
  if (status !== 426) return [];
  const upgrade = [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
  ] as const;
  return fault === "versionUnsupported"
    ? [...upgrade, ["Sec-WebSocket-Version", WEBSOCKET_VERSION]]
    : upgrade;
}
