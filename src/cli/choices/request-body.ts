/** `--data` in all its forms, as the body of a request. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import type { HttpFollowOptions } from "../../http/index.js";
import { UsageError } from "../command-line.js";

/** A body that was typed, or named. */
export interface OpenData {
  readonly init: Pick<HttpFollowOptions, "body" | "bodyLength">;
  /** Lets go of what it comes from. */
  close(): void;
}

const INPUT = "@-";

/** Opens what `--data` says. Rejects with {@link UsageError} for a file that can't be read. */
export async function openData(data: string | undefined, input: Readable): Promise<OpenData> {
  const close = (): void => {
    if (data === INPUT) input.destroy();
  };
  if (data === undefined) return { init: {}, close };
  if (data === INPUT) return { init: { body: input }, close };
  if (!data.startsWith("@")) return { init: { body: data }, close };
  const path = data.slice(1);
  const byteCount = await sizeOf(path);
  const body = (): AsyncIterable<Uint8Array> => createReadStream(path);
  // What is no plain file, a pipe for example, has no length before it is read.
  return { init: { body, ...(byteCount !== undefined && { bodyLength: byteCount }) }, close };
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new Error("it is a folder");
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    throw new UsageError(`--data @${path} can't be sent: ${(error as Error).message}`);
  }
}
