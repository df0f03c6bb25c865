/**
 * Takes a chunked body apart (RFC 9112 §7.1):
 *
 *     size [ extensions ] CRLF  data CRLF   …   0 [ extensions ] CRLF  [ trailer fields ] CRLF
 *
 *     sizeStart ── digit ──► inSize ── ";" or BWS ──► inExtension
 *         ▲                    │ CR                       │ CR
 *         │                    ▼                          │
 *         │                  sizeLf ◄─────────────────────┘
 *         │                    │ LF         └── LF, size 0 ──► lastStart ── CR ──► lastLf ── LF ──► done
 *         │                    ▼                                  └── else ──► inTrailers ──────────┘
 *         └── dataLf ◄── dataCr ◄── inData
 *
 * Hot: data are views into the fed bytes. Nothing here grows with what a chunk announces.
 */
import type { Buffer } from "node:buffer";
import { CR, HEX_VALUE, HTAB, LF, SEMICOLON, SP } from "../character-table.js";
import { FieldSection } from "../field-section.js";
import type { Http1Limits } from "../limits.js";
import { FAULT } from "../parse-fault.js";
import {
  EXTENSION_BETWEEN,
  EXTENSION_ERROR,
  mayEndExtension,
  nextExtensionState,
} from "./chunk-extension.js";
import { FieldScanner } from "./field-scanner.js";
import type { BodySink } from "./message-sink.js";
import { SectionReader } from "./section-reader.js";

const SIZE_START = 0;
const IN_SIZE = 1;
const IN_EXTENSION = 2;
const SIZE_LF = 3;
const IN_DATA = 4;
const DATA_CR = 5;
const DATA_LF = 6;
const LAST_START = 7;
const LAST_LF = 8;
const IN_TRAILERS = 9;

const MAX_SIZE_DIGITS = 16;

/** Parses one chunked body after the other. */
export class ChunkParser {
  private readonly limits: Http1Limits;
  private state = SIZE_START;
  private sizeDigits = 0;
  /** Size of the chunk, then what is still to come of it. */
  private chunkBytes = 0;
  private bodyBytes = 0;
  private extensionState = EXTENSION_BETWEEN;
  private extensionBytes = 0;
  private extensionText = "";
  private trailerReader: SectionReader<FieldSection> | undefined = undefined;
  private section: FieldSection | undefined = undefined;
  /** Whether the body is complete. */
  isDone = false;
  /** Whether the sink said stop. */
  isStopped = false;
  /** The trailer fields of a body that is complete. */
  trailers: FieldSection | undefined = undefined;

  constructor(limits: Http1Limits) {
    this.limits = limits;
  }

  /** Memory held for an unfinished trailer section, in bytes. */
  get heldBytes(): number {
    return this.trailerReader?.heldBytes ?? 0;
  }

  /** Begins with a body. */
  begin(): void {
    this.state = SIZE_START;
    this.bodyBytes = 0;
    this.extensionBytes = 0;
    this.isDone = false;
    this.trailers = undefined;
  }

  /** Reads on from `position`. Returns the position behind what it took, or a fault. */
  feed(bytes: Buffer, from: number, sink: BodySink): number {
    const end = bytes.length;
    let position = from;
    this.isStopped = false;
    while (position < end && !this.isDone && !this.isStopped) {
      switch (this.state) {
        case SIZE_START:
        case IN_SIZE:
          position = this.readSize(bytes, position);
          break;
        case IN_EXTENSION:
          position = this.readExtension(bytes, position, sink);
          break;
        case SIZE_LF:
          if (bytes[position] !== LF) return FAULT.bareCr;
          position++;
          this.beginChunk(sink);
          break;
        case IN_DATA:
          position = this.readData(bytes, position, sink);
          break;
        case DATA_CR:
          if (bytes[position] !== CR) return FAULT.chunkEnd;
          position++;
          this.state = DATA_LF;
          break;
        case DATA_LF:
          if (bytes[position] !== LF) return FAULT.chunkEnd;
          position++;
          this.state = SIZE_START;
          sink.onChunkComplete?.();
          break;
        case LAST_START:
          position = this.readLastStart(bytes, position);
          break;
        case LAST_LF:
          if (bytes[position] !== LF) return FAULT.bareCr;
          position++;
          this.finish(sink);
          break;
        default:
          position = this.readTrailers(bytes, position, sink);
      }
      if (position < 0) return position;
    }
    return position;
  }

