/** Connections that break while nobody reads them, on the node engine. */
import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import { breakOf, findsBreaks } from "#src/engine/node/quiet-break.js";
import { turns } from "../../support/engine-wait.js";
import { until } from "../../support/until.js";

const found = findsBreaks();
const skip = found === true ? false : found;

/** A connection whose accepted end reads nothing. */
async function quietPair(use: (accepted: Socket, peer: Socket) => Promise<void>): Promise<void> {
  let accepted: Socket | undefined;
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    accepted = socket;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const peer = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  peer.on("error", () => {});
  peer.resume();
  await until(() => accepted !== undefined && !peer.connecting);
  accepted!.on("error", () => {});
  try {
    await use(accepted!, peer);
  } finally {
    accepted!.destroy();
    peer.destroy();
    server.close();
  }
}

describe("a quiet connection", { skip }, () => {
  test("stands while the peer has sent, and finished", () =>
    quietPair(async (accepted, peer) => {
      assert.equal(breakOf(accepted, false), undefined);
      peer.end(Buffer.alloc(100_000));
      await until(() => peer.writableFinished);
      await turns(5);

      assert.equal(breakOf(accepted, false), undefined);
    }));

  test("is found broken with bytes unread, which stay where they are", () =>
    quietPair(async (accepted, peer) => {
      peer.write(Buffer.alloc(1_000));
      await until(() => peer.writableLength === 0);
      peer.resetAndDestroy();
      await until(() => peer.closed);

      assert.equal(breakOf(accepted, false), "ECONNRESET");
    }));

  test("is found broken behind the peer's end", () =>
    quietPair(async (accepted, peer) => {
      peer.end();
      await until(() => peer.writableFinished);
      peer.resetAndDestroy();
      await until(() => peer.closed);

      assert.equal(breakOf(accepted, false), "EPIPE");
    }));

  test("is not broken when both sides have finished", () =>
    quietPair(async (accepted, peer) => {
      accepted.end();
      await until(() => peer.readableEnded);
      peer.end();
      await until(() => peer.writableFinished);
      await turns(5);

      assert.equal(breakOf(accepted, true), undefined);
    }));

  test("is found broken behind our own end", () =>
    quietPair(async (accepted, peer) => {
      accepted.end();
      await until(() => peer.readableEnded);
      peer.resetAndDestroy();
      await until(() => peer.closed);

      assert.equal(breakOf(accepted, true), "ECONNRESET");
    }));
});
