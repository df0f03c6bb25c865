/** What a source is told, and what its reader hears, in whichever order things end. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NetError } from "hp-socket";
import { ManualClock } from "hp-socket/testing";
import { ResponsePump, type ResponseSource } from "#src/http/server/response/response-pump.js";
import { PlainWriter, type ResponseOutput } from "#src/http/server/response/response-writer.js";
import { BODY } from "#src/protocol/http1/head.js";

/** An exchange that takes everything, until it is closed. */
class Output implements ResponseOutput {
  bodyGiven(): void {}

  pendingBytes = 0;
  isSendable = true;
  sent = "";
  ends = 0;
  broken: NetError | undefined;

  write(writer: Parameters<ResponseOutput["write"]>[0], maxBytes: number): boolean | undefined {
    const target = Buffer.alloc(maxBytes);
    const end = writer.writePiece(target, 0);
    if (end < 0) return undefined;
    return this.sendBytes(target.subarray(0, end));
  }

  sendBytes(piece: Uint8Array): boolean {
    this.sent += Buffer.from(piece).toString();
    return true;
  }

  hasRoom(): boolean {
    return true;
  }

  async drained(): Promise<void> {
    throw new NetError("CONNECTION_CLOSED");
  }

  async flushed(): Promise<void> {}

  responseEnded(): void {
    this.ends++;
  }

  responseBroken(error: NetError): void {
    this.broken = error;
  }
}

function pump(source: ResponseSource, bodyLength: number = BODY.untilClose) {
  const output = new Output();
  const one = new ResponsePump(new PlainWriter(output, bodyLength), source, new ManualClock());
  return { output, one, result: one.run() };
}

describe("a pump", () => {
  it("sends all of a source, and ends the response", async () => {
    const { output, result } = pump(["a", Buffer.from("b"), "c"]);

    assert.equal(await result, true);
    assert.equal(output.sent, "abc");
    assert.equal(output.ends, 1);
  });

  it("breaks the response off when the source fails, and stops it", async () => {
    let returned = 0;
    const source: ResponseSource = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new Error("no more")),
        return: async () => {
          returned++;
          return { done: true, value: undefined };
        },
      }),
    };
    const { output, result } = pump(source);

    await assert.rejects(result, { message: "no more" });
    assert.equal(output.broken?.code, "ABORTED");
    assert.deepEqual([output.ends, returned], [0, 1]);
  });

  it("resolves false at the end of the connection, also when the source fails as it is stopped", async () => {
    const source: ResponseSource = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => {}),
        return: () => {
          throw new Error("not stopped");
        },
      }),
    };
    const { output, one, result } = pump(source);

    one.ended();
    one.ended();

    assert.equal(await result, false);
    assert.deepEqual([output.ends, output.broken], [0, undefined]);
  });

  it("ends a response without body at once, and the source, which was begun", async () => {
    const told: string[] = [];
    function* endless(): Generator<string> {
      try {
        for (;;) yield "more";
      } finally {
        told.push("returned");
      }
    }
    const { output, result } = pump(endless(), BODY.none);

    assert.equal(await result, true);
    assert.deepEqual([output.sent, output.ends, told], ["", 1, ["returned"]]);
  });

  it("takes a piece that comes after the end for nothing", async () => {
    let give: (value: IteratorResult<string>) => void = () => {};
    const source: ResponseSource = {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          new Promise((resolve) => {
            give = resolve;
          }),
      }),
    };
    const { output, one, result } = pump(source);

    one.ended();
    give({ done: false, value: "late" });
    await result;
    await Promise.resolve();

    assert.equal(output.sent, "");
  });
});
