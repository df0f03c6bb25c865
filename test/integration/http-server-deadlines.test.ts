/** What an HTTP server does with peers, and with handlers, that take their time. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NetError } from "hp-socket";
import { type HttpExchange, HttpServer } from "hp-socket/http";
import { httpMemory } from "../support/http-memory.js";

const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n";

const statusCodes = (text: string): number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, code]) => Number(code));

describe("deadlines of an HTTP server", () => {
  it("closes a connection on which no request comes within headTimeoutMs", async () => {
    const world = await httpMemory({ headTimeoutMs: 1_000, onRequest: () => {} });
    const peer = await world.peer();

    await world.pass(990);
    assert.equal(peer.hasEnded, false);
    await world.pass(20);

    assert.equal(peer.hasEnded, true);
    assert.equal(peer.received, "");
  });

  it("answers a head that drips in with 408 after headTimeoutMs (slowloris)", async () => {
    const world = await httpMemory({
      headTimeoutMs: 10_000,
      onRequest: (exchange) => exchange.respond(200),
    });
    const peer = await world.peer();

    await peer.send("GET / HTTP/1.1\r\nHost: h\r\n");
    for (let second = 0; second < 9; second++) {
      await peer.send(`X-${second}: drip\r\n`);
      await world.pass(1_000);
    }
    assert.equal(peer.received, "");
    await world.pass(1_100);
    peer.client.close();
    await world.pass(0);

    assert.deepEqual(statusCodes(peer.received), [408]);
    assert.match(peer.received, /Connection: close/);
    assert.deepEqual(world.codes, ["HTTP_HEAD_TIMEOUT"]);
    assert.match(String(world.reasons[0]?.cause?.message), /headTimeoutMs \(10000\)/);
  });

  it("does the same behind requests that were answered", async () => {
    const world = await httpMemory({
      headTimeoutMs: 2_000,
      onRequest: (exchange) => exchange.respond(200),
    });
    const peer = await world.peer();

    await peer.send(GET);
    await world.pass(1_500);
    await peer.send(GET + GET.slice(0, 10));
    await world.pass(1_900);
    assert.deepEqual(statusCodes(peer.received), [200, 200]);
    await world.pass(200);

    assert.deepEqual(statusCodes(peer.received), [200, 200, 408]);
    assert.equal(peer.hasEnded, true);
  });

  it("answers a body that falls silent with 408 after bodyTimeoutMs, and tells who reads it", async () => {
    const codes: string[] = [];
    const world = await httpMemory({
      bodyTimeoutMs: 3_000,
      async onRequest(exchange) {
        try {
          await exchange.body.bytes();
        } catch (error) {
          codes.push((error as NetError).code);
          throw error;
        }
      },
    });
    const peer = await world.peer();

    await peer.send(POST);
    for (let part = 0; part < 4; part++) {
      await peer.send("0123456789");
      await world.pass(2_900);
    }
    assert.equal(peer.received, "");
    await world.pass(300);

    assert.deepEqual(statusCodes(peer.received), [408]);
    assert.deepEqual(codes, ["HTTP_BODY_TIMEOUT"]);
  });

  it("answers a body that never ends with 408 after requestTimeoutMs, however steadily it drips", async () => {
    const codes: string[] = [];
    const world = await httpMemory({
      bodyTimeoutMs: 3_000,
      requestTimeoutMs: 20_000,
      async onRequest(exchange) {
        for await (const _chunk of exchange.body) codes.push("chunk");
      },
      onHandlerError: (error) => codes.push(error.code),
    });
    const peer = await world.peer();

    await peer.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (let second = 0; second < 19; second++) {
      await peer.send("1\r\nx\r\n");
      await world.pass(1_000);
    }
    assert.equal(peer.received, "");
    await world.pass(1_500);

    assert.deepEqual(statusCodes(peer.received), [408]);
    assert.equal(codes.length, 19);
    assert.equal(peer.hasEnded, true);
  });

  it("does not hold it against the peer when the handler is slow to read the body", async () => {
    let held: HttpExchange | undefined;
    const world = await httpMemory({
      bodyTimeoutMs: 1_000,
      onRequest: (exchange) => {
        held = exchange;
      },
    });
    const peer = await world.peer();

    await peer.send(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n`);
    await peer.send(Buffer.alloc(100_000));
    await world.pass(10_000);
    assert.equal(peer.received, "");
    const whole = held?.body.bytes();
    await peer.send(Buffer.alloc(100_000));
    await world.pass(0);

    assert.equal((await whole)?.length, 200_000);
  });

  it("answers 503 when the handler does not within responseTimeoutMs, and drops what it says later", async () => {
    let held: HttpExchange | undefined;
    const world = await httpMemory({
      responseTimeoutMs: 5_000,
      onRequest: (exchange) => {
        held = exchange;
      },
    });
    const peer = await world.peer();

    await peer.send(GET);
    await world.pass(4_900);
    assert.equal(peer.received, "");
    await world.pass(200);

    assert.deepEqual(statusCodes(peer.received), [503]);
    assert.equal(held?.isResponded, true);
    assert.equal(held?.respond(200, {}, "late"), false);
    await world.pass(0);
    assert.deepEqual(statusCodes(peer.received), [503]);
    assert.equal(peer.hasEnded, true);
  });

  it("ends a connection whose peer takes nothing for sendTimeoutMs", async () => {
    const world = await httpMemory({
      sendTimeoutMs: 4_000,
      onRequest: (exchange) => exchange.respond(200, {}, Buffer.alloc(8_000_000)),
    });
    const peer = await world.peer(true);

    await peer.send(GET);
    await world.pass(4_000);
    assert.deepEqual(world.codes, []);
    await world.pass(4_500);

    assert.deepEqual(world.codes, ["HTTP_SEND_TIMEOUT"]);
  });

  it("ends one whose peer has finished and whose answer nobody goes on with", async () => {
    const world = await httpMemory({
      sendTimeoutMs: 4_000,
      onRequest: (exchange) => {
        exchange.startResponse(200).write("begun");
      },
    });
    const peer = await world.peer();

    await peer.send(GET);
    await world.pass(60_000);
    assert.deepEqual(world.codes, []);
    peer.client.finish();
    await world.pass(4_000);
    await world.pass(4_500);

    assert.deepEqual(world.codes, ["HTTP_SEND_TIMEOUT"]);
  });

  it("does not end one whose peer takes its time but goes on", async () => {
    const world = await httpMemory({
      sendTimeoutMs: 4_000,
      onRequest: (exchange) => exchange.respond(200, {}, Buffer.alloc(2_000_000)),
    });
    const peer = await world.peer(true);
    await peer.send(GET);

    for (let turn = 0; turn < 100 && peer.received.length < 2_000_000; turn++) {
      await world.pass(3_000);
      peer.client.resume();
      await world.engine.settle();
      peer.client.pause();
    }

    assert.deepEqual(world.codes, []);
    assert.ok(peer.received.length > 2_000_000);
  });

  it("gives a slow peer all of a last answer, whatever closeTimeoutMs is", async () => {
    const world = await httpMemory({
      closeTimeoutMs: 1_000,
      onRequest: (exchange) =>
        exchange.respond(200, { Connection: "close" }, Buffer.alloc(900_000)),
    });
    const peer = await world.peer(true);
    await peer.send(GET);

    for (let turn = 0; turn < 100 && !peer.hasEnded; turn++) {
      await world.pass(900);
      peer.client.resume();
      await world.engine.settle();
      peer.client.pause();
    }
    peer.client.close();
    await world.pass(0);

    assert.equal(peer.received.length - peer.received.indexOf("\r\n\r\n") - 4, 900_000);
    assert.deepEqual(world.codes, ["CLOSED"]);
  });

  it("closes an idle connection a second after what it has announced, without a word", async () => {
    const world = await httpMemory({
      keepAliveTimeoutMs: 3_000,
      onRequest: (exchange) => exchange.respond(200),
    });
    const peer = await world.peer();

    for (let request = 0; request < 3; request++) {
      await peer.send(GET);
      await world.pass(3_900);
    }
    assert.equal(peer.hasEnded, false);
    await world.pass(200);
    peer.client.close();
    await world.pass(0);

    assert.deepEqual(statusCodes(peer.received), [200, 200, 200]);
    assert.match(peer.received, /Keep-Alive: timeout=3\r\n/);
    assert.equal(peer.hasEnded, true);
    assert.deepEqual(world.codes, ["CLOSED"]);
  });

  it("counts that from the response, not from the request", async () => {
    let held: HttpExchange | undefined;
    const world = await httpMemory({
      keepAliveTimeoutMs: 3_000,
      onRequest: (exchange) => {
        held = exchange;
      },
    });
    const peer = await world.peer();

    await peer.send(GET);
    await world.pass(10_000);
    held?.respond(200);
    await world.pass(3_500);
    assert.equal(peer.hasEnded, false);
    await world.pass(600);

    assert.equal(peer.hasEnded, true);
  });

  it("takes other deadlines while it runs", async () => {
    const world = await httpMemory({
      keepAliveTimeoutMs: 60_000,
      onRequest: (exchange) => exchange.respond(200),
    });
    const peer = await world.peer();
    await peer.send(GET);

    world.server.configure({ keepAliveTimeoutMs: 2_000 });
    await peer.send(GET);
    await world.pass(3_100);

    assert.match(peer.received, /Keep-Alive: timeout=60[\s\S]*Keep-Alive: timeout=2/);
    assert.equal(peer.hasEnded, true);
  });

  it("sets none that is 0, and then leaves nothing on the clock", async () => {
    const world = await httpMemory({
      headTimeoutMs: 0,
      bodyTimeoutMs: 0,
      requestTimeoutMs: 0,
      responseTimeoutMs: 0,
      sendTimeoutMs: 0,
      keepAliveTimeoutMs: 0,
      onRequest: () => {},
    });
    const peer = await world.peer();

    await peer.send(GET);
    await world.pass(1_000_000);

    assert.equal(peer.hasEnded, false);
    assert.equal(world.clock.timerCount, 0);
    assert.equal(world.server.stats.exchangeCount, 1);
  });

  it("leaves nothing on the clock once it is stopped", async () => {
    const world = await httpMemory({ onRequest: (exchange) => exchange.respond(200) });
    const peer = await world.peer();
    await peer.send(GET);

    const stopping = world.server.stop();
    await world.pass(0);
    peer.client.close();
    await world.pass(0);
    await stopping;

    assert.equal(world.clock.timerCount, 0);
  });

  it("tells a new second in Date", async () => {
    const world = await httpMemory({ onRequest: (exchange) => exchange.respond(200) });
    const peer = await world.peer();

    await peer.send(GET);
    await world.pass(1_000);
    await peer.send(GET);

    const dates = [...peer.received.matchAll(/Date: (.*)\r/g)].map(([, date]) => date);
    assert.deepEqual(dates, ["Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:01 GMT"]);
  });
});

describe("options of an HTTP server", () => {
  it("are refused where they can't be", () => {
    const onRequest = (): void => {};
    const refused: unknown[] = [
      {},
      { onRequest, fetch: () => new Response() },
      { onRequest: 1 },
      { onRequest, headTimeoutMs: -1 },
      { onRequest, maxPipelined: 0 },
      { onRequest, maxHeadBytes: 1 },
      { onRequest, maxHeadbytes: 1_000 },
      { onRequest, receive: undefined, onReceive: onRequest },
      undefined,
    ];

    for (const options of refused) {
      assert.throws(
        () => new HttpServer(options as never),
        (error: NetError) => error.code === "INVALID_ARGUMENT",
      );
    }
  });

  it("can't be changed by configure where they are no settings", () => {
    const server = new HttpServer({ onRequest() {} });

    for (const changes of [{ onRequest() {} }, { engine: "node" }, { fetch() {} }]) {
      assert.throws(() => server.configure(changes as never), { code: "SETTING_FIXED" });
    }
    assert.throws(() => server.configure({ maxPipelined: -1 }), { code: "INVALID_ARGUMENT" });
  });
});
