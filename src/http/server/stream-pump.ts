import type { Data } from "../../connection/connection.js";
import { NetError } from "../../errors.js";
import { Breath } from "./pump-breath.js";
import type { ResponseWriter } from "./response-writer.js";

/**
 * Sends what `source` yields as fast as the peer takes it, and ends the response. One without body is
 * ended at once, and its source closed. Resolves true when all was given to the connection, false
 * when that ended before. What `source` throws breaks the response off and rejects.
 */
export async function pumpInto(
  writer: ResponseWriter,
  source: AsyncIterable<Data> | Iterable<Data>,
): Promise<boolean> {
  const { isBodyless } = writer;
  const breath = new Breath();
  try {
    const isSent = isBodyless && writer.end();
    for await (const piece of source) {
      if (isBodyless) return isSent;
      if (!writer.write(piece)) await writer.drained();
      if (breath.isDue(piece.length)) await breath.taken();
    }
    return isBodyless ? isSent : writer.end();
  } catch (error) {
    if (error instanceof NetError && error.code === "CONNECTION_CLOSED") return false;
    writer.abort();
    throw error;
  }
}
