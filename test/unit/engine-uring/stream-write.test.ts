/** What a write tells the kernel, without a kernel. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ProvidedBuffers,
  providedBuffersBytes,
} from "#src/engine/uring/memory/provided-buffers.js";
import { SendArena } from "#src/engine/uring/memory/send-arena.js";
import { SharedMemory, wholePages } from "#src/engine/uring/memory/shared-memory.js";
import { ENTRY_LENGTH, OP_SEND, OP_SENDMSG } from "#src/engine/uring/ring/kernel-interface.js";
import type { Ring } from "#src/engine/uring/ring/ring.js";
import { uringSettings } from "#src/engine/uring/setup/uring-options.js";
import { StreamWrite } from "#src/engine/uring/sockets/stream-write.js";
import { FAKE_ADDRESS, withoutKernel } from "./fake-calls.js";

const MIB = 1_048_576;

interface WriteBench {
  readonly write: StreamWrite;
  readonly arena: SendArena;
  /** What the next operation is told: its address and length. */
  describe(): { address: number; length: number };
}

function bench(): WriteBench {
  const settings = uringSettings({ receiveBufferCount: 1, receiveBufferBytes: 1_024 });
  const buffersBytes = providedBuffersBytes(settings).reduce(
    (sum, part) => sum + wholePages(part),
    0,
  );
  const calls = withoutKernel();
  const memory = new SharedMemory(calls, 65_536 + buffersBytes);
  const buffers = new ProvidedBuffers(memory, settings, undefined);
  const arena = new SendArena(memory, 65_536, buffers, undefined);
  const write = new StreamWrite(calls, memory, arena);
  const entries = new Int32Array(16);
  const told = { address: 0, length: 0 };
  const ring = { entries, putAddress: (_at: number, address: number) => (told.address = address) };
  const describeNext = (): typeof told => {
    assert.equal(write.prepare(), true);
    write.describe(ring as unknown as Ring, 0);
    return { ...told, length: entries[ENTRY_LENGTH]! };
  };
  return { write, arena, describe: describeNext };
}

describe("stream write", () => {
  it("gives the kernel at most 1 MiB at a time, so that progress shows within a write", () => {
    const { write, describe: next } = bench();
    write.begin(new Uint8Array(2 * MIB + 5));
    const lengths: number[] = [];
    const addresses: number[] = [];

    while (write.leftBytes > 0) {
      const { address, length } = next();
      lengths.push(length);
      addresses.push(address - FAKE_ADDRESS);
      write.advance(length);
    }

    assert.deepEqual(lengths, [MIB, MIB, 5]);
    assert.deepEqual(addresses, [0, MIB, 2 * MIB]);
  });

  it("copies what is small, and is done with it on release", () => {
    const { write, arena } = bench();

    write.begin(Buffer.from("small"));
    const copied = arena.buffer.toString("latin1", 0, 5);
    const held = arena.liveCount;
    write.release();

    assert.deepEqual([copied, held, arena.liveCount], ["small", 1, 0]);
    assert.equal(write.operation, OP_SEND);
  });

  it("describes several pieces by where they lie, and goes on in the middle of one", () => {
    const { write, describe: next } = bench();
    const pieces = [Buffer.alloc(3), Buffer.alloc(40_000), new Uint8Array(0), Buffer.alloc(20_000)];

    write.beginAll(pieces, 60_003);
    const operation = write.operation;
    next();
    write.advance(3 + 39_999);
    next();
    write.advance(1 + 20_000);

    assert.equal(operation, OP_SENDMSG);
    assert.equal(write.leftBytes, 0);
  });

  it("can't go on from memory that was transferred meanwhile", () => {
    for (const isOneOfSeveral of [false, true]) {
      const { write } = bench();
      const piece = new Uint8Array(100_000);
      if (isOneOfSeveral) write.beginAll([Buffer.alloc(20_000), piece], 120_000);
      else write.begin(piece);
      assert.equal(write.prepare(), true);
      write.advance(50_000);

      structuredClone(piece.buffer, { transfer: [piece.buffer] });

      assert.equal(write.prepare(), false);
      write.release();
    }
  });
});
