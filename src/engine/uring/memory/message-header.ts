/**
 * How a message is described to the kernel, for SENDMSG and RECVMSG (`struct msghdr`, `struct
 * iovec`). Lies in memory of its own, which is made once and used again.
 *
 *     byte 0   msghdr   name (pointer, length) · vectors (pointer, count) · control (pointer, length) · flags
 *     byte 64  vectors  16 bytes each: pointer, length
 *     behind   control  how long the datagrams of a run are
 *     behind   name     a socket address
 */
import type { ForeignFunctions } from "../ring/foreign-functions.js";

const VECTORS_AT = 64;
const VECTOR_BYTES = 16;
const LINE = 0x1_0000_0000;

/** Words of msghdr. */
const NAME_POINTER = 0;
const NAME_LENGTH = 2;
const VECTOR_POINTER = 4;
const VECTOR_COUNT = 6;
const CONTROL_POINTER = 8;
const CONTROL_LENGTH = 10;

/** Bytes of a control message with one number. */
export const CONTROL_BYTES = 24;
/** What its length says: a head of 16 and 2 bytes. */
const SEGMENT_CONTROL_BYTES = 18;
/** Words of a control message: length (two), level, type, value. */
const LEVEL_WORD = 2;
const TYPE_WORD = 3;
const VALUE_WORD = 4;

export class MessageHeader {
  /** Where it lies. */
  readonly address: number;
  /** Where the name goes, and its address. */
  readonly name: Uint8Array;
  readonly nameAddress: number;
  private readonly words: Int32Array;
  private readonly controlAt: number;

  /** With room for this many vectors, and a name of this many bytes. */
  constructor(calls: ForeignFunctions, vectorCount: number, nameBytes: number) {
    this.controlAt = (VECTORS_AT + vectorCount * VECTOR_BYTES) >> 2;
    const nameAt = (this.controlAt << 2) + CONTROL_BYTES;
    const memory = new ArrayBuffer(nameAt + nameBytes);
    this.words = new Int32Array(memory, 0, nameAt >> 2);
    this.name = new Uint8Array(memory, nameAt);
    this.address = calls.addressOf(new Uint8Array(memory));
    this.putAddress(VECTOR_POINTER, this.address + VECTORS_AT);
    this.putAddress(CONTROL_POINTER, this.address + (this.controlAt << 2));
    this.nameAddress = this.address + nameAt;
    if (nameBytes > 0) this.putAddress(NAME_POINTER, this.nameAddress);
  }

  /** Room for a name, without one. */
  setNameLength(byteCount: number): void {
    this.words[NAME_LENGTH] = byteCount;
  }

  /** Room for control messages of this many bytes, without any. */
  setControlLength(byteCount: number): void {
    this.words[CONTROL_LENGTH] = byteCount;
  }

  /** The message is a run of datagrams of so many bytes; 0: it is one. */
  setSegmentBytes(level: number, type: number, segmentBytes: number): void {
    const { words, controlAt } = this;
    words[CONTROL_LENGTH] = segmentBytes === 0 ? 0 : CONTROL_BYTES;
    if (segmentBytes === 0) return;
    words[controlAt] = SEGMENT_CONTROL_BYTES;
    words[controlAt + LEVEL_WORD] = level;
    words[controlAt + TYPE_WORD] = type;
    words[controlAt + VALUE_WORD] = segmentBytes;
  }

  /** How many vectors are in use. */
  setVectorCount(count: number): void {
    this.words[VECTOR_COUNT] = count;
  }

  /** The bytes that vector `index` stands for. */
  setVector(index: number, address: number, byteCount: number): void {
    const at = (VECTORS_AT + index * VECTOR_BYTES) >> 2;
    this.putAddress(at, address);
    this.words[at + 2] = byteCount;
  }

  private putAddress(at: number, address: number): void {
    this.words[at] = address | 0;
    this.words[at + 1] = Math.floor(address / LINE);
  }
}
