/**
 * Standard output and standard error of the program. Who reads them may go away at any time
 * (`hp-socket … | head`): from then on what is written is dropped, without a word.
 */
import process from "node:process";
import { pipeline } from "node:stream/promises";

const goneListeners: (() => void)[] = [];
let isGone = false;

/** Makes a reader that goes away harmless. To be called once, before anything is written. */
export function toleratePipeEnd(): void {
  process.stdout.on("error", (error) => {
    assertPipeEnd(error);
    isGone = true;
    for (const listener of goneListeners.splice(0)) listener();
  });
  process.stderr.on("error", assertPipeEnd);
}

function assertPipeEnd(error: Error): void {
  if (!("code" in error) || error.code !== "EPIPE") throw error;
}

/** Calls back when nobody reads standard output any more. */
export function onOutputGone(listener: () => void): void {
  if (isGone) listener();
  else goneListeners.push(listener);
}

/** Writes lines to standard output. Answers false when it is full: `drain` comes when it is not. */
export function print(text: string): boolean {
  return write(`${text}\n`);
}

/** Writes text as it is to standard output. See {@link print}. */
export function write(text: string): boolean {
  return isGone || process.stdout.write(text);
}

/**
 * Writes bytes to standard output, no faster than they are read there. Ends early where nobody reads
 * any more. Rejects as `chunks` does.
 */
export async function pour(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    if (!isGone) await pipeline(chunks, process.stdout, { end: false });
  } catch (error) {
    assertPipeEnd(error as Error);
  }
}

/** Writes one line to standard error, with the name of the program and its command before it. */
export function complain(commandName: string | undefined, text: string): void {
  const name = commandName === undefined ? "hp-socket" : `hp-socket ${commandName}`;
  process.stderr.write(`${name}: ${text}\n`);
}
