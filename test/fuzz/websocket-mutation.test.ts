import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { createLimits } from "#src/protocol/websocket/limits.js";
import { MessageDeflater } from "#src/protocol/websocket/message-deflater.js";
import { OPCODE } from "#src/protocol/websocket/opcode.js";
import { randomChunks } from "../support/every-chunking.js";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { Random } from "../support/random.js";
import { closeBody, frame } from "../support/websocket-frames.js";
import { type ReadOptions, read } from "../support/websocket-recorder.js";
import { ZlibDeflater, ZlibInflater } from "../support/websocket-zlib.js";

const MUTATIONS_PER_KIND = fuzzRuns(25_000);

/** Small ones, so that the mutations reach them. */
const SMALL = createLimits({
  maxFrameBytes: 40,
  maxMessageBytes: 60,
  maxFragments: 3,
  maxControlFrames: 2,
  maxInflatedBytesPerTurn: 1024,
});

const TEXTS = ["", "a", "Hello", "ünï😀", "x".repeat(30), "y".repeat(126), "日本語".repeat(9)];

/** One inflater for all streams: without take-over each message begins anew. */
const inflater = new ZlibInflater({ takesOver: false });
const deflater = new MessageDeflater(new ZlibDeflater({ takesOver: false }));

type Kind = "server" | "client" | "server, compressed" | "client, compressed";

/** Frames of a few messages, sound so far. */
function soundStream(random: Random, kind: Kind): Buffer {
  const isMasked = kind.startsWith("server");
  const isCompressed = kind.endsWith("compressed");
  const frames: Buffer[] = [];
  const push = (fin: boolean, rsv: number, opcode: number, payload: Buffer | string): void => {
    const key = isMasked ? random.bytes(4).toString("hex") : undefined;
    frames.push(frame({ fin, rsv, opcode, payload, key }));
  };
  const control = (): void => {
    if (random.next() < 0.2) push(true, 0, random.pick([OPCODE.ping, OPCODE.pong]), "p");
  };
  for (let count = random.integer(1, 4); count > 0; count -= 1) {
    control();
    const opcode = random.pick([OPCODE.text, OPCODE.binary]);
    const rsv = isCompressed && random.next() < 0.8 ? 4 : 0;
    const text = Buffer.from(random.pick(TEXTS));
    const payload = rsv === 0 ? text : deflater.deflate(text);
    const cuts = [0, payload.length];
    for (let cut = random.integer(0, 2); cut > 0; cut -= 1)
      cuts.push(random.integer(0, payload.length));
    cuts.sort((a, b) => a - b);
    for (let index = 1; index < cuts.length; index += 1) {
      const isFirst = index === 1;
      const part = payload.subarray(cuts[index - 1], cuts[index]);
      push(index === cuts.length - 1, isFirst ? rsv : 0, isFirst ? opcode : 0, part);
      control();
    }
  }
  if (random.next() < 0.5)
    push(true, 0, OPCODE.close, closeBody(random.pick([1000, 1001, 4000]), "bye"));
  return Buffer.concat(frames);
}

/** None to three of: a bit flipped, a byte exchanged, bytes removed, repeated or put in. */
function mutate(random: Random, original: Buffer): Buffer {
  let bytes = original;
  for (let count = random.integer(0, 3); count > 0; count -= 1) {
    const start = random.integer(0, Math.max(0, bytes.length - 1));
    const part = bytes.subarray(start, start + random.integer(1, 4));
    const put = random.pick([
      () => Buffer.from(part.map((octet) => octet ^ (1 << random.integer(0, 7)))),
      () => Buffer.of(random.pick([0, 1, 2, 0x7e, 0x7f, 0x80, 0x81, 0x88, 0xfe, 0xff])),
      () => Buffer.alloc(0),
      () => Buffer.concat([part, part]),
      () => Buffer.concat([part, random.bytes(random.integer(1, 6))]),
    ]);
    bytes = Buffer.concat([bytes.subarray(0, start), put(), bytes.subarray(start + part.length)]);
  }
  return bytes;
}

function readingAs(kind: Kind, random: Random): ReadOptions {
  return {
    role: kind.startsWith("server") ? "server" : "client",
    ...(kind.endsWith("compressed") ? { inflater: () => inflater } : {}),
    ...(random.next() < 0.3 ? { limits: SMALL } : {}),
    ends: random.next() < 0.8,
  };
}

/** What of a broken deflate is inflated before the fault shows, and may be no UTF-8, is up to the cuts. */
function contentFault(fault: string | undefined): string | undefined {
  return fault === "text" ? "content" : fault;
}

function areEqual(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((each, index) => each === others[index]);
}

describe("mutated streams", () => {
  for (const kind of ["server", "client", "server, compressed", "client, compressed"] as const) {
    it(`to a ${kind}, end the same however they are cut, and in a NetError at worst`, () => {
      const faults = new Set<string | undefined>();

      for (let seed = 1; seed <= MUTATIONS_PER_KIND; seed += 1) {
        const random = new Random(seed);
        const bytes = mutate(random, soundStream(random, kind));
        const options = { ...readingAs(kind, random), pieces: random.next() < 0.5 };
        const whole = read([bytes], options);
        const stops = random.next() < 0.3;
        const cut = read(randomChunks(bytes, random), { ...options, stops });
        faults.add(whole.fault);
        const isEqual =
          contentFault(cut.fault) === contentFault(whole.fault) &&
          (whole.fault !== undefined || areEqual(cut.events, whole.events)) &&
          areEqual(cut.messages, whole.messages);
        if (isEqual) continue;
        assert.deepEqual(cut, whole, `seed ${seed}: ${bytes.toString("hex")}`);
      }

      assert.equal(inflater.openCount, 0, "each message that was begun was ended");
      assert.ok(faults.has(undefined), "some streams are sound");
      assert.ok(faults.size > 15, `only ${faults.size} kinds of faults: ${[...faults]}`);
    });
  }
});
