/**
 * Finds out that connections broke which nobody reads: libuv hears of a reset when it reads or writes, and of those that
 * are paused, or whose peer has finished, it does neither. So they are looked at in turn, some of them ten times a second.
 *
 *     getpeername answers     the connection stands
 *     it says ENOTCONN        it is over. A write of nothing tells why: by a reset (ECONNRESET; EPIPE behind the peer's
 *                             end), by silence (ETIMEDOUT, …), or (EPIPE behind our own end) because both have finished
 *
 * Neither takes any of the bytes that are unread. It needs the handles of sockets, which no document promises, and
 * Linux, whose answers these are; else nothing is found out, as `capabilities` says.
 */
import { writeSync } from "node:fs";
import { Socket } from "node:net";
import { constants } from "node:os";
import process from "node:process";
import { inRootContext } from "../../time/root-context.js";
import { errnoNameOf } from "../system-error.js";

/** Between two rounds. */
const ROUND_MS = 100;

/** Streams that a round looks at, most: about a millisecond. */
export const ROUND_STREAMS = 500;

const NOTHING = Buffer.alloc(0);
const NOT_CONNECTED = -constants.errno.ENOTCONN;

interface Handle {
  readonly fd?: unknown;
  readonly getpeername?: unknown;
}

function handleOf(socket: Socket): Handle {
  const handle: unknown = Reflect.get(socket, "_handle");
  return typeof handle === "object" && handle !== null ? handle : {};
}

/** `true`, or why a reset is not found out while nothing is read. */
export const findsBreaks: true | string = canFindBreaks();

function canFindBreaks(): true | string {
  if (process.platform !== "linux") return "node:net hears of a reset when it reads or writes";
  const socket = new Socket();
  // A socket has its handle from `connect` on, which asks the kernel in a later turn.
  socket.on("error", () => {});
  socket.connect({ host: "127.0.0.1", port: 9, lookup: () => {} });
  const { getpeername } = handleOf(socket);
  socket.destroy();
  return typeof getpeername === "function" || "this Node shows no handles of its sockets";
}

/** The system's name of what has broken `socket`, a TCP connection; undefined while it stands, or has ended in good order. */
export function breakOf(socket: Socket, hasFinished: boolean): string | undefined {
  const handle = handleOf(socket);
  const { fd, getpeername } = handle;
  if (typeof fd !== "number" || fd < 0 || typeof getpeername !== "function") return undefined;
  if (getpeername.call(handle, {}) !== NOT_CONNECTED) return undefined;
  try {
    writeSync(fd, NOTHING);
    return undefined;
  } catch (error) {
    const name = errnoNameOf(error);
    return name === "EPIPE" && hasFinished ? undefined : name;
  }
}

/** A stream that may be quiet. */
export interface QuietStream {
  /** Ends itself if it has broken. Answers whether it is to be looked at again. */
  look(): boolean;
}

/** Looks at quiet streams in turn. */
export class QuietWatch {
  readonly #streams = new Set<QuietStream>();
  /** Where the next round goes on. */
  #next: Iterator<QuietStream> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Streams that are looked at. */
  get streamCount(): number {
    return this.#streams.size;
  }

  /** Looks at `stream` from now on, until its `look` answers false. */
  add(stream: QuietStream): void {
    this.#streams.add(stream);
    this.#timer ??= inRootContext(() => setInterval(() => this.round(), ROUND_MS).unref());
  }

  /** One round: as many streams as may be, each once at most. */
  round(): void {
    for (let left = Math.min(ROUND_STREAMS, this.#streams.size); left > 0; left--) {
      const stream = this.#take();
      if (stream === undefined) break;
      if (!stream.look()) this.#streams.delete(stream);
    }
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#next = undefined;
  }

  #take(): QuietStream | undefined {
    this.#next ??= this.#streams.values();
    const { value, done } = this.#next.next();
    if (done !== true) return value;
    this.#next = this.#streams.values();
    return this.#next.next().value;
  }
}
