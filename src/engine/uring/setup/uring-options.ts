/** Sizes of one engine: its ring, its memory, its work per turn. */
import process from "node:process";
import { SEGMENT_BYTES } from "../../../bytes/send-memory.js";
import { assertKnownKeys, assertObject, invalidArgument } from "../../../errors.js";
import {
  assertOrder,
  bytes,
  choice,
  count,
  flag,
  GIB,
  multipleOf,
  type OptionTable,
  optionNames,
  powerOfTwo,
  readOptions,
  type Settled,
} from "../../../options.js";

/** Options of `createUringEngine`. Every one has a default that suits servers of any load. */
export interface UringOptions {
  /** Operations that are handed to the kernel at once; a power of two. Default 256. */
  readonly submissionEntries?: number | undefined;
  /**
   * Completions that can wait for us; a power of two. More are kept by the kernel. Default 4,096.
   */
  readonly completionEntries?: number | undefined;
  /** Receive buffers, shared by all sockets of the thread; a power of two. Default 64. */
  readonly receiveBufferCount?: number | undefined;
  /**
   * Bytes of one receive buffer, a multiple of 64: about as much as one `onReceive` of `push()` can
   * bring. Datagrams that are larger are dropped. Default 65,536.
   */
  readonly receiveBufferBytes?: number | undefined;
  /**
   * Memory for copies of small writes, a multiple of 65,536. Default 32 MiB; pages that were never needed are not the
   * process's.
   */
  readonly sendArenaBytes?: number | undefined;
  /** Completions handled before timers and the rest of the process get a turn. Default 256. */
  readonly turnCompletions?: number | undefined;
  /**
   * Sockets that can be open at once, where they belong to the ring (see `ownership`). Default: the
   * limit of descriptors of the process (`RLIMIT_NOFILE`), which it can't exceed, at most 131,072.
   */
  readonly maxSockets?: number | undefined;
  /**
   * How long to look for the next completion before the thread goes to sleep, in microseconds.
   * Costs that much processor time at each wake-up, and saves the time of waking up: 20 nearly
   * double what one connection carries to and fro. Default 0.
   */
  readonly spinMicroseconds?: number | undefined;
  /**
   * Whether sockets belong to the ring, and go with its thread, or to the process, whose limit of
   * descriptors then rules. `auto`: to the ring where the kernel can (6.10); where it can't, there
   * is no engine in a worker thread, whose sockets would outlive `terminate()`. Default `auto`.
   */
  readonly ownership?: "auto" | "process" | undefined;
  /**
   * Checks that each receive buffer and arena region is used by one side at a time, and overwrites
   * those that were given back. Costs much. Default: whether `HP_SOCKET_URING_DEBUG` is `1`.
   */
  readonly debug?: boolean | undefined;
}

/** {@link UringOptions} with every default filled in. `maxSockets` 0: the limit of the process. */
export type UringSettings = Settled<UringOptions>;

const CACHE_LINE_BYTES = 64;

/** Default, range and check of each option. */
export const URING_OPTIONS: OptionTable<UringSettings> = {
  submissionEntries: powerOfTwo(count(256, "operations", { min: 1, max: 32_768 })),
  completionEntries: powerOfTwo(count(4_096, "completions", { min: 2, max: 65_536 })),
  receiveBufferCount: powerOfTwo(count(64, "buffers", { min: 1, max: 32_768 })),
  receiveBufferBytes: multipleOf(CACHE_LINE_BYTES, bytes(65_536, { min: 1_024, max: GIB / 64 })),
  sendArenaBytes: multipleOf(SEGMENT_BYTES, bytes(33_554_432, { min: SEGMENT_BYTES, max: GIB })),
  turnCompletions: count(256, "completions", { min: 1, max: 1_000_000 }),
  maxSockets: count(0, "sockets", { max: 1_048_576 }),
  spinMicroseconds: count(0, "µs", { max: 10_000 }),
  ownership: choice("auto", ["auto", "process"]),
  debug: flag(false),
};

/** Checks the options and fills in the defaults. Throws `INVALID_ARGUMENT`. */
export function uringSettings(options: UringOptions): UringSettings {
  assertObject("the options of the uring engine", options);
  assertKnownKeys("the uring engine", options, optionNames<UringSettings>(URING_OPTIONS));
  const isWatched = process.env["HP_SOCKET_URING_DEBUG"] === "1";
  const settings = readOptions(URING_OPTIONS, {
    ...options,
    debug: options.debug === undefined ? isWatched : options.debug,
  });
  assertOrder(settings, "submissionEntries", "completionEntries");
  const receiveBytes = settings.receiveBufferBytes * settings.receiveBufferCount;
  if (receiveBytes > GIB) {
    throw invalidArgument(
      `receiveBufferCount × receiveBufferBytes must not be above ${GIB}, not ${receiveBytes}`,
    );
  }
  if (settings.ownership === "process" && settings.maxSockets !== 0) {
    throw invalidArgument(
      `maxSockets (${settings.maxSockets}) has no meaning with ownership: "process"`,
    );
  }
  return settings;
}
