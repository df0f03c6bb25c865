/**
 * What node:net has no way to set or ask of a TCP socket, by foreign calls on its descriptor: where koffi is there, on
 * Linux, and where this Node shows the handles of its sockets. Loaded when it is first needed.
 */
import type { Server, Socket } from "node:net";
import process from "node:process";
import { loadKoffi } from "../koffi.js";
import { bindOptionCalls, OPTION_PROCESSORS, type OptionCalls } from "../option-calls.js";

let known: OptionCalls | string | undefined;

/** The calls, or why there are none. */
export function socketCalls(): OptionCalls | string {
  known ??= load();
  return known;
}

function load(): OptionCalls | string {
  if (process.platform !== "linux" || !OPTION_PROCESSORS.includes(process.arch)) {
    return `by foreign calls it can be done on Linux alone, not on ${process.platform} (${process.arch})`;
  }
  try {
    return bindOptionCalls(loadKoffi());
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
    return `by foreign calls it needs koffi, which can't be loaded: ${why}`;
  }
}

/** Calls `ask` with the calls and the descriptor of `socket`; undefined where one of them is missing. */
export function askSocket<Answer>(
  socket: Socket | Server,
  ask: (calls: OptionCalls, descriptor: number) => Answer,
): Answer | undefined {
  const handle: unknown = Reflect.get(socket, "_handle");
  if (typeof handle !== "object" || handle === null || !("fd" in handle)) return undefined;
  const { fd } = handle;
  if (typeof fd !== "number" || fd < 0) return undefined;
  const calls = socketCalls();
  return typeof calls === "string" ? undefined : ask(calls, fd);
}
