/**
 * Writes field lines that nothing can be injected through: names are tokens, values have no control
 * characters but HTAB (RFC 9110 §5), and the fields that frame and route a message are held to the
 * rules by which the parser reads them. Hot.
 */
import { Buffer } from "node:buffer";
import { isChunkedCoding, parseLength } from "../body-framing.js";
import { COLON, FIELD_TEXT, isText, SP, TOKEN } from "../character-table.js";
import { optionsIn } from "../connection-options.js";
import { FIELD_KIND, fieldKind } from "../field-kind.js";
import { HOST_FORM, hostForm } from "../host.js";
import { isExpectationList, isProtocolList, isTokenList } from "../list-value.js";
import { EncodedFields, FieldNotes } from "./encoded-fields.js";
import { PassedFields } from "./passed-fields.js";
import { refused, writeLineEnd, writeOctets, writeText } from "./text-writer.js";

/** A value: one field line, or one for each element. */
export type FieldValue = string | number | readonly string[];

/**
 * Fields to be sent: an object, pairs, anything that yields pairs each time it is iterated (`Headers`,
 * a `Map`, a received `FieldSection`), fields that were encoded before, or fields that are passed on. A field
 * whose value is undefined is left out.
 */
export type FieldInput =
  | EncodedFields
  | PassedFields
  | Iterable<readonly [name: string, value: FieldValue | undefined]>
  | Readonly<Record<string, FieldValue | undefined>>;

const NAME = { table: TOKEN, what: "the name of a field must be a token" };
const VALUE = {
  table: FIELD_TEXT,
  what: "the value of a field must be Latin-1 text without control characters",
};
const FIELDS_RULE = "fields must be an object or yield pairs of name and value";
/** What is said of a malformed value, by kind of field. */
const STEERING_RULES: readonly string[] = [
  "",
  "Host must be a host with an optional port",
  "Content-Length must be a whole number",
  'Transfer-Encoding must be "chunked"',
  "Connection must be a list of tokens",
  "Expect must be a list of expectations, such as 100-continue",
  "Upgrade must be a list of protocols, such as websocket or name/version",
];
const DATE = Buffer.from("date");
const KEEP_ALIVE = Buffer.from("keep-alive");
const NOWHERE = new Uint8Array(0);
/** ": " and CRLF. */
const LINE_OVERHEAD = 4;

/** Writes field lines, one behind the other. */
export class FieldWriter {
  /** Where to write. */
  target: Uint8Array = NOWHERE;
  /** Where the next octet goes. */
  offset = 0;
  /** What was written since the beginning. */
  readonly notes: FieldNotes = new FieldNotes();

  /** Begins at `offset` of `target`. */
  begin(target: Uint8Array, offset: number): void {
    this.target = target;
    this.offset = offset;
    this.notes.clear();
  }

  /** Whether `byteCount` bytes fit. */
  hasRoom(byteCount: number): boolean {
    return this.offset + byteCount <= this.target.length;
  }

  /** Writes octets that are known to be sound. Returns false when there is no room. */
  writeOctets(octets: Uint8Array): boolean {
    if (!this.hasRoom(octets.length)) return false;
    this.offset = writeOctets(this.target, this.offset, octets);
    return true;
  }

  /** Writes all fields. Returns false when there is no room. Throws `INVALID_ARGUMENT`. */
  writeAll(fields: FieldInput): boolean {
    if (fields instanceof EncodedFields) return this.writeEncoded(fields);
    if (fields instanceof PassedFields) return this.writePassed(fields);
    if (typeof fields !== "object" || fields === null || ArrayBuffer.isView(fields)) {
      throw refused(FIELDS_RULE, fields);
    }
    if (isIterable(fields)) {
      for (const pair of fields) {
        if (!Array.isArray(pair)) throw refused(FIELDS_RULE, pair);
        if (!this.write(pair[0] as string, pair[1] as FieldValue | undefined)) return false;
      }
      return true;
    }
    for (const name of Object.keys(fields)) {
      if (!this.write(name, fields[name])) return false;
    }
    return true;
  }

