/** Who has which deflate context, and for how long. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DeflateAgreement } from "#src/protocol/websocket/deflate-agreement.js";
import { ManualClock } from "#src/time/clock.js";
import { compressionSettings } from "#src/websocket/deflate/compression-options.js";
import { DeflateStock, IDLE_MS, type SocketDeflate } from "#src/websocket/deflate/deflate-stock.js";
import { MAX_TURN_BYTES, MAX_TURN_SOCKETS, WorkTurns } from "#src/websocket/deflate/work-turns.js";
import { ZlibInflater } from "../../support/websocket-zlib.js";

const KEEPS: DeflateAgreement = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};
const FORGETS: DeflateAgreement = {
  ...KEEPS,
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
};
/** The client forgets, so that only deflates count. */
const SERVER_KEEPS: DeflateAgreement = { ...KEEPS, clientNoContextTakeover: true };

const TEXT = Buffer.from("a text that comes again and again, as texts of programs do");

function stockOf(maxContexts: number, clock = new ManualClock()): DeflateStock {
  return new DeflateStock(compressionSettings({ keepContext: true, maxContexts })!, clock);
}

function deflated(socket: SocketDeflate): Buffer {
  return Buffer.from(socket.compression.deflater.deflate(TEXT));
}

/** What a peer that keeps its context makes of payloads. */
function inflated(payloads: readonly Buffer[]): string[] {
  const inflater = new ZlibInflater();
  return payloads.map((payload) => {
    const input = Buffer.concat([payload, Buffer.of(0, 0, 0xff, 0xff)]);
    const target = Buffer.alloc(1_024);
    const made = inflater.step(input, 0, input.length, target, 0, target.length);
    return target.toString("utf8", 0, made);
  });
}

describe("DeflateStock", () => {
  it("makes no context before it is used", () => {
    const stock = stockOf(10);

    const socket = stock.socketDeflate("server", SERVER_KEEPS);
    const before = stock.ownCount;
    deflated(socket);

    assert.deepEqual([before, stock.ownCount], [0, 1]);
    socket.end();
    assert.equal(stock.ownCount, 0);
  });

  it("gives a deflate back that nobody uses, and begins anew where its peer goes on", () => {
    const clock = new ManualClock();
    const stock = stockOf(10, clock);
    const socket = stock.socketDeflate("server", SERVER_KEEPS);
    const payloads = [deflated(socket), deflated(socket)];

    clock.advance(IDLE_MS);
    const inUse = stock.ownCount;
    clock.advance(IDLE_MS);
    const idle = stock.ownCount;
    payloads.push(deflated(socket), deflated(socket));

    assert.deepEqual([inUse, idle, stock.ownCount], [1, 0, 1]);
    assert.deepEqual(inflated(payloads), Array(4).fill(TEXT.toString()));
    const [first = 0, second = 0, third = 0, fourth = 0] = payloads.map(({ length }) => length);
    assert.ok(second < first / 2 && third === first && fourth < third / 2);
  });

  it("keeps one that is in the middle of a message", () => {
    const clock = new ManualClock();
    const stock = stockOf(10, clock);
    const { compression } = stock.socketDeflate("server", SERVER_KEEPS);
    const first = Buffer.from(compression.deflater.piece(TEXT, false));

    clock.advance(3 * IDLE_MS);
    const last = compression.deflater.piece(TEXT, true);

    assert.deepEqual(inflated([Buffer.concat([first, last])]), [`${TEXT}${TEXT}`]);
  });

  it("has at most maxContexts, also for sockets that agreed before and use theirs later", () => {
    const stock = stockOf(3);
    const sockets = Array.from({ length: 10 }, () => stock.socketDeflate("server", SERVER_KEEPS));

    for (let round = 0; round < 2; round++) {
      for (const socket of sockets) assert.deepEqual(inflated([deflated(socket)]).length, 1);
    }

    assert.equal(stock.ownCount, 3);
    sockets[0]?.end();
    const payloads = [1, 2].map(() => deflated(sockets[9]!));
    assert.equal(stock.ownCount, 3);
    assert.deepEqual(inflated(payloads), Array(2).fill(TEXT.toString()));
    for (const socket of sockets) socket.end();
    assert.equal(stock.ownCount, 0);
  });

  it("asks peers to forget theirs when as many were promised", () => {
    const stock = stockOf(2);
    const before = stock.wishes("server").clientNoContextTakeover;

    const sockets = [1, 2].map(() => stock.socketDeflate("server", KEEPS));
    const full = stock.wishes("server").clientNoContextTakeover;
    for (const socket of sockets) socket.end();

    const after = stock.wishes("server").clientNoContextTakeover;
    assert.deepEqual([before, full, after], [false, true, false]);
  });

  it("serves all sockets with one context where none is kept", () => {
    const stock = stockOf(10);
    const sockets = Array.from({ length: 5 }, () => stock.socketDeflate("server", FORGETS));

    const payloads = sockets.map(deflated);

    for (const payload of payloads) assert.deepEqual(inflated([payload]), [TEXT.toString()]);
    assert.equal(stock.ownCount, 0);
  });
});

describe("WorkTurns", () => {
  it("gives a turn to a few at a time, in their order, and new room to each turn", async () => {
    const turns = new WorkTurns();
    const calls: number[] = [];
    turns.spend(MAX_TURN_BYTES + 1);
    const left = turns.leftBytes;
    for (let index = 0; index < 2 * MAX_TURN_SOCKETS + 1; index++) {
      turns.later(() => calls.push(index));
    }

    const counts: number[] = [];
    for (let turn = 0; turn < 4; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      counts.push(calls.length);
    }

    assert.ok(left < 0);
    assert.equal(turns.leftBytes, MAX_TURN_BYTES);
    assert.deepEqual(counts, [4, 8, 9, 9]);
    assert.deepEqual(calls, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });
});
