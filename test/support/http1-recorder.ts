import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { NetError } from "#src/errors.js";
import type { FieldSection } from "#src/protocol/http1/field-section.js";
import type { Head } from "#src/protocol/http1/head.js";
import { DEFAULT_LIMITS, type Http1Limits } from "#src/protocol/http1/limits.js";
import { createParseError, FAULT, type FaultName } from "#src/protocol/http1/parse-fault.js";
import {
  AFTER_HEAD,
  type AfterHead,
  type RequestSink,
  type ResponseSink,
} from "#src/protocol/http1/parsing/message-sink.js";
import { RequestParser } from "#src/protocol/http1/parsing/request-parser.js";
import { ResponseParser } from "#src/protocol/http1/parsing/response-parser.js";
import { RequestHead } from "#src/protocol/http1/request-head.js";
import type { ResponseHead } from "#src/protocol/http1/response-head.js";
import { everyChunking } from "./every-chunking.js";

/** A message as the application would see it. */
export interface SeenMessage {
  readonly startLine: string;
  readonly fields: readonly string[];
  body: string;
  trailers: readonly string[];
}

/** What was made of a stream. */
export interface Seen {
  /** Every event as a line; body bytes that follow each other are one. */
  readonly events: readonly string[];
  /** Messages that are complete. */
  readonly messages: readonly SeenMessage[];
  /** The fault that ended it. */
  readonly fault: FaultName | undefined;
  readonly error: NetError | undefined;
  /** Bytes that were taken. */
  readonly takenBytes: number;
}

/** How to read. */
export interface ReadOptions {
  readonly limits?: Http1Limits;
  /** Requests that were sent, oldest first, "+" behind one that asks for an upgrade. */
  readonly methods?: readonly string[];
  /** What the sink answers to a head. Default: upgrade what asks for it, else go on. */
  readonly answer?: (head: Head) => AfterHead;
  /** Whether the peer finishes behind the last chunk. Default true. */
  readonly ends?: boolean;
  /** Whether the sink says stop behind each piece of a body and each message. */
  readonly stops?: boolean;
}

/** Writes down all that a parser tells. */
export class Http1Recorder implements RequestSink, ResponseSink {
  readonly events: string[] = [];
  readonly messages: SeenMessage[] = [];
  error: NetError | undefined = undefined;
  isUpgraded = false;
  readonly #options: ReadOptions;
  #message: SeenMessage | undefined = undefined;
  #inBody = false;

  constructor(options: ReadOptions = {}) {
    this.#options = options;
  }

  onMessageBegin(): void {
    this.#note("begin");
  }

  onRequestLine(method: string, target: string, version: string): void {
    this.#note(`request ${method} ${target} ${version}`);
  }

  onStatusLine(statusCode: number, reason: string, version: string): void {
    this.#note(`status ${version} ${statusCode} ${reason}`);
  }

  onHeader(name: string, value: string): void {
    this.#note(`header ${name}: ${value}`);
  }

  onHeadersComplete(head: RequestHead | ResponseHead): AfterHead {
    const { bodyLength, keepAlive, isUpgrade, version } = head;
    const startLine =
      head instanceof RequestHead
        ? `${head.method} ${head.target} ${version}`
        : `${version} ${head.statusCode} ${head.reason}`;
    this.#note(`head body=${bodyLength} keepAlive=${keepAlive} upgrade=${isUpgrade}`);
    this.#message = { startLine, fields: linesOf(head), body: "", trailers: [] };
    const { answer } = this.#options;
    if (answer !== undefined) return answer(head);
    return isUpgrade ? AFTER_HEAD.upgrade : AFTER_HEAD.goOn;
  }

  onChunkHeader(chunkBytes: number, extensions: string): void {
    this.#note(`chunk ${chunkBytes}${extensions}`);
  }

