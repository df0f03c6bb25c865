/** Numbers of RFC 6455 §5.2 that all files of this folder share. */

/** Which side of the connection one is. */
export type Role = "server" | "client";

/** Opcodes of frames. */
export const OPCODE = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const;

/** One of {@link OPCODE}. */
export type Opcode = (typeof OPCODE)[keyof typeof OPCODE];

/** Bits of a frame's first byte; its low half is the opcode. */
export const FIN: number = 0x80;
export const RSV1: number = 0x40;
export const RSV2: number = 0x20;
export const RSV3: number = 0x10;
export const RESERVED_BITS: number = RSV1 | RSV2 | RSV3;
export const OPCODE_BITS: number = 0x0f;

/** Set in the opcodes of control frames. */
export const CONTROL_BIT: number = 0x08;

/** Bits of the second byte: whether a key follows, and the length or what stands for it. */
export const MASK_BIT: number = 0x80;
export const LENGTH_BITS: number = 0x7f;

/** Lengths that mean: 2 bytes with the length follow, 8 bytes with the length follow. */
export const LENGTH_IN_2: number = 126;
export const LENGTH_IN_8: number = 127;

/** Most bytes of a control frame's payload (§5.5). */
export const MAX_CONTROL_BYTES: number = 125;

/** Most bytes of a frame's head: first two, length, key. */
export const MAX_HEAD_BYTES: number = 14;
