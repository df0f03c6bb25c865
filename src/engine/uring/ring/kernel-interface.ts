/**
 * The parts of Linux's io_uring interface (`linux/io_uring.h`) that the engine uses, under names of
 * our own. A submission entry is 64 bytes, read here as 16 words of 32 bits; a completion is 16
 * bytes, four words. All supported processors are little-endian.
 *
 *     entry word  0 opcode · flags · ioprio   1 descriptor   2–3 offset   4–5 address
 *                 6 length   7 operation flags   8–9 user data   10 buffer group
 *                 11 file index   12–15 zero
 *     completion  0–1 user data   2 result   3 flags
 */

/** System call numbers; the same on every processor. */
export const SYSCALL_SETUP = 425;
export const SYSCALL_ENTER = 426;
export const SYSCALL_REGISTER = 427;

/** Flags of io_uring_setup. */
export const SETUP_CQ_SIZE: number = 1 << 3;
export const SETUP_CLAMP: number = 1 << 4;
export const SETUP_SUBMIT_ALL: number = 1 << 7;
export const SETUP_TASKRUN_FLAG: number = 1 << 9;
export const SETUP_SINGLE_ISSUER: number = 1 << 12;
export const SETUP_DEFER_TASKRUN: number = 1 << 13;
export const SETUP_NO_MMAP: number = 1 << 14;

/** Flag of io_uring_enter: run what waits and answer with completions. */
export const ENTER_GET_EVENTS = 1;

/** Bits of the submission ring's flags word: overflown completions, or work that waits for us. */
export const SQ_NEEDS_ENTER: number = (1 << 1) | (1 << 2);

/** Bit of the completion ring's flags word: no signal on the event descriptor. */
export const CQ_EVENT_DISABLED = 1;

/** Operations of io_uring_register. */
export const REGISTER_EVENT_DESCRIPTOR = 4;
export const REGISTER_PROBE = 8;
export const REGISTER_FILES = 13;
export const REGISTER_BUFFER_RING = 22;
/** Flag of REGISTER_FILES: an empty table. */
export const FILES_SPARSE = 1;

/** Offsets of `io_uring_params`, in words. */
export const PARAMS_BYTES = 120;
export const PARAMS_SQ_ENTRIES = 0;
export const PARAMS_CQ_ENTRIES = 1;
export const PARAMS_FLAGS = 2;
export const PARAMS_SQ_OFFSETS = 10;
export const PARAMS_CQ_OFFSETS = 20;
/** Offsets within the submission ring's offsets, in words. */
export const SQ_TAIL = 1;
export const SQ_FLAGS = 4;
export const SQ_ARRAY = 6;
/** Offsets within the completion ring's offsets, in words. */
export const CQ_HEAD = 0;
export const CQ_TAIL = 1;
export const CQ_ENTRIES = 5;
export const CQ_FLAGS = 6;
/** Within both: the address of memory of our own (SETUP_NO_MMAP), two words. */
export const USER_ADDRESS = 8;

/** Where to map the rings (without SETUP_NO_MMAP). */
export const MAP_RINGS = 0;
export const MAP_ENTRIES = 0x1000_0000;

export const ENTRY_BYTES = 64;
export const COMPLETION_BYTES = 16;

/** Words of a submission entry. */
export const ENTRY_OFFSET = 2;
export const ENTRY_ADDRESS = 4;
export const ENTRY_ADDRESS_HIGH = 5;
export const ENTRY_LENGTH = 6;
export const ENTRY_OPERATION_FLAGS = 7;
export const ENTRY_USER_LOW = 8;
export const ENTRY_USER_HIGH = 9;
export const ENTRY_BUFFER_GROUP = 10;
/** Of a send of one datagram: bytes of its address, which {@link ENTRY_OFFSET} names. */
export const ENTRY_ADDRESS_LENGTH = 11;
export const ENTRY_FILE_INDEX = 11;
/** Of a multishot receive (Linux 6.17): after how many bytes it ends. */
export const ENTRY_TOTAL_LENGTH = 11;

/** Opcodes. */
export const OP_NOP = 0;
export const OP_POLL_ADD = 6;
export const OP_SENDMSG = 9;
export const OP_RECVMSG = 10;
export const OP_ACCEPT = 13;
export const OP_ASYNC_CANCEL = 14;
export const OP_CONNECT = 16;
export const OP_CLOSE = 19;
export const OP_FILES_UPDATE = 20;
export const OP_SEND = 26;
export const OP_RECV = 27;
export const OP_SHUTDOWN = 34;
export const OP_FIXED_FD_INSTALL = 54;

/** Entry flags, in their place in word 0. */
export const FLAG_FIXED_FILE: number = 1 << 8;
export const FLAG_BUFFER_SELECT: number = 1 << 13;
export const FLAG_SKIP_SUCCESS: number = 1 << 14;
/** Flag of POLL_ADD, in its length: it stays until it is cancelled. */
export const POLL_MULTISHOT = 1;
/** `ioprio` of a multishot receive, in its place in word 0. */
export const RECEIVE_MULTISHOT: number = 2 << 16;

/** Flags of a cancel: all that match; match by descriptor; which is one of the ring's table. */
export const CANCEL_ALL: number = 1 << 0;
export const CANCEL_BY_DESCRIPTOR: number = 1 << 1;
export const CANCEL_DIRECT: number = 1 << 3;

/** The kernel takes a free place of the file table. */
export const FILE_INDEX_ANY = -1;

/** Flags of a completion. */
export const COMPLETION_HAS_BUFFER = 1;
export const COMPLETION_MORE = 2;
export const COMPLETION_BUFFER_SHIFT = 16;
