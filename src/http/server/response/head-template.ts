/**
 * A head that was written before, up to the digits of Content-Length, so that writing the same again
 * takes one copy. Applications respond with the same few fields over and over; comparing them takes a
 * twentieth of writing them anew. `bench/questions/http.mjs` pays for it: 16 pipelined requests, a
 * quarter more. The plain writer stays what decides what a head looks like, and what can be sent.
 */
import { Buffer } from "node:buffer";
import { EncodedFields } from "../../../protocol/http1/writing/encoded-fields.js";
import type { FieldInput, FieldValue } from "../../../protocol/http1/writing/field-writer.js";
import { writeDecimal } from "../../../protocol/http1/writing/text-writer.js";
import type { AddedLines } from "./added-fields.js";

/** Behind the digits of the length. */
const HEAD_END = "\r\n\r\n";
const ENDING: Buffer = Buffer.from(`\r\nContent-Length: 0${HEAD_END}`);
const DIGITS = 16;
const TEMPLATE_COUNT = 4;
const MAX_SKIP_COUNT = 63;
const CR = 0x0d;
const LF = 0x0a;

/** What a head depends on. */
export interface HeadKey {
  readonly statusCode: number;
  /** The reason phrase; undefined: the registered one. */
  readonly reason: string | undefined;
  readonly fields: FieldInput;
  readonly addedLines: AddedLines;
  readonly isKept: boolean;
}

/** A head without the digits of its length. */
export class HeadTemplate {
  /** Whether the head tells that the connection closes. */
  readonly saysClose: boolean;
  private readonly statusCode: number;
  private readonly reason: string | undefined;
  private readonly addedLines: AddedLines;
  private readonly isKept: boolean;
  private readonly encoded: EncodedFields | undefined;
  private readonly names: readonly string[];
  private readonly values: readonly unknown[];
  private readonly octets: Uint8Array;

  private constructor(key: HeadKey, octets: Uint8Array, saysClose: boolean) {
    this.statusCode = key.statusCode;
    this.reason = key.reason;
    this.addedLines = key.addedLines;
    this.isKept = key.isKept;
    this.encoded = key.fields instanceof EncodedFields ? key.fields : undefined;
    this.names = this.encoded === undefined ? Object.keys(key.fields) : [];
    this.values = this.encoded === undefined ? Object.values(key.fields) : [];
    this.octets = octets;
    this.saysClose = saysClose;
  }

  /**
   * Makes one of the head of a response with an empty body. Undefined where that head does not end with
   * a length of 0 that was added, or its fields can't be compared.
   */
  static of(key: HeadKey, head: Buffer, saysClose: boolean): HeadTemplate | undefined {
    const end = head.length - ENDING.length;
    if (end < 0 || !head.subarray(end).equals(ENDING) || !isComparable(key.fields))
      return undefined;
    const octets = Uint8Array.from(head.subarray(0, head.length - HEAD_END.length - 1));
    return new HeadTemplate(key, octets, saysClose);
  }

  /** Whether it is the head for this. */
  fits(key: HeadKey): boolean {
    if (key.statusCode !== this.statusCode || key.addedLines !== this.addedLines) return false;
    if (key.isKept !== this.isKept || key.reason !== this.reason) return false;
    const { fields } = key;
    if (this.encoded !== undefined) return fields === this.encoded;
    return isPlain(fields) && this.hasAll(fields);
  }

  private hasAll(fields: Readonly<Record<string, unknown>>): boolean {
    const { names, values } = this;
    let index = 0;
    // Without `Object.keys`, which allocates. Nothing is inherited: see `isPlain`.
    for (const name in fields) {
      if (names[index] !== name || values[index] !== fields[name]) return false;
      index++;
    }
    return index === names.length;
  }

  /** Writes the head for a body of `bodyBytes`. Returns the offset behind, or −1 without room. */
  write(target: Buffer, offset: number, bodyBytes: number): number {
    const { octets } = this;
    if (offset + octets.length + DIGITS + HEAD_END.length > target.length) return -1;
    target.set(octets, offset);
    const end = writeDecimal(target, offset + octets.length, bodyBytes);
    target[end] = CR;
    target[end + 1] = LF;
    target[end + 2] = CR;
    target[end + 3] = LF;
    return end + 4;
  }
}

/** The templates of a server: those that were used last. */
export class HeadTemplates {
  private readonly templates: HeadTemplate[] = [];
  private oldest = 0;
  /** Heads that are not made into templates: the more, the longer those that were made are no use. */
  private skipCount = 0;
  private skipLeft = 0;

  /** The one that fits. */
  find(key: HeadKey): HeadTemplate | undefined {
    const { templates } = this;
    for (let index = 0; index < templates.length; index++) {
      const template = templates[index] as HeadTemplate;
      if (!template.fits(key)) continue;
      this.skipCount = 0;
      this.skipLeft = 0;
      return template;
    }
    return undefined;
  }

  /** Whether to make one of a head for which there is none. */
  wantsMore(): boolean {
    if (this.skipLeft === 0) return true;
    this.skipLeft--;
    return false;
  }

  /** Puts one in for the oldest; undefined: it could not be made. */
  add(template: HeadTemplate | undefined): void {
    this.skipCount = Math.min(2 * this.skipCount + 1, MAX_SKIP_COUNT);
    this.skipLeft = this.skipCount;
    if (template === undefined) return;
    this.templates[this.oldest] = template;
    this.oldest = (this.oldest + 1) % TEMPLATE_COUNT;
  }
}

type PlainFields = Readonly<Record<string, FieldValue>>;

/** An object as it is written in a program, with nothing inherited. */
function isPlain(fields: FieldInput): fields is PlainFields {
  return Object.getPrototypeOf(fields) === Object.prototype && !(Symbol.iterator in fields);
}

/** Whether the same values are the same text. */
function isComparable(fields: FieldInput): boolean {
  if (fields instanceof EncodedFields) return true;
  if (!isPlain(fields)) return false;
  return Object.values(fields).every(
    (value) => typeof value === "string" || Number.isFinite(value),
  );
}
