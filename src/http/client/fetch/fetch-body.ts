/** The body of a Request: as a whole where all of it is there at once, so that it can be sent again. */
import { Buffer } from "node:buffer";
import { settlesAtOnce } from "../../at-once.js";
import type { BodyChunks, RequestBody } from "../request-content.js";

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
    if (!(await settlesAtOnce(reading))) return restOf(pieces, reading, reader);
    const { done, value } = await reading;
    if (done) return Buffer.concat(pieces);
    pieces.push(value);
    byteCount += value.byteLength;
    if (byteCount > MAX_WHOLE_BYTES) return restOf(pieces, reader.read(), reader);
  }
}

async function* restOf(
  pieces: readonly Uint8Array[],
  reading: Reading,
  reader: Reader,
): AsyncGenerator<Uint8Array, void, undefined> & BodyChunks {
  try {
    yield* pieces;
    for (let piece = await reading; !piece.done; piece = await reader.read()) yield piece.value;
  } finally {
    // Who stops early does not want the rest.
    await reader.cancel().catch(() => {
      // The stream has failed already, which is told where it is read.
    });
  }
}
