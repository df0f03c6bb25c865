/**
 * What the engine relies on, tried out on a ring of its own. Each method performs one thing and
 * answers what was found; one that fails throws, and those after it in this file can't be tried.
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { isMainThread } from "node:worker_threads";
import { isBundled } from "../../bundled.js";
import { OPTION_PROCESSORS } from "../../option-calls.js";
import { ProvidedBuffers, providedBuffersBytes } from "../memory/provided-buffers.js";
import { SharedMemory, wholePages } from "../memory/shared-memory.js";
import type { ForeignFunctions } from "../ring/foreign-functions.js";
import {
  OP_ACCEPT,
  OP_ASYNC_CANCEL,
  OP_CLOSE,
  OP_CONNECT,
  OP_FILES_UPDATE,
  OP_FIXED_FD_INSTALL,
  OP_NOP,
  OP_POLL_ADD,
  OP_RECV,
  OP_RECVMSG,
  OP_SEND,
  OP_SENDMSG,
  OP_SHUTDOWN,
  REGISTER_BUFFER_RING,
  REGISTER_EVENT_DESCRIPTOR,
} from "../ring/kernel-interface.js";
import { Ring } from "../ring/ring.js";
import { type RingParts, ringMemoryBytes, setUpMappedRing, setUpRing } from "../ring/ring-setup.js";
import { supportedOperations } from "../ring/supported-operations.js";
import { EINVAL, EMFILE, ENOMEM, ENOSYS, EPERM, errnoName } from "../ring/system-call-error.js";
import { type UringSettings, uringSettings } from "./uring-options.js";

const NEEDED_OPERATIONS: readonly (readonly [opcode: number, name: string])[] = [
  [OP_ACCEPT, "ACCEPT"],
  [OP_ASYNC_CANCEL, "ASYNC_CANCEL"],
  [OP_CLOSE, "CLOSE"],
  [OP_CONNECT, "CONNECT"],
  [OP_FILES_UPDATE, "FILES_UPDATE"],
  [OP_POLL_ADD, "POLL_ADD"],
  [OP_RECV, "RECV"],
  [OP_RECVMSG, "RECVMSG"],
  [OP_SEND, "SEND"],
  [OP_SENDMSG, "SENDMSG"],
  [OP_SHUTDOWN, "SHUTDOWN"],
];

function forbiddenText(): string {
  let value = "0";
  try {
    value = readFileSync("/proc/sys/kernel/io_uring_disabled", "latin1").trim();
  } catch {
    // Kernels before 6.6 have no such switch.
  }
  const reason =
    value === "0" ? "a security profile forbids it" : `kernel.io_uring_disabled is ${value}`;
  return `io_uring is not permitted: ${reason} (EPERM)`;
}

/** Why there is no ring, as a sentence. */
function setUpFailure(result: number): string {
  switch (result) {
    case ENOSYS:
      return "the kernel has no io_uring, or a security profile hides it (ENOSYS)";
    case EPERM:
      return forbiddenText();
    case EINVAL:
      return "the kernel's io_uring is too old: Linux 6.1 is needed (EINVAL)";
    case ENOMEM:
      return "there is no memory for a ring, or too little may be locked (ENOMEM)";
    case EMFILE:
      return "no file descriptor is left (EMFILE)";
    default:
      return `io_uring_setup failed (${errnoName(result)})`;
  }
}

function missingKoffi(): string {
  if (!isBundled()) return "the package koffi is not installed";
  return "this is a bundle, from which the package koffi is not found: install it beside the bundle";
}

function check(result: number, what: string): void {
  if (result < 0) throw new Error(`${what} failed (${errnoName(result)})`);
}

/** One try-out, step by step. */
export class Trial {
  private readonly load: () => ForeignFunctions;
  private readonly settings: UringSettings = uringSettings({
    submissionEntries: 4,
    completionEntries: 8,
    receiveBufferCount: 1,
    receiveBufferBytes: 1_024,
    debug: false,
  });
  private calls: ForeignFunctions | undefined = undefined;
  private memory: SharedMemory | undefined = undefined;
  private parts: RingParts | undefined = undefined;

  /** `load` binds the foreign calls. */
  constructor(load: () => ForeignFunctions) {
    this.load = load;
  }

  platform(): string {
    const { arch, platform } = process;
    if (platform !== "linux") throw new Error(`io_uring is Linux's, and this is ${platform}`);
    if (OPTION_PROCESSORS.includes(arch)) return `Linux on ${arch}`;
    throw new Error(`the engine knows Linux on ${OPTION_PROCESSORS.join(", ")}, not on ${arch}`);
  }

  foreignCalls(): string {
    try {
      this.calls = this.load();
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "MODULE_NOT_FOUND") throw new Error(missingKoffi());
      const text = error instanceof Error ? error.message.split("\n")[0] : String(error);
      throw new Error(`koffi can't be used: ${text}`);
    }
    return "koffi is loaded";
  }

  ring(): string {
    const calls = this.calls!;
    const settings = this.settings;
    const buffers = providedBuffersBytes(settings).map(wholePages);
    const bytes = buffers.reduce((sum, part) => sum + part, ringMemoryBytes(settings));
    this.memory = new SharedMemory(calls, bytes);
    let parts = setUpRing(calls, settings, this.memory);
    if (typeof parts === "number") parts = setUpMappedRing(calls, settings);
    if (typeof parts === "number") throw new Error(setUpFailure(parts));
    this.parts = parts;
    return parts.isOurMemory ? "set up in our own memory" : "set up in the kernel's memory";
  }

  operations(): string {
    const supported = supportedOperations(this.calls!, this.parts!.descriptor);
    const missing = NEEDED_OPERATIONS.filter(([opcode]) => !supported.has(opcode));
    if (missing.length === 0) return `the kernel has ${supported.size} operations`;
    throw new Error(`the kernel lacks ${missing.map(([, name]) => name).join(", ")}`);
  }

  receiveBuffers(): string {
    const { registration } = new ProvidedBuffers(this.memory!, this.settings, undefined);
    const { descriptor } = this.parts!;
    const result = this.calls!.register(descriptor, REGISTER_BUFFER_RING, registration, 1);
    check(result, "registering receive buffers");
    return "receive buffers are registered";
  }

  roundTrip(): string {
    check(
      new Ring(this.calls!, this.parts!).perform(OP_NOP, -1, () => {}),
      "an empty operation",
    );
    return "an empty operation came back";
  }

  wakeUp(): string {
    const calls = this.calls!;
    const descriptor = calls.eventDescriptor();
    check(descriptor, "eventfd");
    const argument = Int32Array.of(descriptor);
    const ring = this.parts!.descriptor;
    const result = calls.register(ring, REGISTER_EVENT_DESCRIPTOR, argument, 1);
    calls.close(descriptor);
    check(result, "registering an event descriptor");
    return "an event descriptor is registered";
  }

  /** Whether sockets go with their thread, without which there is no engine in a worker. */
  ownership(): string {
    const { descriptor, isOurMemory } = this.parts!;
    const canBorrow = supportedOperations(this.calls!, descriptor).has(OP_FIXED_FD_INSTALL);
    if (isOurMemory && canBorrow) return "sockets belong to the ring and go with it";
    if (isMainThread) return "sockets belong to the process: worker threads need Linux 6.10";
    throw new Error("worker threads need Linux 6.10: sockets would outlive a terminated one");
  }

  close(): void {
    if (this.parts === undefined) return;
    this.calls!.close(this.parts.descriptor);
    this.parts.unmap();
  }
}
