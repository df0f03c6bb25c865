/**
 * Reads messages of one connection and one direction (RFC 9112), whatever way their bytes are cut.
 *
 *     idle ── first byte ──► head ── no body ───────────────────────────────► idle
 *      ▲                      ├── Content-Length ──► length ───── all came ──────┤
 *      │                      ├── chunked ─────────► chunks ───── last chunk ────┤
 *      └── CR LF (emptyLine)  └── neither ─────────► untilClose ─ end() ─────────┘
 *
 *     after a message: upgraded, where the sink or the response said so; a byte behind a message
 *     that was the connection's last is a fault · any state ── fault ──► failed
 *
 * Invariants: state is set before a sink is called; each message gets `onMessageComplete` or
 * `onParseError`, once and last; memory is the reader's for a head that was cut, and bounded by
 * the limits; each byte is looked at once, those of a body only as chunks demand.
 */
import type { Buffer } from "node:buffer";
import { NetError } from "../../../errors.js";
import { CR, LF } from "../character-table.js";
import type { FieldSection } from "../field-section.js";
import { BODY, type Head } from "../head.js";
import type { Http1Limits } from "../limits.js";
import { createParseError, FAULT } from "../parse-fault.js";
import { ChunkParser } from "./chunk-parser.js";
import { HeadScanner, type StartLineScanner } from "./head-scanner.js";
import { AFTER_HEAD, type MessageSink } from "./message-sink.js";
import type { RepeatedHead } from "./repeated-head.js";
import { SectionReader } from "./section-reader.js";

const IDLE = 0;
const EMPTY_LINE = 1;
const IN_HEAD = 2;
const IN_LENGTH = 3;
const IN_CHUNKS = 4;
const UNTIL_CLOSE = 5;
const UPGRADED = 6;
const FAILED = 7;

/** What a parser is reading, for deadlines and for what an end of the connection means. */
export type ParserPhase = "idle" | "head" | "body" | "upgraded" | "failed";

const PHASES: readonly ParserPhase[] = [
  "idle",
  "idle",
  "head",
  "body",
  "body",
  "body",
  "upgraded",
  "failed",
];

/** What requests and responses have in common. */
export abstract class MessageParser<SomeHead extends Head, Sink extends MessageSink<SomeHead>> {
  protected readonly limits: Http1Limits;
  private readonly reader: SectionReader<SomeHead>;
  private readonly maxEmptyLines: number;
  private readonly repeated: RepeatedHead | undefined;
  private head: SomeHead;
  private chunks: ChunkParser | undefined = undefined;
  private state = IDLE;
  private emptyLineCount = 0;
  /** Bytes that are still to come of a body, or that may come of one without length. */
  private bodyBytes = 0;
  private upgrades = false;
  /** The message that is being read, or was read, is the last of the connection. */
  private isLast = false;

  /**
   * `maxEmptyLines`: −1 where empty lines before a message are no part of the protocol. `repeated`: where
   * what {@link settle} makes of a head depends on its bytes alone.
   */
  protected constructor(
    limits: Http1Limits,
    head: SomeHead,
    line: StartLineScanner<SomeHead>,
    maxEmptyLines: number,
    repeated?: RepeatedHead,
  ) {
    this.limits = limits;
    this.head = head;
    this.reader = new SectionReader(new HeadScanner(line, head, limits), head);
    this.maxEmptyLines = maxEmptyLines;
    this.repeated = repeated;
  }

  /** What is being read. */
  get phase(): ParserPhase {
    return PHASES[this.state]!;
  }

  /** Memory held for a head or trailer section that is not whole, in bytes. */
  get heldBytes(): number {
    return this.reader.heldBytes + (this.chunks?.heldBytes ?? 0);
  }

  /** Whether it is between two messages, and knows of nothing that was before: it can read for another connection. */
  get isFresh(): boolean {
    return this.state === IDLE && this.emptyLineCount === 0 && !this.isLast;
  }