  private readSize(bytes: Buffer, from: number): number {
    let position = from;
    if (this.state === SIZE_START) {
      this.state = IN_SIZE;
      this.sizeDigits = 0;
      this.chunkBytes = 0;
      this.extensionText = "";
    }
    for (; position < bytes.length; position++) {
      const octet = bytes[position]!;
      const digit = HEX_VALUE[octet]!;
      if (digit < 0) return this.endSize(octet, position);
      this.sizeDigits++;
      this.chunkBytes = this.chunkBytes * 16 + digit;
      if (this.sizeDigits > MAX_SIZE_DIGITS || this.chunkBytes > Number.MAX_SAFE_INTEGER) {
        return FAULT.chunkSizeRange;
      }
    }
    return position;
  }

  private endSize(octet: number, position: number): number {
    if (this.sizeDigits === 0) return FAULT.chunkSize;
    if (this.bodyBytes + this.chunkBytes > this.limits.maxBodyBytes) return FAULT.bodyTooLarge;
    if (octet === CR) {
      this.state = SIZE_LF;
      return position + 1;
    }
    if (octet === LF) return FAULT.bareLf;
    if (octet !== SEMICOLON && octet !== SP && octet !== HTAB) return FAULT.chunkSize;
    this.state = IN_EXTENSION;
    this.extensionState = EXTENSION_BETWEEN;
    return position;
  }

  private readExtension(bytes: Buffer, from: number, sink: BodySink): number {
    let position = from;
    while (position < bytes.length && bytes[position] !== CR) {
      this.extensionState = nextExtensionState(this.extensionState, bytes[position]!);
      if (this.extensionState === EXTENSION_ERROR) {
        return bytes[position] === LF ? FAULT.bareLf : FAULT.chunkExtension;
      }
      position++;
      this.extensionBytes++;
      if (this.extensionBytes > this.limits.maxChunkExtensionBytes) {
        return FAULT.chunkExtensionsTooLong;
      }
    }
    if (sink.onChunkHeader !== undefined) {
      this.extensionText += bytes.toString("latin1", from, position);
    }
    if (position === bytes.length) return position;
    if (!mayEndExtension(this.extensionState)) return FAULT.chunkExtension;
    this.state = SIZE_LF;
    return position + 1;
  }

  private beginChunk(sink: BodySink): void {
    this.state = this.chunkBytes === 0 ? LAST_START : IN_DATA;
    this.bodyBytes += this.chunkBytes;
    sink.onChunkHeader?.(this.chunkBytes, this.extensionText.trimStart());
  }

  private readData(bytes: Buffer, position: number, sink: BodySink): number {
    const dataEnd = Math.min(bytes.length, position + this.chunkBytes);
    this.chunkBytes -= dataEnd - position;
    if (this.chunkBytes === 0) this.state = DATA_CR;
    this.isStopped = !sink.onBody(bytes.subarray(position, dataEnd));
    return dataEnd;
  }

  private readLastStart(bytes: Buffer, position: number): number {
    if (bytes[position] === CR) {
      this.state = LAST_LF;
      return position + 1;
    }
    this.state = IN_TRAILERS;
    if (this.section === undefined || this.section.isKept) this.section = new FieldSection();
    this.trailerReader ??= this.createTrailerReader(this.section);
    this.trailerReader.begin(this.section);
    return position;
  }

  private createTrailerReader(section: FieldSection): SectionReader<FieldSection> {
    const bounds = {
      maxBytes: this.limits.maxTrailerBytes,
      maxCount: this.limits.maxTrailerCount,
      tooLarge: FAULT.trailersTooLarge,
      tooMany: FAULT.tooManyTrailers,
    };
    return new SectionReader(new FieldScanner(bounds, section), section);
  }

  private readTrailers(bytes: Buffer, from: number, sink: BodySink): number {
    const reader = this.trailerReader!;
    const section = this.section!;
    const position = reader.read(bytes, from);
    if (position < 0 || !reader.isWhole) return position;
    if (section.hasKinds) return FAULT.trailerField;
    this.trailers = section;
    if (sink.onTrailer !== undefined) {
      for (let index = 0; index < section.fieldCount; index++) {
        sink.onTrailer(section.nameAt(index)!, section.valueAt(index)!);
      }
    }
    this.finish(sink);
    return position;
  }

  private finish(sink: BodySink): void {
    this.isDone = true;
    sink.onChunkComplete?.();
  }
}
