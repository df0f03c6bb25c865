/**
 * Makes a ring: one io_uring_setup, and the words through which kernel and thread talk.
 *
 * Since Linux 6.10 the rings can lie in memory of ours (`isOurMemory`). The ring then is gone as
 * soon as its descriptor is closed, with every socket it owns, however the thread ends. Before that
 * the kernel maps memory of its own into the process, and the mapping holds the ring until it is
 * undone.
 */
import { PAGE_BYTES, type SharedMemory, wholePages } from "../memory/shared-memory.js";
import type { UringSettings } from "../setup/uring-options.js";
import type { ForeignFunctions } from "./foreign-functions.js";
import {
  COMPLETION_BYTES,
  CQ_ENTRIES,
  CQ_FLAGS,
  CQ_HEAD,
  CQ_TAIL,
  ENTRY_BYTES,
  MAP_ENTRIES,
  MAP_RINGS,
  PARAMS_BYTES,
  PARAMS_CQ_ENTRIES,
  PARAMS_CQ_OFFSETS,
  PARAMS_FLAGS,
  PARAMS_SQ_ENTRIES,
  PARAMS_SQ_OFFSETS,
  SETUP_CLAMP,
  SETUP_CQ_SIZE,
  SETUP_DEFER_TASKRUN,
  SETUP_NO_MMAP,
  SETUP_SINGLE_ISSUER,
  SETUP_SUBMIT_ALL,
  SETUP_TASKRUN_FLAG,
  SQ_ARRAY,
  SQ_FLAGS,
  SQ_TAIL,
  USER_ADDRESS,
} from "./kernel-interface.js";

/** The flags without which the engine does not run (Linux 6.1). */
const RING_FLAGS: number =
  SETUP_CQ_SIZE |
  SETUP_CLAMP |
  SETUP_SUBMIT_ALL |
  SETUP_TASKRUN_FLAG |
  SETUP_SINGLE_ISSUER |
  SETUP_DEFER_TASKRUN;

/** A ring as it was set up. Indexes are those of words in {@link words}. */
export interface RingParts {
  readonly descriptor: number;
  readonly entryCount: number;
  readonly completionCount: number;
  /** Both rings with their heads, tails and flags, and the completions. */
  readonly words: Int32Array;
  /** The submission entries. */
  readonly entries: Int32Array;
  readonly submissionTail: number;
  readonly submissionFlags: number;
  readonly completionHead: number;
  readonly completionTail: number;
  readonly completionFlags: number;
  readonly completions: number;
  readonly isOurMemory: boolean;
  /** Undoes the mappings, where there are any. */
  unmap(): void;
}

/** Bytes of the submission entries. */
function entriesBytes(settings: UringSettings): number {
  return wholePages(settings.submissionEntries * ENTRY_BYTES);
}

/**
 * Bytes that hold both rings: a head of less than a page, the completions, the submission array.
 */
function ringsBytes(settings: UringSettings): number {
  const { completionEntries, submissionEntries } = settings;
  return wholePages(PAGE_BYTES + completionEntries * COMPLETION_BYTES + submissionEntries * 4);
}

/** Bytes of shared memory that a ring of these settings takes. */
export function ringMemoryBytes(settings: UringSettings): number {
  return entriesBytes(settings) + ringsBytes(settings);
}

function newParams(settings: UringSettings, flags: number): Int32Array {
  const params = new Int32Array(PARAMS_BYTES / 4);
  params[PARAMS_CQ_ENTRIES] = settings.completionEntries;
  params[PARAMS_FLAGS] = flags;
  return params;
}

interface Mapped {
  readonly words: Int32Array;
  readonly entries: Int32Array;
  readonly unmap: (() => void) | undefined;
}

function ringParts(descriptor: number, params: Int32Array, mapped: Mapped): RingParts {
  const { words, entries, unmap } = mapped;
  const at = (offset: number): number => params[offset]! >> 2;
  const entryCount = params[PARAMS_SQ_ENTRIES]!;
  // The array of indexes that the kernel reads between ring and entries: each place means itself.
  const array = at(PARAMS_SQ_OFFSETS + SQ_ARRAY);
  for (let index = 0; index < entryCount; index++) words[array + index] = index;
  return {
    descriptor,
    entryCount,
    completionCount: params[PARAMS_CQ_ENTRIES]!,
    words,
    entries,
    submissionTail: at(PARAMS_SQ_OFFSETS + SQ_TAIL),
    submissionFlags: at(PARAMS_SQ_OFFSETS + SQ_FLAGS),
    completionHead: at(PARAMS_CQ_OFFSETS + CQ_HEAD),
    completionTail: at(PARAMS_CQ_OFFSETS + CQ_TAIL),
    completionFlags: at(PARAMS_CQ_OFFSETS + CQ_FLAGS),
    completions: at(PARAMS_CQ_OFFSETS + CQ_ENTRIES),
    isOurMemory: unmap === undefined,
    unmap: unmap ?? (() => {}),
  };
}

/** Sets up a ring in `memory`. Returns the negative error number where the kernel does not. */
export function setUpRing(
  calls: ForeignFunctions,
  settings: UringSettings,
  memory: SharedMemory,
): RingParts | number {
  const params = newParams(settings, RING_FLAGS | SETUP_NO_MMAP);
  const entriesAt = memory.takePages(entriesBytes(settings));
  const ringsAt = memory.takePages(ringsBytes(settings));
  const place = (offsets: number, offset: number): void => {
    params[offsets + USER_ADDRESS] = memory.addressLow(offset);
    params[offsets + USER_ADDRESS + 1] = memory.baseHigh;
  };
  place(PARAMS_SQ_OFFSETS, entriesAt);
  place(PARAMS_CQ_OFFSETS, ringsAt);
  const descriptor = calls.setup(settings.submissionEntries, params);
  if (descriptor < 0) return descriptor;
  return ringParts(descriptor, params, {
    words: memory.words(ringsAt, ringsBytes(settings)),
    entries: memory.words(entriesAt, entriesBytes(settings)),
    unmap: undefined,
  });
}

/** Sets up a ring in memory of the kernel's. Returns the negative error number where it can't. */
export function setUpMappedRing(
  calls: ForeignFunctions,
  settings: UringSettings,
): RingParts | number {
  const params = newParams(settings, RING_FLAGS);
  const descriptor = calls.setup(settings.submissionEntries, params);
  if (descriptor < 0) return descriptor;
  const sizes = [
    params[PARAMS_CQ_OFFSETS + CQ_ENTRIES]! + params[PARAMS_CQ_ENTRIES]! * COMPLETION_BYTES,
    params[PARAMS_SQ_OFFSETS + SQ_ARRAY]! + params[PARAMS_SQ_ENTRIES]! * 4,
  ];
  const ringsSize = Math.max(...sizes);
  const entriesSize = params[PARAMS_SQ_ENTRIES]! * ENTRY_BYTES;
  const rings = calls.map(descriptor, MAP_RINGS, ringsSize);
  const entries = rings < 0 ? rings : calls.map(descriptor, MAP_ENTRIES, entriesSize);
  if (entries < 0) {
    if (rings > 0) calls.unmap(rings, ringsSize);
    calls.close(descriptor);
    return entries;
  }
  return ringParts(descriptor, params, {
    words: new Int32Array(calls.memoryAt(rings, ringsSize & ~3)),
    entries: new Int32Array(calls.memoryAt(entries, entriesSize)),
    unmap: () => {
      calls.unmap(rings, ringsSize);
      calls.unmap(entries, entriesSize);
    },
  });
}