  /** Lets go of the bytes of the last message; behind an upgrade, what follows is of another connection. */
  forget(): void {
    if (this.state === UPGRADED) this.state = IDLE;
    this.repeated?.leave();
    if (!this.head.isKept) this.head.forgetBytes();
  }

  /** What is read, for messages of errors. */
  protected abstract readonly kind: string;
  protected abstract createHead(): SomeHead;
  /** A message begins. Returns a fault, or 0. */
  protected abstract begin(): number;
  /** Makes `head` what `last` is, but for its bytes. */
  protected abstract takeOver(head: SomeHead, last: SomeHead): void;
  /** The head was scanned: applies the rules for it as a whole. Returns a fault, or 0. */
  protected abstract settle(head: SomeHead): number;
  /** Whether the protocol changes behind this message, whatever the sink says. */
  protected abstract mustUpgrade(head: SomeHead): boolean;
  /** Tells the sink of the start line, where it wants to know. */
  protected abstract tellStartLine(head: SomeHead, sink: Sink): void;

  /**
   * Reads bytes and tells the sink what they are. Returns how many it took: all, unless the sink
   * said stop or the protocol changed; the rest is to be fed again, or belongs to the new protocol.
   * What is wrong with the bytes goes to `onParseError`. Throws NetError `INVALID_STATE` for bytes
   * behind an upgrade.
   */
  feed(bytes: Buffer, sink: Sink): number {
    const end = bytes.length;
    let position = 0;
    let goesOn = true;
    while (position < end && goesOn) {
      switch (this.state) {
        case IDLE:
        case EMPTY_LINE:
          if (this.skipEmptyLine(bytes[position]!, sink)) position++;
          else if (this.state !== IDLE) break;
          else if (this.repeated?.matches(bytes, position) === true && !this.isLast) {
            const { byteCount } = this.repeated;
            goesOn = this.repeatHead(bytes, position, byteCount, sink);
            position += byteCount;
          } else this.beginMessage(sink);
          break;
        case IN_HEAD: {
          const next = this.reader.read(bytes, position);
          if (next < 0) this.fail(next, sink);
          else position = next;
          if (!this.reader.isWhole) break;
          if (this.settleHead(sink)) goesOn = this.finishHead(sink);
          break;
        }
        case IN_LENGTH:
        case UNTIL_CLOSE: {
          const from = position;
          position = Math.min(end, from + this.bodyBytes);
          if (position === from) this.fail(FAULT.bodyTooLarge, sink);
          else goesOn = this.readBody(bytes.subarray(from, position), sink);
          break;
        }
        case IN_CHUNKS: {
          const next = this.chunks!.feed(bytes, position, sink);
          if (next < 0) this.fail(next, sink);
          else position = next;
          if (next >= 0) goesOn = this.afterChunks(sink);
          break;
        }
        case UPGRADED:
          throw new NetError("INVALID_STATE", "the connection has changed its protocol", {
            operation: "receive",
          });
        default:
          return end;
      }
    }
    return position;
  }

  /** The peer has finished: ends a body without length; a message that is not whole is an error. */
  end(sink: Sink): void {
    if (this.state === UNTIL_CLOSE) this.complete(sink, undefined);
    else if (this.phase === "head" || this.phase === "body") this.fail(FAULT.truncated, sink);
    this.isLast = true;
  }

  /** Takes an octet of an empty line before a message. Returns whether it was one. */
  private skipEmptyLine(octet: number, sink: Sink): boolean {
    if (this.state === EMPTY_LINE) {
      this.state = IDLE;
      if (octet !== LF) this.fail(FAULT.bareCr, sink);
      return octet === LF;
    }
    if (this.maxEmptyLines < 0 || (octet !== CR && octet !== LF)) return false;
    this.state = EMPTY_LINE;
    this.emptyLineCount++;
    if (octet === LF) this.fail(FAULT.bareLf, sink);
    else if (this.emptyLineCount > this.maxEmptyLines) this.fail(FAULT.tooManyEmptyLines, sink);
    return true;
  }

