/**
 * How a message is described to the kernel, for SENDMSG and RECVMSG (`struct msghdr`, `struct
 * iovec`). Lies in memory of its own, which is made once and used again.
 *
 *     byte 0   msghdr   name (pointer, length) · vectors (pointer, count) · control · flags
 *     byte 64  vectors  16 bytes each: pointer, length
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

/** See the head of the file. */
export class MessageHeader {
  /** Where it lies. */
  readonly address: number;
  private readonly words: Int32Array;
  private readonly name: Uint8Array;

  /** With room for this many vectors, and a name of this many bytes. */
  constructor(calls: ForeignFunctions, vectorCount: number, nameBytes: number) {
    const nameAt = VECTORS_AT + vectorCount * VECTOR_BYTES;
    const memory = new ArrayBuffer(nameAt + nameBytes);
    this.words = new Int32Array(memory, 0, nameAt >> 2);
    this.name = new Uint8Array(memory, nameAt);
    this.address = calls.addressOf(new Uint8Array(memory));
    this.putAddress(VECTOR_POINTER, this.address + VECTORS_AT);
    if (nameBytes > 0) this.putAddress(NAME_POINTER, this.address + nameAt);
  }

  /** Room for a name, without one. */
  setNameLength(byteCount: number): void {
    this.words[NAME_LENGTH] = byteCount;
  }

  /** Where the message goes; an empty name goes to the peer. */
  setName(name: Uint8Array): void {
    this.name.set(name);
    this.words[NAME_LENGTH] = name.length;
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
