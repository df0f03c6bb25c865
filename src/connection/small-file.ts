/** Small files that are sent whole, between a head and a tail (HP §2.4 SendSmallFile). */
import process from "node:process";
import { assertKnownKeys, assertObject, assertText, NetError } from "../errors.js";
import type { SmallFileOptions } from "./connection.js";
import { bytesOf } from "./data.js";

/** Most bytes of head, file and tail together. */
export const MAX_SMALL_FILE_BYTES: number = 4_194_303;

/** Head, file and tail as pieces. Rejects with `FILE_INVALID`. */
export async function readSmallFile(path: string, options: SmallFileOptions): Promise<Buffer[]> {
  assertText("path", path);
  assertObject("the options of sendSmallFile", options);
  assertKnownKeys("sendSmallFile", options, ["head", "tail"]);
  const head = bytesOf(options.head ?? "");
  const tail = bytesOf(options.tail ?? "");
  const room = MAX_SMALL_FILE_BYTES - head.length - tail.length;
  const content = await readAtMost(path, room);
  if (content.length === 0) throw invalid(`${path} is empty`);
  return [head, content, tail].filter((piece) => piece.length > 0);
}

async function readAtMost(path: string, maxBytes: number): Promise<Buffer> {
  const { readFile, stat } = process.getBuiltinModule("node:fs/promises"); // not loaded before it is wanted
  try {
    const { size } = await stat(path);
    if (size <= maxBytes) {
      const content = await readFile(path);
      if (content.length <= maxBytes) return content;
    }
  } catch (error) {
    throw invalid(`${path} can't be read: ${(error as Error).message}`, error);
  }
  throw invalid(
    `${path} is larger than a small file may be (${MAX_SMALL_FILE_BYTES} bytes with head and tail)`,
  );
}

function invalid(message: string, cause?: unknown): NetError {
  return new NetError("FILE_INVALID", message, { operation: "send", cause });
}
