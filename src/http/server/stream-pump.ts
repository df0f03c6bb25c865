import type { Data } from "../../connection/connection.js";
import { NetError } from "../../errors.js";
import type { ResponseWriter } from "./response-writer.js";

/**
 * Sends what `source` yields as fast as the peer takes it, and ends the response. Resolves true when
 * all was given to the connection, false when that ended before. What `source` throws breaks the
 * response off and rejects.
 */
export async function pumpInto(
  writer: ResponseWriter,
  source: AsyncIterable<Data> | Iterable<Data>,
): Promise<boolean> {
  try {
    for await (const piece of source) {
      if (writer.write(piece)) continue;
      await writer.drained();
    }
    return writer.end();
  } catch (error) {
    if (error instanceof NetError && error.code === "CONNECTION_CLOSED") return false;
    writer.abort();
    throw error;
  }
}
