/**
 * What a request carries: the forms in which an application can give it, reduced to two: bytes,
 * or chunks that come one after the other.
 */
import { describe, isNetError, NetError, textOf } from "../../errors.js";
import { BODY } from "../../protocol/http1/head.js";
import { invalid } from "../option-check.js";
import { encodeForm, formChunks } from "./form-content.js";

/** Chunks of a body; text is sent as UTF-8. */
export type BodyChunks = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;

/**
 * A body: text (UTF-8), bytes, form fields, a `Blob`, a web stream or anything that yields chunks. A
 * function makes chunks anew each time, so that the request can be sent again.
 */
export type RequestBody =
  | string
  | Uint8Array
  | ArrayBuffer
  | URLSearchParams
  | FormData
  | Blob
  | ReadableStream<Uint8Array>
  | BodyChunks
  | (() => BodyChunks);

/** A body that is ready to be sent. */
export class RequestContent {
  /** All of it, where it is known as a whole. */
  readonly bytes: Uint8Array | undefined;
  /** Bytes of it, or `BODY.none`, or `BODY.chunked` where its length is not known before. */
  readonly byteCount: number;
  /** The Content-Type, unless the request has one. */
  readonly type: string | undefined;
  /** Makes the chunks; undefined where there are none. */
  readonly open: (() => BodyChunks) | undefined;
  /** Whether it can be sent again. */
  readonly canRepeat: boolean;

  constructor(given: {
    readonly bytes?: Uint8Array | undefined;
    readonly byteCount: number;
    readonly type?: string | undefined;
    readonly open?: (() => BodyChunks) | undefined;
    readonly canRepeat: boolean;
  }) {
    this.bytes = given.bytes;
    this.byteCount = given.byteCount;
    this.type = given.type;
    this.open = given.open;
    this.canRepeat = given.canRepeat;
  }

  /** Nothing. */
  static readonly NONE: RequestContent = new RequestContent({
    byteCount: BODY.none,
    canRepeat: true,
  });

  /** Nothing, for methods whose requests usually have a body (RFC 9110 §8.6). */
  static readonly EMPTY: RequestContent = new RequestContent({ byteCount: 0, canRepeat: true });

  /** Takes any form. Throws `INVALID_ARGUMENT` for what is none. */
  static of(body: RequestBody | null | undefined, method: string): RequestContent {
    if (body === undefined || body === null) {
      return method === "POST" || method === "PUT" || method === "PATCH"
        ? RequestContent.EMPTY
        : RequestContent.NONE;
    }
    if (typeof body === "string") return ofBytes(Buffer.from(body, "utf8"));
    if (body instanceof Uint8Array) return ofBytes(body);
    if (body instanceof ArrayBuffer) return ofBytes(new Uint8Array(body));
    if (body instanceof URLSearchParams) {
      return ofBytes(
        Buffer.from(body.toString()),
        "application/x-www-form-urlencoded;charset=UTF-8",
      );
    }
    if (typeof body === "function") return ofChunks(body, true);
    if (body instanceof Blob) return ofBlob(body);
    if (body instanceof FormData) return ofForm(body);
    if (isIterable(body)) return ofChunks(() => body, false);
    throw invalid(`body must be text, bytes or something that yields them, not ${describe(body)}`);
  }
}

function ofBytes(bytes: Uint8Array, type?: string): RequestContent {
  return new RequestContent({ bytes, byteCount: bytes.length, type, canRepeat: true });
}

function ofChunks(open: () => BodyChunks, canRepeat: boolean): RequestContent {
  return new RequestContent({ byteCount: BODY.chunked, open, canRepeat });
}

function ofBlob(blob: Blob): RequestContent {
  const open = (): BodyChunks => blob.stream() as AsyncIterable<Uint8Array>;
  const type = blob.type === "" ? undefined : blob.type;
  return new RequestContent({ byteCount: blob.size, open, canRepeat: true, type });
}

function ofForm(form: FormData): RequestContent {
  const { type, byteCount, pieces } = encodeForm(form);
  const [first] = pieces;
  // A form without files is one piece.
  if (pieces.length === 1 && first instanceof Uint8Array) return ofBytes(first, type);
  return new RequestContent({ byteCount, open: () => formChunks(pieces), canRepeat: true, type });
}

function isIterable(body: unknown): body is BodyChunks {
  if (typeof body !== "object" || body === null) return false;
  return Symbol.asyncIterator in body || Symbol.iterator in body;
}

/** The bytes of a chunk. Throws `INVALID_ARGUMENT` for what is none. */
export function chunkBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === "string") return Buffer.from(chunk, "utf8");
  throw invalid(`a chunk of a body must be text or bytes, not ${describe(chunk)}`);
}

/** The error for a body whose source has failed. */
export function contentFailed(cause: unknown): NetError {
  if (isNetError(cause)) return cause;
  return new NetError("HANDLER_FAILED", `the body of the request failed: ${textOf(cause)}`, {
    operation: "send",
    cause,
  });
}
