/** Sizes of one engine: its ring, its memory, its work per turn. */
import process from "node:process";
import { SEGMENT_BYTES } from "../../../bytes/send-memory.js";
import {
  assertInteger,
  assertKnownKeys,
  assertOneOf,
  describe,
  NetError,
} from "../../../errors.js";

/** Options of `createUringEngine`. Every one has a default that suits servers of any load. */
export interface UringOptions {
  /** Operations that are handed to the kernel at once; a power of two. Default 256. */
  readonly submissionEntries?: number;
  /**
   * Completions that can wait for us; a power of two. More are kept by the kernel. Default 4,096.
   */
  readonly completionEntries?: number;
  /** Receive buffers, shared by all sockets of the thread; a power of two. Default 64. */
  readonly receiveBufferCount?: number;
  /**
   * Bytes of one receive buffer, a multiple of 64: about what one `streamReceived` can bring at
   * most. Datagrams that are larger are dropped. Default 65,536.
   */
  readonly receiveBufferBytes?: number;
  /** Memory for copies of small writes, a multiple of 65,536. Default 4 MiB. */
  readonly sendArenaBytes?: number;
  /** Completions handled before timers and the rest of the process get a turn. Default 256. */
  readonly turnCompletions?: number;
  /**
   * Sockets that can be open at once, where they belong to the ring (see `ownership`). Default: the
   * limit of descriptors of the process (`RLIMIT_NOFILE`), which it can't exceed, at most 131,072.
   */
  readonly maxSockets?: number;
  /**
   * How long to look for the next completion before the thread goes to sleep, in microseconds.
   * Costs that much processor time at each wake-up, and saves the time of waking up: 20 nearly
   * double what one connection carries to and fro. Default 0.
   */
  readonly spinMicroseconds?: number;
  /**
   * Whether sockets belong to the ring, and go with its thread, or to the process, whose limit of
   * descriptors then rules. `auto`: to the ring where the kernel can (6.10); where it can't, there
   * is no engine in a worker thread, whose sockets would outlive `terminate()`. Default `auto`.
   */
  readonly ownership?: "auto" | "process";
  /**
   * Checks that each receive buffer and arena region is used by one side at a time, and overwrites
   * those that were given back. Costs much. Default: whether `HP_SOCKET_URING_DEBUG` is `1`.
   */
  readonly debug?: boolean;
}

/** {@link UringOptions} with every default filled in. `maxSockets` 0: the limit of the process. */
export type UringSettings = Required<UringOptions>;

const DEFAULTS: Omit<UringSettings, "debug"> = {
  submissionEntries: 256,
  completionEntries: 4096,
  receiveBufferCount: 64,
  receiveBufferBytes: 65_536,
  sendArenaBytes: 4_194_304,
  turnCompletions: 256,
  maxSockets: 0,
  spinMicroseconds: 0,
  ownership: "auto",
};

const CACHE_LINE_BYTES = 64;

function assertMultiple(name: string, value: number, of: number): void {
  if (value % of !== 0) throw invalid(`${name} must be a multiple of ${of}, not ${value}`);
}

function assertPowerOfTwo(name: string, value: number, min: number, max: number): void {
  assertInteger(name, value, min, max);
  if ((value & (value - 1)) !== 0) throw invalid(`${name} must be a power of two, not ${value}`);
}

function invalid(message: string): NetError {
  return new NetError("INVALID_ARGUMENT", message, { operation: "configure" });
}

/** Checks the options and fills in the defaults. Throws `INVALID_ARGUMENT`. */
export function uringSettings(options: UringOptions): UringSettings {
  assertKnownKeys("the uring engine", options, [...Object.keys(DEFAULTS), "debug"]);
  const settings: UringSettings = {
    ...DEFAULTS,
    debug: process.env["HP_SOCKET_URING_DEBUG"] === "1",
    ...options,
  };
  assertPowerOfTwo("submissionEntries", settings.submissionEntries, 1, 32_768);
  assertPowerOfTwo("completionEntries", settings.completionEntries, 2, 65_536);
  if (settings.completionEntries < settings.submissionEntries) {
    const { completionEntries, submissionEntries } = settings;
    const text = `completionEntries (${completionEntries}) must not be less than`;
    throw invalid(`${text} submissionEntries (${submissionEntries})`);
  }
  assertPowerOfTwo("receiveBufferCount", settings.receiveBufferCount, 1, 32_768);
  assertInteger("receiveBufferBytes", settings.receiveBufferBytes, 1_024, 16_777_216);
  assertMultiple("receiveBufferBytes", settings.receiveBufferBytes, CACHE_LINE_BYTES);
  assertInteger("sendArenaBytes", settings.sendArenaBytes, SEGMENT_BYTES, 1_073_741_824);
  assertMultiple("sendArenaBytes", settings.sendArenaBytes, SEGMENT_BYTES);
  if (settings.receiveBufferBytes * settings.receiveBufferCount > 1_073_741_824) {
    throw invalid("receiveBufferCount × receiveBufferBytes must not be more than 1 GiB");
  }
  assertInteger("turnCompletions", settings.turnCompletions, 1, 1_000_000);
  assertInteger("maxSockets", settings.maxSockets, 0, 1_048_576);
  assertInteger("spinMicroseconds", settings.spinMicroseconds, 0, 10_000);
  assertOneOf("ownership", settings.ownership, ["auto", "process"]);
  if (settings.ownership === "process" && settings.maxSockets !== 0) {
    throw invalid("maxSockets has no meaning with ownership: process");
  }
  if (typeof settings.debug !== "boolean") {
    throw invalid(`debug must be true or false, not ${describe(settings.debug)}`);
  }
  return settings;
}
