/** Field lines that are bytes already, and what they say of the message that they are in. */
import { Buffer } from "node:buffer";
import { FIELD_KIND } from "../field-kind.js";
import { refused } from "./text-writer.js";

/** Kinds of which a head can have one field only. */
const SINGLE_NAMES: readonly (readonly [kind: number, name: string])[] = [
  [FIELD_KIND.host, "Host"],
  [FIELD_KIND.contentLength, "Content-Length"],
  [FIELD_KIND.transferEncoding, "Transfer-Encoding"],
];
/** Their bits. */
const SINGLE_KINDS =
  (1 << FIELD_KIND.host) | (1 << FIELD_KIND.contentLength) | (1 << FIELD_KIND.transferEncoding);

/** What was written: which of the fields that a head would add by itself, and what they say. */
export class FieldNotes {
  /** Bits `1 << kind`. */
  kinds = 0;
  /** What Content-Length says; −1 without one. */
  contentLength: number = -1;
  /** `CONNECTION_OPTION` bits. */
  connectionOptions = 0;
  hasDate = false;
  hasKeepAlive = false;

  /** Whether a field of this kind was written. */
  has(kind: number): boolean {
    return (this.kinds & (1 << kind)) !== 0;
  }

  /** Forgets everything. */
  clear(): void {
    this.kinds = 0;
    this.contentLength = -1;
    this.connectionOptions = 0;
    this.hasDate = false;
    this.hasKeepAlive = false;
  }

  /** Adds a kind. Throws `INVALID_ARGUMENT` where there can be one only, and is one. */
  addKinds(kinds: number): void {
    const repeated = this.kinds & kinds & SINGLE_KINDS;
    if (repeated !== 0) {
      const name = SINGLE_NAMES.find(([kind]) => (repeated & (1 << kind)) !== 0)?.[1];
      throw refused(`${name} can be given once`, "several times");
    }
    this.kinds |= kinds;
  }

  /** Adds what other notes say. */
  addAll(other: FieldNotes): void {
    this.addKinds(other.kinds);
    if (other.contentLength >= 0) this.contentLength = other.contentLength;
    this.connectionOptions |= other.connectionOptions;
    this.hasDate ||= other.hasDate;
    this.hasKeepAlive ||= other.hasKeepAlive;
  }
}

/** Fields that are sent often, checked and made into bytes once: see `encodeFields`. */
export class EncodedFields {
  /** The field lines. */
  readonly octets: Uint8Array;
  /** What is in them. */
  readonly notes: FieldNotes;

  constructor(octets: Uint8Array, notes: FieldNotes) {
    this.octets = octets;
    this.notes = notes;
  }

  /** The fields, one after the other. */
  *pairs(): Generator<[name: string, value: string], void, undefined> {
    for (const line of Buffer.from(this.octets).toString("latin1").split("\r\n")) {
      const colon = line.indexOf(": ");
      if (colon > 0) yield [line.slice(0, colon), line.slice(colon + 2)];
    }
  }
}
