/** `for await` over a connection: one read after the other, until it ends in good order. */
import { NetError } from "../../errors.js";

/** What `read` gives, again and again. Ends with the connection; throws what ended it otherwise. */
export async function* chunksOf(
  read: () => Promise<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  for (;;) {
    let chunk: Buffer;
    try {
      chunk = await read();
    } catch (error) {
      const isClosed = error instanceof NetError && error.code === "CONNECTION_CLOSED";
      if (isClosed && error.cause === undefined) return;
      throw error;
    }
    yield chunk;
  }
}
