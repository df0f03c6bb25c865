/**
 * The foreign calls: everything the engine asks of the C library, behind one interface, so that
 * tests can put faults in between. Loaded when first asked for, because `koffi` is an optional
 * dependency.
 *
 * Calls answer their result, or the negative error number.
 */
import { loadKoffi } from "../../koffi.js";
import { bindOptionCalls, type OptionCalls } from "../../option-calls.js";
import { SYSCALL_ENTER, SYSCALL_REGISTER, SYSCALL_SETUP } from "./kernel-interface.js";

/** The calls. Memory is handed over as a view, or as the address of such memory. */
export interface ForeignFunctions extends OptionCalls {
  setup(entryCount: number, params: Int32Array): number;
  enter(ring: number, submitCount: number, minCompletions: number, flags: number): number;
  register(ring: number, operation: number, argument: Int32Array, count: number): number;
  /** Maps a part of the ring; returns the address. */
  map(ring: number, offset: number, byteCount: number): number;
  unmap(address: number, byteCount: number): number;
  /** Memory at an address, as an ArrayBuffer. */
  memoryAt(address: number, byteCount: number): ArrayBuffer;
  /** Where the bytes of a view lie. It does not move: V8 moves no memory outside its heap. */
  addressOf(view: Uint8Array): number;
  /** A pipe, closed on exec; its two ends are written into `ends`. */
  pipe(ends: Int32Array): number;
  /** Makes `target` mean what `source` means, closed on exec. */
  duplicateOnto(source: number, target: number): number;
  /** How many bytes a pipe holds. Returns what the system has made of it. */
  setPipeCapacity(descriptor: number, byteCount: number): number;
  /** Moves bytes, one of the two being a pipe, which is not waited for. */
  splice(source: number, target: number, byteCount: number): number;
  read(descriptor: number, into: Uint8Array): number;
  eventDescriptor(): number;
  close(descriptor: number): number;
  socket(domain: number, type: number): number;
  bind(descriptor: number, address: Uint8Array): number;
  connect(descriptor: number, address: Uint8Array): number;
  listen(descriptor: number, backlog: number): number;
  shutdown(descriptor: number, how: number): number;
  /** Writes the address into `into`; returns its length. */
  localName(descriptor: number, into: Uint8Array): number;
  /** Largest number of descriptors that the process may have. */
  descriptorLimit(): number;
}

type Call = (...args: unknown[]) => number;

const CLOSE_ON_EXEC = 0o2000000;
const NON_BLOCKING = 0o4000;
const READ_WRITE = 3;
const MAP_SHARED_POPULATED = 0x8001;
const RLIMIT_NOFILE = 7;
const SET_PIPE_SIZE = 1031;
/** SPLICE_F_MOVE, SPLICE_F_NONBLOCK. */
const SPLICE_FLAGS = 3;

/** Binds the calls. Throws when koffi or a function of the C library is missing. */
export function loadForeignFunctions(): ForeignFunctions {
  const koffi = loadKoffi();
  const library = koffi.load(null);
  const bound = (prototype: string): Call => library.func(prototype) as Call;
  const orError = (result: number): number => (result < 0 ? -koffi.errno() : result);

  // One binding per argument shape of syscall(2): pointers and numbers are told apart beforehand.
  const setup = bound("long syscall(long number, uint32_t entries, void* params)");
  const enter = bound(
    "long syscall(long, int ring, uint32_t submit, uint32_t min, uint32_t flags, size_t, size_t)",
  );
  const register = bound(
    "long syscall(long number, int ring, uint32_t operation, void* argument, uint32_t count)",
  );
  const mmap = bound(
    "intptr_t mmap(intptr_t, size_t length, int protection, int flags, int ring, int64_t offset)",
  );
  const munmap = bound("int munmap(intptr_t address, size_t length)");
  const pipe2 = bound("int pipe2(void* ends, int flags)");
  const dup3 = bound("int dup3(int source, int target, int flags)");
  const fcntl = bound("int fcntl(int descriptor, int command, int argument)");
  const splice = bound(
    "intptr_t splice(int source, void* at, int target, void* to, size_t length, uint32_t flags)",
  );
  const read = bound("intptr_t read(int descriptor, void* into, size_t length)");
  const eventfd = bound("int eventfd(uint32_t value, int flags)");
  const close = bound("int close(int descriptor)");
  const socket = bound("int socket(int domain, int type, int protocol)");
  const bind = bound("int bind(int descriptor, void* address, uint32_t length)");
  const connect = bound("int connect(int descriptor, void* address, uint32_t length)");
  const listen = bound("int listen(int descriptor, int backlog)");
  const shutdown = bound("int shutdown(int descriptor, int how)");
  const getsockname = bound("int getsockname(int descriptor, void* address, void* length)");
  const getrlimit = bound("int getrlimit(int resource, void* limits)");

  // In-out length of the call that answers with bytes.
  const length = new Uint32Array(1);

  return {
    ...bindOptionCalls(koffi),
    setup: (entryCount, params) => orError(setup(SYSCALL_SETUP, entryCount, params)),
    enter: (ring, submitCount, minCompletions, flags) => {
      const result = enter(SYSCALL_ENTER, ring, submitCount, minCompletions, flags, 0, 0);
      return result < 0 ? -koffi.errno() : result;
    },
    register: (ring, operation, argument, count) =>
      orError(register(SYSCALL_REGISTER, ring, operation, argument, count)),
    map: (ring, offset, byteCount) =>
      orError(mmap(0, byteCount, READ_WRITE, MAP_SHARED_POPULATED, ring, offset)),
    unmap: (address, byteCount) => orError(munmap(address, byteCount)),
    memoryAt: (address, byteCount) => koffi.view(BigInt(address), byteCount),
    addressOf: (view) => Number(koffi.address(view)),
    pipe: (ends) => orError(pipe2(ends, CLOSE_ON_EXEC)),
    duplicateOnto: (source, target) => orError(dup3(source, target, CLOSE_ON_EXEC)),
    setPipeCapacity: (descriptor, byteCount) =>
      orError(fcntl(descriptor, SET_PIPE_SIZE, byteCount)),
    splice: (source, target, byteCount) =>
      orError(splice(source, null, target, null, byteCount, SPLICE_FLAGS)),
    read: (descriptor, into) => orError(read(descriptor, into, into.byteLength)),
    eventDescriptor: () => orError(eventfd(0, CLOSE_ON_EXEC | NON_BLOCKING)),
    close: (descriptor) => orError(close(descriptor)),
    socket: (domain, type) => orError(socket(domain, type | CLOSE_ON_EXEC, 0)),
    bind: (descriptor, address) => orError(bind(descriptor, address, address.byteLength)),
    connect: (descriptor, address) => orError(connect(descriptor, address, address.byteLength)),
    listen: (descriptor, backlog) => orError(listen(descriptor, backlog)),
    shutdown: (descriptor, how) => orError(shutdown(descriptor, how)),
    localName: (descriptor, into) => {
      length[0] = into.byteLength;
      const result = getsockname(descriptor, into, length);
      return result < 0 ? -koffi.errno() : length[0]!;
    },
    descriptorLimit: () => {
      const limits = new BigUint64Array(2);
      const result = getrlimit(RLIMIT_NOFILE, limits);
      return result < 0 ? 1_024 : Number(limits[0]!);
    },
  };
}
