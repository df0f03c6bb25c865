/** Sends the stream of a Response: with its length where all of it is there at once, else piece by piece. */
import type { FieldInput } from "../../../protocol/http1/writing/field-writer.js";
import { settlesAtOnce } from "../../at-once.js";
import { PumpBreath } from "../../pump-breath.js";
import type { ResponseWriter } from "../response/body-output.js";
import type { ServerExchange } from "../server-exchange.js";

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Chunk = Awaited<ReturnType<Reader["read"]>>;

/** Resolves when all was given to the connection. What the stream fails with rejects. */
export async function sendStream(
  exchange: ServerExchange,
  body: ReadableStream<Uint8Array>,
  status: number,
  fields: FieldInput,
): Promise<void> {
  const reader = body.getReader();
  const cancel = (error?: unknown): Promise<void> => reader.cancel(error).catch(ignored);
  // A stream that waits for data is cancelled when the peer has gone.
  exchange.onEnded = cancel;
  try {
    await sendFrom(reader, exchange, status, fields);
  } catch (error) {
    await cancel(error);
    throw error;
  }
}

async function sendFrom(
  reader: Reader,
  exchange: ServerExchange,
  status: number,
  fields: FieldInput,
): Promise<void> {
  const reading = reader.read();
  const first = await resultAtOnce(reading);
  const following = first?.done === false ? reader.read() : undefined;
  const second = following && (await resultAtOnce(following));
  if (first?.done === true || second?.done === true) {
    exchange.respond(status, fields, first?.value);
    return;
  }
  const writer = exchange.startResponse(status, fields);
  if (writer.isBodyless) {
    writer.end();
    await reader.cancel();
    return;
  }
  const breath = new PumpBreath(exchange.wheel.clock);
  await pump(reader, writer, breath, { chunk: await reading, following });
}

async function pump(
  reader: Reader,
  writer: ResponseWriter,
  breath: PumpBreath,
  first: { readonly chunk: Chunk; readonly following: Promise<Chunk> | undefined },
): Promise<void> {
  let ahead = first.following;
  for (let { chunk } = first; !chunk.done; ahead = undefined) {
    if (!writer.write(chunk.value)) await writer.drained();
    if (breath.isDue(chunk.value.byteLength)) await breath.taken();
    chunk = await (ahead ?? reader.read());
  }
  writer.end();
}

/** What is read, where that shows at once. Rejects where that is a failure. */
async function resultAtOnce(reading: Promise<Chunk>): Promise<Chunk | undefined> {
  return (await settlesAtOnce(reading)) ? reading : undefined;
}

/** Cancels the body of a Response that is not sent. */
export function cancelBody(response: unknown): void {
  if (typeof response !== "object" || response === null || !("body" in response)) return;
  const { body } = response;
  if (body instanceof ReadableStream && !body.locked) body.cancel().catch(ignored);
}

function ignored(): void {
  // The stream has failed already, which its reader reports.
}
