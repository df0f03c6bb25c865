/**
 * The client's part of the opening handshake (RFC 6455 §4.1): the fields of the request, and whether a
 * response is the one that was asked for, checked in the order of §4.1.
 */
import { describe, invalidArgument, NetError } from "../../errors.js";
import { acceptOf, type Sha1Base64 } from "./accept-key.js";
import {
  checkDeflate,
  DEFLATE_NAME,
  type DeflateAgreement,
  type DeflateWishes,
  offerDeflate,
} from "./deflate-agreement.js";
import { type HandshakeFault, handshakeFault, WEBSOCKET_VERSION } from "./handshake-fault.js";
import { isToken, parseExtensions, parseList, trimBlanks, writeExtensions } from "./header-list.js";
import { faultOfUpgrade, type HandshakeFields } from "./server-handshake.js";

/** What a client asks for. */
export interface UpgradeOffer {
  /** See `createKey`: another one for each handshake. */
  readonly key: string;
  /** Subprotocols in the order of preference. */
  readonly protocols?: readonly string[];
  /** Offers of permessage-deflate in the order of preference; none: no compression. */
  readonly deflate?: readonly DeflateWishes[];
  readonly origin?: string | undefined;
}

/** What was agreed on. */
export interface UpgradeResult {
  readonly protocol: string | undefined;
  /** Undefined: no compression. */
  readonly deflate: DeflateAgreement | undefined;
}

/** Throws `INVALID_ARGUMENT` for subprotocols that are no tokens, or named twice (§4.1). */
export function assertProtocols(protocols: readonly string[]): void {
  if (!Array.isArray(protocols)) {
    throw invalidArgument(`protocols must be a list of subprotocols, not ${describe(protocols)}`);
  }
  for (const [index, protocol] of protocols.entries()) {
    if (isToken(protocol) && protocols.indexOf(protocol) === index) continue;
    throw new NetError(
      "INVALID_ARGUMENT",
      `subprotocols must be tokens, each named once, not ${describe(protocol)}`,
      { operation: "configure" },
    );
  }
}

/** The fields of the request, besides Host. Throws `INVALID_ARGUMENT` for what can't be offered. */
export function upgradeRequestFields(
  offer: UpgradeOffer,
): readonly (readonly [name: string, value: string])[] {
  const { protocols = [], deflate = [], origin } = offer;
  assertProtocols(protocols);
  const fields: [string, string][] = [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Key", offer.key],
    ["Sec-WebSocket-Version", WEBSOCKET_VERSION],
  ];
  if (origin !== undefined) fields.push(["Origin", origin]);
  if (protocols.length > 0) fields.push(["Sec-WebSocket-Protocol", protocols.join(", ")]);
  if (deflate.length > 0) {
    fields.push(["Sec-WebSocket-Extensions", writeExtensions(deflate.map(offerDeflate))]);
  }
  return fields;
}

/** The line of a response. */
export interface ResponseLine {
  readonly statusCode: number;
  /** As in `HTTP/1.1`. */
  readonly version: string;
}

/** Checks the response to an offer. */
export function checkUpgradeResponse(
  line: ResponseLine,
  fields: HandshakeFields,
  offer: UpgradeOffer,
  sha1: Sha1Base64,
): UpgradeResult | HandshakeFault {
  if (line.statusCode !== 101) return handshakeFault("status");
  if (line.version === "HTTP/1.0") return handshakeFault("httpVersion");
  const fault = faultOfUpgrade(fields);
  if (fault !== undefined) return handshakeFault(fault);
  // A server that lists several switches to all of them, one upon the other (RFC 9110 §7.8).
  if (parseList(fields.getAll("upgrade")).length > 1) return handshakeFault("upgradeSeveral");
  const [accept, ...otherAccepts] = fields.getAll("sec-websocket-accept");
  if (accept === undefined) return handshakeFault("acceptMissing");
  if (otherAccepts.length > 0) return handshakeFault("acceptRepeated");
  if (trimBlanks(accept) !== acceptOf(offer.key, sha1)) return handshakeFault("acceptWrong");
  const deflate = checkExtensions(fields, offer.deflate ?? []);
  if (deflate !== undefined && "fault" in deflate) return deflate;
  const [protocol, ...otherProtocols] = fields.getAll("sec-websocket-protocol");
  if (otherProtocols.length > 0) return handshakeFault("protocolSeveral");
  if (protocol !== undefined && offer.protocols?.includes(protocol) !== true) {
    return handshakeFault("protocolNotOffered");
  }
  return { protocol, deflate };
}

/** Versions that a server names which refuses ours (§4.4), as they are spelt. */
export function offeredVersions(fields: HandshakeFields): readonly string[] {
  return fields
    .getAll("sec-websocket-version")
    .flatMap((value) => value.split(","))
    .map(trimBlanks)
    .filter((version) => version !== "");
}

function checkExtensions(
  fields: HandshakeFields,
  offers: readonly DeflateWishes[],
): DeflateAgreement | HandshakeFault | undefined {
  const values = fields.getAll("sec-websocket-extensions");
  if (values.length > 1) return handshakeFault("extensionsRepeated");
  const extensions = parseExtensions(values);
  if (extensions === undefined) return handshakeFault("extensionsMalformed");
  const isOffered = offers.length > 0;
  if (extensions.some(({ name }) => !isOffered || name.toLowerCase() !== DEFLATE_NAME)) {
    return handshakeFault("extensionNotOffered");
  }
  const [deflate, ...others] = extensions;
  if (deflate === undefined) return undefined;
  if (others.length > 0) return handshakeFault("extensionSeveral");
  return checkDeflate(deflate, offers) ?? handshakeFault("deflateParameters");
}
