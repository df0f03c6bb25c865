import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { BODY } from "#src/protocol/http1/head.js";
import { createLimits } from "#src/protocol/http1/limits.js";
import { AFTER_HEAD } from "#src/protocol/http1/parsing/message-sink.js";
import { HeadWriter } from "#src/protocol/http1/writing/head-writer.js";
import { randomChunks } from "../support/every-chunking.js";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { type Direction, messageStream, requestMethods } from "../support/http1-corpus.js";
import { readRequests, readResponses, type Seen } from "../support/http1-recorder.js";
import { codeOf } from "../support/packet-stream.js";
import { Random } from "../support/random.js";

const MUTATIONS = fuzzRuns(50_000);
const HEADS = fuzzRuns(20_000);

/** Small ones, so that the mutations reach them. */
const SMALL = createLimits({
  maxStartLineBytes: 24,
  maxHeadBytes: 120,
  maxHeaderCount: 4,
  maxChunkExtensionBytes: 8,
  maxTrailerBytes: 12,
  maxBodyBytes: 30,
  maxInterimResponses: 1,
});

describe("mutated streams", () => {
  for (const direction of ["request", "response"] as const) {
    it(`of each ${direction} end the same however they are cut, and in a NetError at worst`, () => {
      const faults = new Set<string | undefined>();

      for (let seed = 1; seed <= MUTATIONS; seed += 1) {
        const random = new Random(seed);
        const stream = messageStream(random, direction);
        // Heads that come again are not scanned again.
        const bytes = seed % 2 === 0 ? stream : Buffer.concat([stream, stream]);
        const read = readingAs(direction, random);
        const whole = read([bytes]);
        const cut = read(randomChunks(bytes, random));
        faults.add(whole.fault);
        if (cut.events.join("\n") !== whole.events.join("\n") || cut.fault !== whole.fault) {
          assert.deepEqual(cut.events, whole.events, `seed ${seed}: ${bytes.toString("latin1")}`);
        }
      }

      assert.ok(faults.has(undefined), "some streams are sound");
      assert.ok(faults.size > 20, `only ${faults.size} kinds of faults`);
    });
  }
});

describe("heads out of random text", () => {
  it("are refused, or read as they were meant", () => {
    const random = new Random(1);
    const ends = new Map<unknown, number>();

    for (let run = 0; run < HEADS; run += 1) {
      const target = Buffer.alloc(300);
      const request = {
        method: random.pick(["GET", "GET", someText(random)]),
        target: `/${someText(random)}`,
        host: random.pick(["a", "a", someText(random)]),
        fields: [[`x${someText(random)}`, someText(random)]] as [string, string][],
        body: random.pick([BODY.none, 0, 5]),
      };
      let end = 0;
      const error = codeOf(() => {
        end = new HeadWriter().writeRequest(target, 0, request);
      });
      ends.set(error, (ends.get(error) ?? 0) + 1);
      if (error === undefined) assertMeant(target.subarray(0, end), request);
    }

    assert.deepEqual([...ends.keys()].sort(), ["INVALID_ARGUMENT", undefined]);
    for (const count of ends.values()) assert.ok(count > HEADS / 20);
  });
});

function readingAs(direction: Direction, random: Random): (chunks: readonly Buffer[]) => Seen {
  const limits = random.next() < 0.3 ? { limits: SMALL } : {};
  const ends = random.next() < 0.8;
  const answers = random.next() < 0.1 ? { answer: () => AFTER_HEAD.skipBody } : {};
  const options = { ...limits, ...answers, ends, methods: requestMethods(random) };
  return direction === "request"
    ? (chunks) => readRequests(chunks, options)
    : (chunks) => readResponses(chunks, options);
}

/** Mostly harmless. */
function someText(random: Random): string {
  const alphabet = random.next() < 0.8 ? "abcXY019-_" : "ab\r\n\0\t :;,#\x7f\xe9\u010a";
  const count = random.integer(0, 6);
  return Array.from({ length: count }, () => random.pick([...alphabet])).join("");
}

function assertMeant(
  head: Buffer,
  request: {
    readonly method: string;
    readonly target: string;
    readonly host: string;
    readonly fields: readonly (readonly [string, string])[];
    readonly body: number;
  },
): void {
  const { method, target, host, fields, body } = request;
  const text = `${head.toString("latin1")}${"y".repeat(Math.max(0, body))}`;
  const { fault, messages } = readRequests([Buffer.from(text, "latin1")]);
  assert.equal(fault, undefined, JSON.stringify(text));
  assert.equal(messages.length, 1);
  assert.equal(messages[0]?.startLine, `${method} ${target} HTTP/1.1`);
  const lines = fields.map(([name, value]) => `${name}: ${value.replace(/^[ \t]+|[ \t]+$/g, "")}`);
  const length = body === BODY.none ? [] : [`Content-Length: ${body}`];
  assert.deepEqual(messages[0]?.fields, [`Host: ${host}`, ...lines, ...length]);
}