  onBody(bytes: Buffer): boolean {
    assert.ok(bytes.length > 0, "an empty piece of a body");
    const text = bytes.toString("latin1");
    assert.ok(this.#message !== undefined);
    this.#message.body += text;
    if (this.#inBody) this.events.push(`${this.events.pop()}${text}`);
    else this.#note(`body ${text}`);
    this.#inBody = true;
    return this.#options.stops !== true;
  }

  onChunkComplete(): void {
    this.#note("chunk complete");
  }

  onTrailer(name: string, value: string): void {
    this.#note(`trailer ${name}: ${value}`);
  }

  onMessageComplete(trailers: FieldSection | undefined): boolean {
    assert.ok(this.#message !== undefined);
    this.#message.trailers = trailers === undefined ? [] : linesOf(trailers);
    this.messages.push(this.#message);
    this.#message = undefined;
    this.#note("complete");
    return this.#options.stops !== true;
  }

  onUpgrade(): void {
    this.isUpgraded = true;
    this.#note("upgrade");
  }

  onParseError(error: NetError): void {
    assert.ok(error instanceof NetError);
    assert.equal(this.error, undefined, "two errors");
    this.error = error;
    this.#note(`error ${error.code}`);
  }

  #note(event: string): void {
    this.#inBody = false;
    this.events.push(event);
  }
}

/** The text, Latin-1, as bytes. */
export function latin1(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** Reads requests that come in these chunks. */
export function readRequests(chunks: readonly Buffer[], options: ReadOptions = {}): Seen {
  const parser = new RequestParser(options.limits);
  return read(parser, "request", chunks, options);
}

/** Reads responses that come in these chunks. */
export function readResponses(chunks: readonly Buffer[], options: ReadOptions = {}): Seen {
  const parser = new ResponseParser(options.limits);
  for (const method of options.methods ?? ["GET"]) {
    parser.expect(method.replace("+", ""), method.endsWith("+"));
  }
  return read(parser, "response", chunks, options);
}

/** Reads one request, or several, that come whole. */
export function readRequest(text: string, options: ReadOptions = {}): Seen {
  return readRequests([latin1(text)], options);
}

/** Reads one response, or several, that come whole. */
export function readResponse(text: string, options: ReadOptions = {}): Seen {
  return readResponses([latin1(text)], options);
}

function read(
  parser: RequestParser | ResponseParser,
  kind: string,
  chunks: readonly Buffer[],
  options: ReadOptions,
): Seen {
  const recorder = new Http1Recorder(options);
  const bounds = options.limits ?? DEFAULT_LIMITS;
  const maxHeldBytes = bounds.maxHeadBytes + bounds.maxStartLineBytes + bounds.maxTrailerBytes;
  let takenBytes = 0;
  for (const chunk of chunks) {
    takenBytes += feedLent(parser, chunk, recorder);
    if (parser.heldBytes > maxHeldBytes) assert.fail(`held ${parser.heldBytes}`);
  }
  if (options.ends !== false) parser.end(recorder);
  const { events, messages, error } = recorder;
  const fault = error === undefined ? undefined : faultOf(error, kind, bounds);
  return { events, messages, error, fault, takenBytes };
}

/** Feeds a chunk that is lent: it is overwritten as soon as the parser is through with it. */
function feedLent(
  parser: RequestParser | ResponseParser,
  chunk: Buffer,
  recorder: Http1Recorder,
): number {
  const lent = Buffer.from(chunk);
  let taken = 0;
  while (taken < lent.length && !recorder.isUpgraded) {
    const count = recorder.events.length;
    const bytes = parser.feed(lent.subarray(taken), recorder);
    assert.ok(bytes > 0 || recorder.events.length > count, "took nothing for nothing");
    taken += bytes;
    assert.ok(taken <= lent.length, "took more than was fed");
  }
  lent.fill(0xee);
  return taken;
}

const faultsByMessage = new WeakMap<Http1Limits, Map<string, FaultName>>();

/** The fault that became this error: each has a sentence of its own. */
export function faultOf(error: NetError, kind: string, limits: Http1Limits): FaultName {
  let faults = faultsByMessage.get(limits);
  if (faults === undefined) {
    faults = new Map();
    for (const each of ["request", "response"]) {
      for (const name of Object.keys(FAULT) as FaultName[]) {
        faults.set(createParseError(FAULT[name], each, limits).message, name);
      }
    }
    faultsByMessage.set(limits, faults);
  }
  const fault = faults.get(error.message);
  assert.ok(fault !== undefined, `no fault has the message ${error.message}`);
  assert.ok(error.message.startsWith(kind));
  return fault;
}

function linesOf(section: FieldSection): string[] {
  return Array.from(section, ([name, value]) => `${name}: ${value}`);
}

/**
 * Reads requests whole, and then in every chunking, with and without a sink that stops: the same
 * must come of it.
 */
export function requestEveryWay(text: string, options: ReadOptions = {}): Seen {
  return everyWay(text, options, readRequests);
}

/** The same for responses. */
export function responseEveryWay(text: string, options: ReadOptions = {}): Seen {
  return everyWay(text, options, readResponses);
}

function everyWay(text: string, options: ReadOptions, read: typeof readRequests): Seen {
  const whole = read([latin1(text)], options);
  for (const stops of [false, true]) {
    for (const { title, chunks } of everyChunking(latin1(text), text.length)) {
      const seen = read(chunks, { ...options, stops });
      assert.deepEqual(seen.events, whole.events, `${title}, stops: ${stops}`);
      assert.equal(seen.fault, whole.fault, title);
    }
  }
  return whole;
}
