/**
 * The server's part of the opening handshake (RFC 6455 §4.2): reads what a client asked for, in the order of
 * §4.2.1, and writes what it agrees to. Between the two the application decides: Origin is handed on.
 */
import { describe, NetError } from "../../errors.js";
import { acceptOf, isKey, type Sha1Base64 } from "./accept-key.js";
import {
  type HandshakeFault,
  type HandshakeFaultName,
  handshakeFault,
  WEBSOCKET_VERSION,
} from "./handshake-fault.js";
import {
  type Extension,
  hasToken,
  parseExtensions,
  parseTokens,
  writeExtensions,
} from "./header-list.js";

/** Fields of a message; names in any case of letters. */
export interface HandshakeFields {
  /** Value of the first field of this name. */
  get(name: string): string | undefined;
  /** Values of all fields of this name, in their order, without the blanks around. */
  getAll(name: string): readonly string[];
}

/** The line of a request. */
export interface RequestLine {
  readonly method: string;
  /** As in `HTTP/1.1`. */
  readonly version: string;
  /** Whether content follows the head. */
  readonly hasBody?: boolean;
}

/** What a client asks for. */
export interface UpgradeRequest {
  readonly key: string;
  readonly host: string;
  /** Browsers always say where a page is from; others need not. Checking it is on the application. */
  readonly origin: string | undefined;
  /** Subprotocols in the order of preference. */
  readonly protocols: readonly string[];
  /** Extensions in the order of preference. */
  readonly extensions: readonly Extension[];
}

/** What a server agrees to. */
export interface UpgradeChoice {
  /** One of those that were offered, or none. */
  readonly protocol?: string | undefined;
  readonly extensions?: readonly Extension[];
}

/** Reads a request for a WebSocket. */
export function parseUpgradeRequest(
  line: RequestLine,
  fields: HandshakeFields,
): UpgradeRequest | HandshakeFault {
  const fault = faultOfLine(line, fields) ?? faultOfKey(fields) ?? faultOfVersion(fields);
  if (fault !== undefined) return handshakeFault(fault);
  const given = fields.getAll("sec-websocket-protocol");
  const protocols = given.length === 0 ? [] : parseTokens(given);
  if (protocols === undefined) return handshakeFault("protocolMalformed");
  if (protocols.length > 1 && new Set(protocols).size < protocols.length) {
    return handshakeFault("protocolRepeated");
  }
  const extensions = parseExtensions(fields.getAll("sec-websocket-extensions"));
  if (extensions === undefined) return handshakeFault("extensionsMalformed");
  return {
    key: fields.get("sec-websocket-key")!,
    host: fields.get("host")!,
    origin: fields.get("origin"),
    protocols,
    extensions,
  };
}

/** The first of the client's subprotocols that the server knows; undefined where there is none. */
export function selectProtocol(
  request: UpgradeRequest,
  known: readonly string[],
): string | undefined {
  return request.protocols.find((protocol) => known.includes(protocol));
}

/**
 * The fields of the response 101. Throws `INVALID_ARGUMENT` for a subprotocol or an extension that was not
 * offered: the client would have to fail.
 */
export function upgradeResponseFields(
  request: UpgradeRequest,
  choice: UpgradeChoice,
  sha1: Sha1Base64,
): readonly (readonly [name: string, value: string])[] {
  const { protocol, extensions = [] } = choice;
  const fields: [string, string][] = [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Accept", acceptOf(request.key, sha1)],
  ];
  if (protocol !== undefined) {
    assertOffered("subprotocol", protocol, request.protocols);
    fields.push(["Sec-WebSocket-Protocol", protocol]);
  }
  if (extensions.length > 0) {
    const offered = request.extensions.map(({ name }) => name.toLowerCase());
    for (const { name } of extensions) assertOffered("extension", name.toLowerCase(), offered);
    fields.push(["Sec-WebSocket-Extensions", writeExtensions(extensions)]);
  }
  return fields;
}

/** What both sides have to check of Upgrade and Connection. */
export function faultOfUpgrade(fields: HandshakeFields): HandshakeFaultName | undefined {
  const upgrade = fields.getAll("upgrade");
  if (upgrade.length === 0) return "upgradeMissing";
  if (!hasToken(upgrade, "websocket")) return "upgradeOther";
  const connection = fields.getAll("connection");
  if (connection.length === 0) return "connectionMissing";
  return hasToken(connection, "upgrade") ? undefined : "connectionOther";
}

function faultOfLine(line: RequestLine, fields: HandshakeFields): HandshakeFaultName | undefined {
  if (line.method !== "GET") return "method";
  if (line.version !== "HTTP/1.1" && !/^HTTP\/1\.[1-9]$/.test(line.version)) return "httpVersion";
  if (line.hasBody === true) return "content";
  if (fields.get("host") === undefined) return "hostMissing";
  return faultOfUpgrade(fields);
}

function faultOfKey(fields: HandshakeFields): HandshakeFaultName | undefined {
  const keys = fields.getAll("sec-websocket-key");
  const [key] = keys;
  if (key === undefined) return "keyMissing";
  if (keys.length > 1) return "keyRepeated";
  return isKey(key) ? undefined : "keyMalformed";
}

function faultOfVersion(fields: HandshakeFields): HandshakeFaultName | undefined {
  const versions = fields.getAll("sec-websocket-version");
  const [version] = versions;
  if (version === undefined) return "versionMissing";
  if (versions.length > 1) return "versionRepeated";
  return version === WEBSOCKET_VERSION ? undefined : "versionUnsupported";
}

function assertOffered(what: string, name: string, offered: readonly string[]): void {
  if (offered.includes(name)) return;
  throw new NetError(
    "INVALID_ARGUMENT",
    `the client has not offered the ${what} ${describe(name)}`,
    {
      operation: "handshake",
    },
  );
}
