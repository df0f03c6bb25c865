/**
 * A certificate for tests and trials, made on the spot: X.509 v3 (RFC 5280 §4.1), signed by its own
 * key, ECDSA on P-256 with SHA-256. Nothing is run and nothing is written.
 */
import { Buffer } from "node:buffer";
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import {
  assertInteger,
  assertKnownKeys,
  assertObject,
  assertText,
  describe,
  NetError,
} from "../errors.js";
import {
  bitString,
  der,
  derTrue,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  time,
  utf8String,
} from "./der-writer.js";

/** What {@link selfSignedCertificate} makes. */
export interface SelfSignedCertificateOptions {
  /** Host names (also `*.example.com`) and IP addresses it is for. Default `localhost`, `127.0.0.1`, `::1`. */
  readonly names?: readonly string[] | undefined;
  /** Further ones, beside those of `names`, as `tls.serverNames` has them. Default: none. */
  readonly serverNames?: readonly string[] | undefined;
  /** How long it is valid, from a day before `now` on. 1 to 36,500, default 30. */
  readonly days?: number | undefined;
  /** Default: the present time. */
  readonly now?: Date | undefined;
}

/** A certificate with its key; can be given as the option `tls`. */
export interface SelfSignedCertificate {
  /** PEM. */
  readonly cert: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  /** SHA-256, hexadecimal with colons, as `fingerprints` takes it. Not enumerable, so that `tls` takes the whole. */
  readonly fingerprint: string;
}

const DAY_MS = 86_400_000;
const DEFAULT_NAMES = ["localhost", "127.0.0.1", "::1"];

const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
const COMMON_NAME = "2.5.4.3";
const BASIC_CONSTRAINTS = "2.5.29.19";
const KEY_USAGE = "2.5.29.15";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const SUBJECT_ALT_NAME = "2.5.29.17";
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

const VERSION_TAG = 0xa0;
const EXTENSIONS_TAG = 0xa3;
const DNS_NAME_TAG = 0x82;
const IP_ADDRESS_TAG = 0x87;
/** RFC 5280, ub-common-name. */
const MAX_COMMON_NAME_LENGTH = 64;
/** digitalSignature, the first of nine bits. */
const DIGITAL_SIGNATURE = Buffer.from([0x80]);

/**
 * Makes a key and a certificate for it. A peer trusts it with `ca: cert`, or with `verify: "pin"` and
 * its `fingerprint`. Throws `INVALID_ARGUMENT`.
 */
export function selfSignedCertificate(
  options: SelfSignedCertificateOptions = {},
): SelfSignedCertificate {
  assertObject("the options of selfSignedCertificate", options);
  assertKnownKeys("selfSignedCertificate", options, ["names", "serverNames", "days", "now"]);
  const { names: first = DEFAULT_NAMES, serverNames = [], days = 30, now = new Date() } = options;
  assertInteger("days", days, 1, 36_500);
  if (!Array.isArray(first) || first.length === 0) {
    throw invalid(`names must be a list that is not empty, not ${describe(first)}`);
  }
  if (!Array.isArray(serverNames)) {
    throw invalid(`serverNames must be a list, not ${describe(serverNames)}`);
  }
  if (!(now instanceof Date) || Number.isNaN(now.getTime())) {
    throw invalid(`now must be a Date, not ${describe(now)}`);
  }
  const names = [...new Set<string>([...first, ...serverNames])];
  for (const name of names) assertText("a name of the certificate", name);
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = sequence(objectIdentifier(ECDSA_WITH_SHA256));
  const name = sequence(
    set(
      sequence(
        objectIdentifier(COMMON_NAME),
        utf8String(names[0]!.slice(0, MAX_COMMON_NAME_LENGTH)),
      ),
    ),
  );
  const content = sequence(
    der(VERSION_TAG, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    name,
    sequence(time(new Date(now.getTime() - DAY_MS)), time(new Date(now.getTime() + days * DAY_MS))),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(EXTENSIONS_TAG, extensions(names)),
  );
  const certificate = sequence(content, algorithm, bitString(sign("sha256", content, privateKey)));
  const made = {
    cert: pem(certificate),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    fingerprint: fingerprintOf(certificate),
  };
  // `tls` refuses options that it does not know.
  return Object.defineProperty(made, "fingerprint", { enumerable: false });
}

function extensions(names: readonly string[]): Buffer {
  return sequence(
    extension(BASIC_CONSTRAINTS, true, sequence()),
    extension(KEY_USAGE, true, bitString(DIGITAL_SIGNATURE, 7)),
    extension(
      EXTENDED_KEY_USAGE,
      false,
      sequence(objectIdentifier(SERVER_AUTH), objectIdentifier(CLIENT_AUTH)),
    ),
    extension(SUBJECT_ALT_NAME, false, sequence(...names.map(alternativeName))),
  );
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  const critical = isCritical ? [derTrue()] : [];
  return sequence(objectIdentifier(id), ...critical, octetString(value));
}

function alternativeName(name: string): Buffer {
  const address = addressBytes(name);
  if (address !== undefined) return der(IP_ADDRESS_TAG, address);
  if (!/^[\x21-\x7e]+$/.test(name)) throw invalid(`${describe(name)} is no host name`);
  return der(DNS_NAME_TAG, Buffer.from(name, "ascii"));
}

/** The bytes of an IPv4 or IPv6 address; undefined for what is none. */
function addressBytes(text: string): Buffer | undefined {
  if (/^\d+(\.\d+){3}$/.test(text)) {
    const octets = text.split(".").map(Number);
    if (octets.some((octet) => octet > 255)) throw invalid(`${describe(text)} is no address`);
    return Buffer.from(octets);
  }
  if (!/^[\da-f:]*:[\da-f:]*$/i.test(text)) return undefined;
  const [head = "", tail] = text.split("::");
  const before = groupsOf(head);
  const after = groupsOf(tail ?? "");
  const zeroCount = tail === undefined ? 0 : Math.max(1, 8 - before.length - after.length);
  const groups = [...before, ...Array<string>(zeroCount).fill("0"), ...after];
  const hex = groups.map((group) => group.padStart(4, "0")).join("");
  if (groups.length !== 8 || hex.length !== 32) throw invalid(`${describe(text)} is no address`);
  return Buffer.from(hex, "hex");
}

function groupsOf(part: string): string[] {
  return part === "" ? [] : part.split(":");
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

function fingerprintOf(certificate: Buffer): string {
  const hex = createHash("sha256").update(certificate).digest("hex").toUpperCase();
  return (hex.match(/../g) ?? []).join(":");
}

function invalid(message: string): NetError {
  return new NetError("INVALID_ARGUMENT", `certificate: ${message}`, { operation: "configure" });
}
