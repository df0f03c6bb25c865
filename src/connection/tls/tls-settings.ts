/**
 * The option `tls` of components: what can be given, and what can't be. That certificates, keys and
 * names fit each other is looked at by the engine that makes a context of them.
 */
import type { TlsClientOptions, TlsServerOptions } from "../../engine/tls-options.js";
import {
  assertBoolean,
  assertFunction,
  assertInteger,
  assertKnownKeys,
  assertOneOf,
  describe,
  NetError,
} from "../../errors.js";

/** When the handshake begins. */
export interface TlsStart {
  /** `immediate` (default): with the connection. `manual`: when `connection.startTls()` is called. */
  readonly start?: "immediate" | "manual" | undefined;
}

/** The option `tls` of a server. */
export type ServerTls = TlsServerOptions & TlsStart;

/** The option `tls` of a client or an agent. */
export type ClientTls = TlsClientOptions & TlsStart;

/** The option `tls` of a component. */
export type TlsSettings = ServerTls | ClientTls;

/** Throws `INVALID_ARGUMENT` unless `value` is valid. `name`: of the option, for messages. */
type Check = (name: string, value: unknown) => void;

const MAX_PROTOCOL_LENGTH = 255;
/** With a byte before each: all extensions of a hello have 65,535 bytes together, a ticket up to 16,384 of them. */
const MAX_PROTOCOLS_BYTES = 16_384;
const TICKET_KEY_BYTES = 48;

const CERTIFICATE_CHECKS: Readonly<Record<string, Check>> = {
  cert: assertTextOrBytes,
  certFile: assertText,
  key: assertTextOrBytes,
  keyFile: assertText,
  pfx: assertBytes,
  pfxFile: assertText,
  passphrase: assertText,
};

const SHARED_CHECKS: Readonly<Record<string, Check>> = {
  ...CERTIFICATE_CHECKS,
  ca: (name, value) => {
    for (const one of Array.isArray(value) ? value : [value]) assertTextOrBytes(name, one);
  },
  caFile: assertText,
  crl: assertTextOrBytes,
  crlFile: assertText,
  minVersion: oneOf("TLSv1.2", "TLSv1.3"),
  maxVersion: oneOf("TLSv1.2", "TLSv1.3"),
  ciphers: assertText,
  groups: assertText,
  alpnProtocols: assertProtocols,
  start: oneOf("immediate", "manual"),
};

const CHECKS: Readonly<Record<"server" | "client", Readonly<Record<string, Check>>>> = {
  server: {
    ...SHARED_CHECKS,
    serverNames: assertServerNames,
    selectCertificate: assertFunction,
    clientCertificate: oneOf("none", "request", "require"),
    sessionTickets: assertBoolean,
    ticketKeys: (name, value) => {
      assertBytes(name, value);
      if ((value as Uint8Array).length === TICKET_KEY_BYTES) return;
      throw invalid(`${name} must have ${TICKET_KEY_BYTES} bytes, not ${describe(value)}`);
    },
    ticketRotationMs: (name, value) => assertInteger(name, value, 0, Number.MAX_SAFE_INTEGER),
    sessionTimeoutSeconds: (name, value) => assertInteger(name, value, 1, 604_800),
  },
  client: {
    ...SHARED_CHECKS,
    serverName: assertServerName,
    verify: oneOf("full", "pin", "none"),
    fingerprints: (name, value) => {
      if (!Array.isArray(value)) throw invalid(`${name} must be an array, not ${describe(value)}`);
      for (const one of value) assertText(name, one);
    },
    resumeSessions: assertBoolean,
  },
};

/** Throws `INVALID_ARGUMENT` for invalid options, alone or together. */
export function assertTlsSettings(role: "server" | "client", settings: TlsSettings): void {
  assertAll("tls", settings, CHECKS[role]);
  const { minVersion = "TLSv1.2", maxVersion = "TLSv1.3" } = settings;
  if (minVersion > maxVersion) {
    throw invalid(
      `tls.minVersion (${minVersion}) must not be above tls.maxVersion (${maxVersion})`,
    );
  }
  const { ticketKeys, ticketRotationMs = 0, clientCertificate } = settings as ServerTls;
  // Node would take the certificate of any authority in the world for one of ours.
  if (
    clientCertificate === "require" &&
    settings.ca === undefined &&
    settings.caFile === undefined
  ) {
    throw invalid(
      'tls.clientCertificate "require" needs tls.ca or tls.caFile: whose certificates to let in',
    );
  }
  if (ticketKeys !== undefined && ticketRotationMs > 0) {
    throw invalid("tls.ticketRotationMs is for keys that are made here, not for tls.ticketKeys");
  }
}

function assertAll(name: string, value: unknown, checks: Readonly<Record<string, Check>>): void {
  if (typeof value !== "object" || value === null) {
    throw invalid(`${name} must be an object, not ${describe(value)}`);
  }
  assertKnownKeys(name, value, Object.keys(checks));
  for (const [key, one] of Object.entries(value)) {
    if (one !== undefined) checks[key]?.(`${name}.${key}`, one);
  }
}

function oneOf(...choices: readonly string[]): Check {
  return (name, value) => assertOneOf(name, value, choices);
}

function assertText(name: string, value: unknown): void {
  if (typeof value === "string" && value !== "") return;
  throw invalid(`${name} must be text, not ${describe(value)}`);
}

/** White space and control characters are in no host name; some parsers end a name there. */
function assertServerName(name: string, value: unknown): void {
  assertText(name, value);
  if (/^[^\p{Cc}\s]{1,255}$/u.test(value as string)) return;
  throw invalid(`${name} must be a name of up to 255 visible characters, not ${describe(value)}`);
}

function assertBytes(name: string, value: unknown): void {
  if (Buffer.isBuffer(value)) return;
  throw invalid(`${name} must be a Buffer, not ${describe(value)}`);
}

function assertTextOrBytes(name: string, value: unknown): void {
  if (typeof value === "string" || Buffer.isBuffer(value)) return;
  throw invalid(`${name} must be text or a Buffer, not ${describe(value)}`);
}

/** RFC 7301 §3.1. */
function assertProtocols(name: string, value: unknown): void {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalid(`${name} must be an array that is not empty, not ${describe(value)}`);
  }
  let listBytes = 0;
  for (const one of value) {
    assertText(name, one);
    const byteCount = Buffer.byteLength(one as string);
    if (byteCount > MAX_PROTOCOL_LENGTH) {
      throw invalid(`${name}: a name has at most ${MAX_PROTOCOL_LENGTH} bytes, not ${byteCount}`);
    }
    listBytes += 1 + byteCount;
  }
  if (listBytes <= MAX_PROTOCOLS_BYTES) return;
  const text = `${name}: all names, each with a byte before it, have at most ${MAX_PROTOCOLS_BYTES} bytes`;
  throw invalid(`${text}, not ${listBytes}`);
}

function assertServerNames(name: string, value: unknown): void {
  if (typeof value !== "object" || value === null) {
    throw invalid(`${name} must be an object, not ${describe(value)}`);
  }
  for (const [host, certificate] of Object.entries(value)) {
    assertAll(`${name}[${describe(host)}]`, certificate, CERTIFICATE_CHECKS);
  }
}

function invalid(message: string): NetError {
  return new NetError("INVALID_ARGUMENT", message, { operation: "configure" });
}
