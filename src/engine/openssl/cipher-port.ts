/**
 * Where cipher text goes into OpenSSL and comes out of it: two memory BIOs, which all sessions of a
 * thread share. A session reads and writes them within a call, and never between calls; so whoever calls
 * a session first says where the input lies (`feed`), and afterwards takes the output out.
 *
 * The BIOs work on two descriptions of memory (`BUF_MEM`, a public structure) that lie in our memory:
 *
 *     word   0 length   2 address   4 size   6 flags    of the input; 16 to 22 of the output
 *
 * So the input is given by writing three numbers, without a call and without a copy, and how much of it
 * is left, or how much output there is, is read as a number. `availability.ts` finds out whether
 * OpenSSL does with them what is expected here.
 *
 * The output's memory is OpenSSL's own, and grows as it needs, but for one call (`sealInto`): then it is
 * the caller's, and must be large enough for whatever that call can write.
 */
import type { OpenSsl } from "./openssl-functions.js";

const SET_MEMORY = 114;
const SET_END_ANSWER = 130;
const NO_CLOSE = 0;

const WORD = 0x1_0000_0000;
const BLOCK_BYTES = 20_480;
const OUTPUT_AT = 64;
const SCRATCH_AT = 128;
/** Plain text that is gathered for one record lies here. */
const STAGING_AT = 4_096;

/** The most plain text of one record (RFC 8446 §5.1). */
export const RECORD_BYTES = 16_384;

/** What a record of OpenSSL's can have beyond its plain text, and a little more: head, padding, tag. */
const RECORD_OVERHEAD_BYTES = 384;

/** Room that is enough for `byteCount` bytes of plain text, and for what may go before them. */
export function sealedRoom(byteCount: number): number {
  return byteCount + RECORD_OVERHEAD_BYTES * (Math.ceil(byteCount / RECORD_BYTES) + 2);
}

/** The way of cipher text into OpenSSL and out of it. */
export class CipherPort {
  /** Memory for what functions answer by pointers, 64 bytes, at {@link scratchAddress}. */
  readonly scratch: DataView;
  readonly scratchAddress: number;
  /** Memory for one record of plain text, at {@link stagingAddress}. */
  readonly staging: Uint8Array;
  readonly stagingAddress: number;
  private readonly functions: OpenSsl;
  private readonly words: Uint32Array;
  private readonly outputAddress: number;
  private readonly input: number;
  private readonly output: number;

  constructor(functions: OpenSsl) {
    const block = new ArrayBuffer(BLOCK_BYTES);
    const address = functions.addressOf(new Uint8Array(block));
    this.functions = functions;
    this.words = new Uint32Array(block, 0, SCRATCH_AT / 4);
    this.scratch = new DataView(block, SCRATCH_AT, 64);
    this.scratchAddress = address + SCRATCH_AT;
    this.staging = new Uint8Array(block, STAGING_AT, RECORD_BYTES);
    this.stagingAddress = address + STAGING_AT;
    this.outputAddress = address + OUTPUT_AT;
    // A BIO that is read only takes what its description says; its own one is freed with the exchange.
    this.input = functions.bioNewReadOnly(address, 0);
    functions.bioControl(this.input, SET_MEMORY, NO_CLOSE, address);
    // No more input is not the end.
    functions.bioControl(this.input, SET_END_ANSWER, -1, 0);
    this.output = functions.bioNew(functions.memoryBio());
    functions.bioControl(this.output, SET_MEMORY, NO_CLOSE, this.outputAddress);
  }

  /** Gives the BIOs to an SSL, which has a reference to each from now on. */
  attach(ssl: number): void {
    const { functions } = this;
    functions.bioAddReference(this.input);
    functions.sslSet0Input(ssl, this.input);
    functions.bioAddReference(this.output);
    functions.sslSet0Output(ssl, this.output);
  }

  /** The input of the calls to come. It stays the caller's, and as it is, until they are made. */
  feed(address: number, byteCount: number): void {
    const { words } = this;
    words[0] = byteCount;
    words[2] = address % WORD;
    words[3] = address / WORD;
    words[4] = byteCount;
  }

  /** Input that was not taken. */
  get leftBytes(): number {
    return this.words[0]!;
  }

  /** Output that waits. Nothing of it may be left when another session is called. */
  get outputBytes(): number {
    return this.words[OUTPUT_AT / 4]!;
  }

  /** Moves all output, which is {@link outputBytes}, to `address`. */
  take(address: number): void {
    const { words } = this;
    this.functions.bioRead(this.output, address, words[OUTPUT_AT / 4]!);
    words[OUTPUT_AT / 4] = 0;
  }

  /** Throws output away. */
  discard(): void {
    for (let left = this.outputBytes; left > 0; left -= RECORD_BYTES) {
      this.functions.bioRead(this.output, this.stagingAddress, Math.min(left, RECORD_BYTES));
    }
    this.words[OUTPUT_AT / 4] = 0;
  }

  /**
   * Lets `write` put its output straight to `address`, where `room` bytes are; returns how many it was.
   * The room must be {@link sealedRoom}. No output may wait.
   */
  sealInto(address: number, room: number, write: () => void): number {
    const { functions, output, words } = this;
    const at = OUTPUT_AT / 4;
    const [low, high, size] = [words[at + 2]!, words[at + 3]!, words[at + 4]!];
    words[at] = 0;
    words[at + 2] = address % WORD;
    words[at + 3] = address / WORD;
    words[at + 4] = room;
    functions.bioControl(output, SET_MEMORY, NO_CLOSE, this.outputAddress);
    write();
    const count = words[at]!;
    words[at] = 0;
    words[at + 2] = low;
    words[at + 3] = high;
    words[at + 4] = size;
    functions.bioControl(output, SET_MEMORY, NO_CLOSE, this.outputAddress);
    return count;
  }

  /** The number of 8 bytes at `offset` of the scratch memory. */
  scratchNumber(offset: number): number {
    return this.scratch.getUint32(offset, true) + this.scratch.getUint32(offset + 4, true) * WORD;
  }

  setScratchNumber(offset: number, value: number): void {
    this.scratch.setUint32(offset, value % WORD, true);
    this.scratch.setUint32(offset + 4, value / WORD, true);
  }
}
