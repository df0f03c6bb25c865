import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PieceWriter, ProtocolConnection } from "#src/connection/receiver.js";
import { BodySource } from "#src/http/client/body-source.js";
import { ContentSender } from "#src/http/client/content-sender.js";
import { BODY } from "#src/protocol/http1/head.js";
import { BodyWriter } from "#src/protocol/http1/writing/body-writer.js";

/** A connection that takes everything, at a time that flies. */
function connection(sent: string[]): ProtocolConnection {
  let nowMs = 0;
  const target = Buffer.alloc(1_000);
  const some: Partial<ProtocolConnection> = {
    wheel: { clock: { now: () => (nowMs += 100) } } as never,
    sendBytes: (bytes) => sent.push(Buffer.from(bytes).toString("latin1")) > 0,
    write: (writer: PieceWriter) => {
      const end = writer.writePiece(target, 0);
      if (end > 0) sent.push(target.toString("latin1", 0, end));
      return true;
    },
  };
  return some as ProtocolConnection;
}

/** What was sent, and how it ended, before the loop has turned. */
async function sentAtOnce(bodyLength: number): Promise<readonly [string, boolean]> {
  const sent: string[] = [];
  let hasEnded = false;
  const sender = new ContentSender({
    connection: connection(sent),
    body: new BodyWriter(bodyLength),
    source: new BodySource({ open: () => ["abc"], canRepeat: false }, undefined),
    trailers: undefined,
    silenceMs: 0,
    ended: () => {
      hasEnded = true;
    },
  });
  sender.start();
  for (let turn = 0; turn < 100; turn++) await undefined;
  void sender.stop();
  return [sent.join(""), hasEnded];
}

describe("a content sender whose time flies", () => {
  it("is done with the last byte that was announced", async () => {
    assert.deepEqual(await sentAtOnce(3), ["abc", true]);
  });

  it("lets the loop turn where more may come", async () => {
    assert.deepEqual(await sentAtOnce(BODY.chunked), ["3\r\nabc\r\n", false]);
  });
});
