/**
 * Puts the parts of one loop together, in the order in which they need each other, and takes them
 * apart again.
 *
 * Sockets belong to the ring where two things hold: the ring lies in our memory (Linux 6.10), and a
 * descriptor can be borrowed for one of its sockets (6.8). Otherwise they are the process's, which
 * is as good in the main thread; in a worker they would outlive `terminate()`, so there is no
 * engine.
 */
import { isMainThread } from "node:worker_threads";
import { NetError } from "../../../errors.js";
import { ACCEPT_RECORDS_BYTES } from "../memory/accept-records.js";
import { OwnershipCheck } from "../memory/ownership-check.js";
import { ProvidedBuffers, providedBuffersBytes } from "../memory/provided-buffers.js";
import { SendArena } from "../memory/send-arena.js";
import { PAGE_BYTES, SharedMemory, wholePages } from "../memory/shared-memory.js";
import {
  type DescriptorTable,
  DirectDescriptors,
  ProcessDescriptors,
} from "../ring/descriptor-table.js";
import type { ForeignFunctions } from "../ring/foreign-functions.js";
import { KeptDescriptor } from "../ring/kept-descriptor.js";
import {
  FILES_SPARSE,
  OP_FIXED_FD_INSTALL,
  REGISTER_BUFFER_RING,
  REGISTER_FILES,
} from "../ring/kernel-interface.js";
import { Ring } from "../ring/ring.js";
import { type RingParts, ringMemoryBytes, setUpMappedRing, setUpRing } from "../ring/ring-setup.js";
import { supportedOperations } from "../ring/supported-operations.js";
import { callError, errnoName } from "../ring/system-call-error.js";
import { UringLoop } from "../ring/uring-loop.js";
import { WakeUp } from "../ring/wake-up.js";
import type { UringSettings } from "./uring-options.js";

/** Sockets in the table of one ring, unless `maxSockets` says otherwise; 1 MiB of kernel memory. */
const DEFAULT_MAX_SOCKETS = 131_072;

/** Bytes of the argument of REGISTER_FILES. */
const FILES_ARGUMENT_WORDS = 8;

/** A loop, and how to take it apart. */
export interface AssembledLoop {
  readonly loop: UringLoop;
  /** Whether sockets belong to the ring. */
  readonly ownsSockets: boolean;
  /** Frees everything. No socket may be open. */
  close(): void;
}

/** What the parts of a loop have in common. */
interface Setting {
  readonly calls: ForeignFunctions;
  readonly settings: UringSettings;
  readonly memory: SharedMemory;
}

function unavailable(message: string, systemCode?: string): NetError {
  return new NetError("ENGINE_UNAVAILABLE", message, {
    operation: "configure",
    ...(systemCode !== undefined && { systemCode }),
  });
}

function memoryFor(calls: ForeignFunctions, settings: UringSettings): SharedMemory {
  const parts = [
    ...providedBuffersBytes(settings),
    settings.sendArenaBytes,
    ACCEPT_RECORDS_BYTES,
    PAGE_BYTES,
  ];
  const bytes = parts.reduce((sum, part) => sum + wholePages(part), ringMemoryBytes(settings));
  return new SharedMemory(calls, bytes);
}

/** A ring in our memory where that is wanted and possible, else in the kernel's. */
function setUp({ calls, settings, memory }: Setting): RingParts {
  const ours = settings.ownership === "auto" ? setUpRing(calls, settings, memory) : undefined;
  if (typeof ours === "object") return ours;
  const mapped = setUpMappedRing(calls, settings);
  if (typeof mapped === "object") return mapped;
  const name = errnoName(mapped);
  throw unavailable(`io_uring_setup failed (${name})`, name);
}

function registerFiles({ calls, settings }: Setting, ring: number): void {
  const limit = calls.descriptorLimit();
  const { maxSockets } = settings;
  if (maxSockets > limit) {
    const text = `maxSockets (${maxSockets}) is more than RLIMIT_NOFILE (${limit}) allows`;
    throw new NetError("INVALID_ARGUMENT", text, { operation: "configure" });
  }
  const argument = new Int32Array(FILES_ARGUMENT_WORDS);
  argument[0] = maxSockets === 0 ? Math.min(limit, DEFAULT_MAX_SOCKETS) : maxSockets;
  argument[1] = FILES_SPARSE;
  const registered = calls.register(ring, REGISTER_FILES, argument, argument.byteLength);
  if (registered < 0) throw callError(registered, "configure", "registering the socket table");
}

function descriptorTable(setting: Setting, parts: RingParts, ring: Ring): DescriptorTable {
  const { calls, settings, memory } = setting;
  const { descriptor, isOurMemory } = parts;
  if (isOurMemory && supportedOperations(calls, descriptor).has(OP_FIXED_FD_INSTALL)) {
    registerFiles(setting, descriptor);
    return new DirectDescriptors(calls, ring, memory);
  }
  if (settings.ownership === "auto" && !isMainThread) {
    throw unavailable("worker threads need Linux 6.10: sockets would outlive a terminated one");
  }
  return new ProcessDescriptors(ring);
}

function assemble(setting: Setting, parts: RingParts): UringLoop {
  const { calls, settings, memory } = setting;
  const check = (name: string): OwnershipCheck | undefined =>
    settings.debug ? new OwnershipCheck(name) : undefined;
  const ring = new Ring(calls, parts);
  const buffers = new ProvidedBuffers(memory, settings, check("receive buffer"));
  const { registration } = buffers;
  const registered = calls.register(parts.descriptor, REGISTER_BUFFER_RING, registration, 1);
  if (registered < 0) throw callError(registered, "configure", "registering receive buffers");
  const arena = new SendArena(memory, settings.sendArenaBytes, buffers, check("send segment"));
  const descriptors = descriptorTable(setting, parts, ring);
  return new UringLoop({ calls, settings, ring, buffers, arena, descriptors });
}

/** Makes a loop. Throws NetError when the kernel does not allow it; nothing is left behind then. */
export function createLoop(calls: ForeignFunctions, settings: UringSettings): AssembledLoop {
  const setting: Setting = { calls, settings, memory: memoryFor(calls, settings) };
  const parts = setUp(setting);
  let kept: KeptDescriptor | undefined;
  try {
    kept = new KeptDescriptor(calls, parts.descriptor);
    const loop = assemble(setting, { ...parts, descriptor: kept.descriptor });
    const wakeUp = new WakeUp(calls, kept.descriptor, loop.wake);
    loop.attach(wakeUp);
    const close = (): void => {
      wakeUp.close();
      kept?.close();
      parts.unmap();
    };
    return { loop, ownsSockets: loop.descriptors instanceof DirectDescriptors, close };
  } catch (error) {
    kept?.close();
    parts.unmap();
    throw error;
  }
}
