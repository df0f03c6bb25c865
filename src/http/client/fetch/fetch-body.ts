/** The body of a Request: as a whole where all of it is there at once, so that it can be sent again. */
import { Buffer } from "node:buffer";
import { settlesAtOnce } from "../../at-once.js";
import type { RequestBody } from "../request-content.js";

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Reading = ReturnType<Reader["read"]>;

/** More than that is sent as it comes. */
const MAX_WHOLE_BYTES = 1_048_576;

/** The body of `request`; undefined where it has none. Rejects with what its stream fails with. */
export async function bodyOf(request: Request): Promise<RequestBody | undefined> {
  if (request.body === null) return undefined;
  if (request.bodyUsed || request.body.locked) {
    throw new TypeError(
      "Cannot construct a Request with a Request object that has already been used.",
    );
  }
  const reader: Reader = request.body.getReader();
  const pieces: Uint8Array[] = [];
  let byteCount = 0;
  for (;;) {
    const reading = reader.read();
    if (!(await settlesAtOnce(reading))) return new RestOfBody(pieces, reading, reader);
    const { done, value } = await reading;
    if (done) return Buffer.concat(pieces);
    pieces.push(value);
    byteCount += value.byteLength;
    if (byteCount > MAX_WHOLE_BYTES) return new RestOfBody(pieces, reader.read(), reader);
  }
}

/**
 * The rest of a body that was not there at once. It is no generator: a generator that waits, or was not begun, can't
 * be cancelled.
 */
export class RestOfBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  private readonly pieces: Uint8Array[];
  private readonly reader: Reader;
  private ahead: Reading | undefined;

  /** `pieces` were read, `ahead` is being read. */
  constructor(pieces: Uint8Array[], ahead: Reading, reader: Reader) {
    this.pieces = pieces;
    this.ahead = ahead;
    this.reader = reader;
    // A failure before the next call is reported by that call.
    ahead.catch(ignored);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    const value = this.pieces.shift();
    if (value !== undefined) return { done: false, value };
    const reading = this.ahead ?? this.reader.read();
    this.ahead = undefined;
    return (await reading) as IteratorResult<Uint8Array>;
  }

  /** Cancels the rest, for `reason`. */
  async return(reason?: unknown): Promise<IteratorResult<Uint8Array>> {
    this.pieces.length = 0;
    await this.reader.cancel(reason).catch(ignored);
    return { done: true, value: undefined };
  }
}

function ignored(): void {
  // The stream has failed already, which its reader reports.
}