  private writeEncoded({ notes, octets }: EncodedFields): boolean {
    this.notes.addAll(notes);
    return this.writeOctets(octets);
  }

  /** What was read by the rules of {@link writeLine} is copied. */
  private writePassed(fields: PassedFields): boolean {
    const { section, added } = fields;
    const { target } = this;
    for (let index = 0; index < section.fieldCount; index++) {
      if (!fields.passes(index)) continue;
      const lineBytes = section.nameBytes(index) + section.valueBytes(index) + LINE_OVERHEAD;
      if (!this.hasRoom(lineBytes)) return false;
      const nameEnd = section.writeName(index, target, this.offset);
      target[nameEnd] = COLON;
      target[nameEnd + 1] = SP;
      this.endLine(nameEnd, section.writeValue(index, target, nameEnd + 2));
    }
    return added === undefined || this.writeEncoded(added);
  }

  /** Writes a field. Returns false when there is no room. Throws `INVALID_ARGUMENT`. */
  write(name: string, value: FieldValue | undefined): boolean {
    if (typeof value === "string") return this.writeLine(name, value);
    if (value === undefined) return true;
    if (typeof value === "number") return this.writeLine(name, String(value));
    if (!Array.isArray(value)) throw refused(VALUE.what, value);
    for (const element of value as readonly string[]) {
      if (!this.writeLine(name, element)) return false;
    }
    return true;
  }

  private writeLine(name: string, value: string): boolean {
    if (typeof name !== "string" || name.length === 0) throw refused(NAME.what, name);
    if (typeof value !== "string") throw refused(VALUE.what, value);
    if (!this.hasRoom(name.length + value.length + LINE_OVERHEAD)) return false;
    const { target, offset } = this;
    const nameEnd = writeText(target, offset, name, NAME);
    target[nameEnd] = COLON;
    target[nameEnd + 1] = SP;
    this.endLine(nameEnd, writeText(target, nameEnd + 2, value, VALUE));
    return true;
  }

  /** Notes what the line says that was written at the offset, and ends it. */
  private endLine(nameEnd: number, valueEnd: number): void {
    const { target, offset } = this;
    const kind = fieldKind(target, offset, nameEnd);
    if (kind !== FIELD_KIND.other) this.note(kind, nameEnd + 2, valueEnd);
    else if (isText(target, offset, nameEnd, DATE)) this.notes.hasDate = true;
    else if (isText(target, offset, nameEnd, KEEP_ALIVE)) this.notes.hasKeepAlive = true;
    this.offset = writeLineEnd(target, valueEnd);
  }

  /** Notes a field that steers, and holds its value to what a parser would take. */
  private note(kind: number, start: number, end: number): void {
    const { target, notes } = this;
    notes.addKinds(1 << kind);
    let isSound = true;
    if (kind === FIELD_KIND.connection) {
      isSound = isTokenList(target, start, end);
      notes.connectionOptions |= optionsIn(target, start, end);
    } else if (kind === FIELD_KIND.contentLength) {
      notes.contentLength = parseLength(target, start, end);
      isSound = notes.contentLength >= 0;
    } else if (kind === FIELD_KIND.transferEncoding) {
      isSound = isChunkedCoding(target, start, end);
    } else if (kind === FIELD_KIND.host) {
      isSound = hostForm(target, start, end) !== HOST_FORM.malformed;
    } else if (kind === FIELD_KIND.upgrade) {
      isSound = isProtocolList(target, start, end);
    } else {
      isSound = isExpectationList(target, start, end);
    }
    if (isSound) return;
    const value = Buffer.from(target.subarray(start, end)).toString("latin1");
    throw refused(STEERING_RULES[kind]!, value);
  }
}

function isIterable(
  fields: FieldInput,
): fields is Iterable<readonly [name: string, value: FieldValue | undefined]> {
  return Symbol.iterator in fields;
}