  private beginMessage(sink: Sink): void {
    const fault = this.isLast ? FAULT.afterLast : this.begin();
    if (fault !== 0) {
      this.fail(fault, sink);
      return;
    }
    this.state = IN_HEAD;
    this.emptyLineCount = 0;
    this.repeated?.lose();
    if (this.head.isKept) this.head = this.createHead();
    this.reader.begin(this.head);
    sink.onMessageBegin?.();
  }

  /** The head that was read last has come again, at `position`. Returns whether to go on. */
  private repeatHead(bytes: Buffer, position: number, byteCount: number, sink: Sink): boolean {
    const last = this.head;
    this.state = IN_HEAD;
    this.emptyLineCount = 0;
    if (last.isKept) {
      this.head = this.createHead();
      this.takeOver(this.head, last);
    }
    this.head.settle(bytes, position, byteCount, false);
    sink.onMessageBegin?.();
    return this.finishHead(sink);
  }

  /** Returns whether the head is as it must be. */
  private settleHead(sink: Sink): boolean {
    const { head, repeated } = this;
    let fault = this.settle(head);
    if (fault === 0 && head.bodyLength > this.limits.maxBodyBytes) fault = FAULT.bodyTooLarge;
    if (fault !== 0) this.fail(fault, sink);
    else if (repeated?.wantsNext() === true) repeated.note(head.octets, isSecret(head));
    return fault === 0;
  }

  /** Returns whether to go on. */
  private finishHead(sink: Sink): boolean {
    const { head } = this;
    const { bodyLength, hasBody } = head;
    this.isLast = !head.keepAlive;
    this.tellStartLine(head, sink);
    if (sink.onHeader !== undefined) {
      for (let index = 0; index < head.fieldCount; index++) {
        sink.onHeader(head.nameAt(index)!, head.valueAt(index)!);
      }
    }
    this.upgrades = this.mustUpgrade(head);
    const next = sink.onHeadersComplete(head);
    if (next === AFTER_HEAD.upgrade) this.upgrades = true;
    if (!hasBody || next === AFTER_HEAD.skipBody) return this.complete(sink, undefined);
    this.beginBody(bodyLength);
    return next !== AFTER_HEAD.stop;
  }

  private beginBody(bodyLength: number): void {
    if (bodyLength === BODY.chunked) {
      this.chunks ??= new ChunkParser(this.limits);
      this.chunks.begin();
      this.state = IN_CHUNKS;
    } else if (bodyLength === BODY.untilClose) {
      this.bodyBytes = this.limits.maxBodyBytes;
      this.state = UNTIL_CLOSE;
    } else {
      this.bodyBytes = bodyLength;
      this.state = IN_LENGTH;
    }
  }

  private readBody(part: Buffer, sink: Sink): boolean {
    this.bodyBytes -= part.length;
    const goesOn = sink.onBody(part);
    if (this.bodyBytes > 0 || this.state === UNTIL_CLOSE) return goesOn;
    // The end is told at once, even to a sink that has said stop: no byte may follow to tell it.
    return this.complete(sink, undefined) && goesOn;
  }

  private afterChunks(sink: Sink): boolean {
    const chunks = this.chunks!;
    if (chunks.isDone) return this.complete(sink, chunks.trailers);
    return !chunks.isStopped;
  }

  private complete(sink: Sink, trailers: FieldSection | undefined): boolean {
    if (!this.upgrades) {
      this.state = IDLE;
      return sink.onMessageComplete(trailers);
    }
    this.state = UPGRADED;
    sink.onMessageComplete(trailers);
    sink.onUpgrade?.();
    return false;
  }

  private fail(fault: number, sink: Sink): void {
    this.state = FAILED;
    this.upgrades = false;
    sink.onParseError(createParseError(fault, this.kind, this.limits));
  }
}

const SECRET_FIELDS = ["cookie", "authorization", "proxy-authorization"] as const;

function isSecret(head: Head): boolean {
  return SECRET_FIELDS.some((name) => head.has(name));
}
