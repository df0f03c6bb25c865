/**
 * Work grows with the bytes that come, never with their square. The bounds are some ten times what
 * the runs take, and a hundredth of what a square would take: milliseconds of the processor, which other
 * programs of the machine don't take from.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import process from "node:process";
import { describe, it } from "node:test";
import { createLimits } from "#src/protocol/http1/limits.js";
import { RequestParser } from "#src/protocol/http1/request-parser.js";
import { Http1Recorder, latin1 } from "../../support/http1-recorder.js";

const MIB = 1024 * 1024;
const START = "POST / HTTP/1.1\r\nHost: a\r\n";
const BOUND_MS = 3_000;

/** Time of the processor that this process has taken so far. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Feeds text byte by byte, then so many bytes more, and answers how much time of the processor it took. */
function feedByteByByte(
  parser: RequestParser,
  recorder: Http1Recorder,
  text: string,
  more: { readonly count: number; readonly byte: string },
): number {
  const head = latin1(text);
  const byte = latin1(more.byte);
  const startMs = processorMs();
  for (let index = 0; index < head.length; index += 1) {
    parser.feed(head.subarray(index, index + 1), recorder);
  }
  for (let count = 0; count < more.count && recorder.error === undefined; count += 1) {
    parser.feed(byte, recorder);
  }
  return processorMs() - startMs;
}

describe("time", () => {
  it("is short for a field of 1 MiB that comes byte by byte: its limit ends it", () => {
    const parser = new RequestParser();
    const recorder = new Http1Recorder();

    const tookMs = feedByteByByte(parser, recorder, `${START}X: `, { count: MIB, byte: "a" });

    assert.equal(recorder.error?.code, "HTTP_HEAD_TOO_LARGE");
    assert.ok(tookMs < BOUND_MS / 10, `${tookMs} ms`);
  });

  it("grows with the bytes of a head that comes byte by byte", () => {
    const parser = new RequestParser(createLimits({ maxHeadBytes: 2 * MIB }));
    const recorder = new Http1Recorder();

    const tookMs = feedByteByByte(parser, recorder, `${START}X: `, { count: MIB, byte: "a" });
    parser.feed(latin1("\r\n\r\n"), recorder);

    assert.equal(recorder.messages.length, 1);
    assert.ok(tookMs < BOUND_MS, `${tookMs} ms`);
  });

  it("grows with the bytes of a body that comes byte by byte", () => {
    const parser = new RequestParser();
    let bodyBytes = 0;
    const recorder = new (class extends Http1Recorder {
      override onBody(bytes: Buffer): boolean {
        bodyBytes += bytes.length;
        return true;
      }
    })();

    const head = `${START}Content-Length: ${MIB}\r\n\r\n`;
    const tookMs = feedByteByByte(parser, recorder, head, { count: MIB, byte: "a" });

    assert.equal(bodyBytes, MIB);
    assert.equal(recorder.events.at(-1), "complete");
    assert.ok(tookMs < BOUND_MS, `${tookMs} ms`);
  });

  it("grows with the chunks of a body that has one byte in each", () => {
    const parser = new RequestParser();
    let bodyBytes = 0;
    const startMs = processorMs();

    parser.feed(latin1(`${START}Transfer-Encoding: chunked\r\n\r\n`), new Http1Recorder());
    const sink = new (class extends Http1Recorder {
      override onChunkHeader(): void {}
      override onChunkComplete(): void {}
      override onBody(bytes: Buffer): boolean {
        bodyBytes += bytes.length;
        return true;
      }
    })();
    const chunks = Buffer.from("1\r\na\r\n".repeat(10_000));
    for (let count = 0; count < 20; count += 1) parser.feed(chunks, sink);

    assert.equal(bodyBytes, 200_000);
    const tookMs = processorMs() - startMs;
    assert.ok(tookMs < BOUND_MS, `${tookMs} ms`);
  });

  it("does not depend on what follows a head that was cut", () => {
    const parser = new RequestParser();
    const recorder = new Http1Recorder({ stops: true });
    const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const block = latin1(`${get.slice(1)}${get.repeat(2000)}G`);
    const startMs = processorMs();

    parser.feed(latin1("G"), recorder);
    for (let round = 0; round < 5; round += 1) {
      for (let taken = 0; taken < block.length; ) {
        taken += parser.feed(block.subarray(taken), recorder);
      }
    }

    assert.equal(recorder.messages.length, 5 * 2001);
    const tookMs = processorMs() - startMs;
    assert.ok(tookMs < BOUND_MS, `${tookMs} ms`);
  });
});
