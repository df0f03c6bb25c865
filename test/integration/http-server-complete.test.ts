/** What is told when a response is complete, or was cut; and the access log made of that. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineName, NetError } from "hp-socket";
import {
  type AccessLogOptions,
  accessLog,
  type HttpExchange,
  type HttpServerOptions,
  type ResponseReport,
} from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpMemory } from "../support/http-memory.js";
import { httpServer, rawPeer } from "../support/http-world.js";
import { until } from "../support/until.js";

const get = (target: string, more = ""): string =>
  `GET ${target} HTTP/1.1\r\nHost: h\r\n${more}\r\n`;

interface Told {
  readonly target: string;
  readonly report: ResponseReport;
}

const noting = (told: Told[]): Pick<HttpServerOptions, "onResponseComplete"> => ({
  onResponseComplete: (exchange, report) => void told.push({ target: exchange.target, report }),
});

for (const engine of availableEngines()) {
  describe(`complete responses on ${engine}`, () => complete(engine));
}

function complete(engine: EngineName): void {
  it("are told of once each, in their order, with what they were", async (test) => {
    const told: Told[] = [];
    const server = await httpServer(test, {
      engine,
      async onRequest(exchange) {
        const { path } = exchange;
        if (path === "/whole") exchange.respondText(200, "12345");
        else if (path === "/empty") exchange.respond(204);
        else if (path === "/pieces") {
          const writer = exchange.startResponse(200);
          writer.write("123");
          await new Promise((resolve) => setImmediate(resolve));
          writer.write("x".repeat(100_000));
          writer.end();
        } else if (path === "/throws") throw new Error("no");
        else setImmediate(() => exchange.respond(200, {}, "later"));
      },
      onHandlerError: () => {},
      ...noting(told),
    });
    const peer = await rawPeer(test, server);

    const targets = ["/later", "/whole", "/empty", "/pieces", "/throws"];
    peer.send(targets.map((target) => get(target)).join(""));
    const answers = await peer.answers(targets.length);
    await until(() => told.length === targets.length);

    assert.deepEqual(
      told.map(({ target }) => target),
      targets,
    );
    const reports = told.map(({ report }) => report);
    assert.deepEqual(
      reports.map(({ status, bodyBytes }) => [status, bodyBytes]),
      [
        [200, 5],
        [200, 5],
        [204, 0],
        [200, 100_003],
        [500, answers[4]?.body.length],
      ],
    );
    const heads = peer.received
      .split(/(?=HTTP\/1\.1 )/)
      .map((text) => text.indexOf("\r\n\r\n") + 4);
    assert.deepEqual(
      reports.map(({ headBytes }) => headBytes),
      heads,
    );
    for (const { cut, startedAt, firstByteMs = -1, durationMs } of reports) {
      assert.equal(cut, undefined);
      assert.ok(Math.abs(startedAt - Date.now()) < 60_000);
      assert.ok(firstByteMs >= 0 && durationMs >= firstByteMs);
    }
  });

  it("are told of where the server responds by itself, also to what is no request", async (test) => {
    const told: Told[] = [];
    const server = await httpServer(test, { engine, onRequest: () => {}, ...noting(told) });
    const peer = await rawPeer(test, server);

    peer.send("GARBAGE\r\n\r\n");
    await peer.ended();
    await until(() => told.length === 1);

    assert.deepEqual([told[0]?.target, told[0]?.report.status], ["", 400]);
  });

  it("are cut where the peer leaves before they are whole, with the reason", async (test) => {
    const told: Told[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        if (exchange.path === "/begun") exchange.startResponse(200).write("x");
        else if (exchange.path === "/large") exchange.respond(200, {}, Buffer.alloc(64_000_000));
      },
      ...noting(told),
    });
    for (const target of ["/none", "/begun", "/large"]) {
      const peer = await rawPeer(test, server);
      peer.socket.pause();
      peer.send(get(target));
      await until(() => server.stats.requestCount > told.length);
      peer.socket.resetAndDestroy();
      await until(() => told.some((one) => one.target === target));
    }

    assert.deepEqual(
      told.map(({ report }) => [report.status, report.cut !== undefined]),
      [
        [undefined, true],
        [200, true],
        [200, true],
      ],
    );
  });

  it("are told of before the connection's end, and what fails there harms nobody", async (test) => {
    const order: string[] = [];
    const errors: NetError[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest: (exchange) => void exchange.respond(200, { Connection: "close" }, "x"),
      onResponseComplete() {
        order.push("complete");
        throw new Error("no log");
      },
      onHandlerError: (error) => errors.push(error),
      onClose: () => void order.push("closed"),
    });
    const peer = await rawPeer(test, server);

    peer.send(get("/"));
    assert.equal((await peer.answer()).body, "x");
    peer.socket.end();
    await until(() => order.length === 2);

    assert.deepEqual(order, ["complete", "closed"]);
    assert.match(errors[0]?.message ?? "", /onResponseComplete failed: no log/);
  });

  it("are told of when a connection is handed over", async (test) => {
    const told: Told[] = [];
    const server = await httpServer(test, {
      engine,
      onRequest(exchange) {
        if (exchange.isUpgrade) exchange.upgrade({ onReceive: () => {} }, { Upgrade: "x" });
        else exchange.respond(200);
      },
      ...noting(told),
    });
    const peer = await rawPeer(test, server);

    peer.send(get("/first") + get("/", "Connection: upgrade\r\nUpgrade: x\r\n"));
    await peer.came("101");
    await until(() => told.length === 2);

    assert.deepEqual(
      told.map(({ report }) => [report.status, report.headBytes > 0, report.cut]),
      [
        [200, true, undefined],
        [101, true, undefined],
      ],
    );
  });
}

describe("times of complete responses", () => {
  it("begin with the head of the request, and end when the last byte has left", async () => {
    const reports: ResponseReport[] = [];
    let exchange: HttpExchange | undefined;
    const world = await httpMemory({
      onRequest: (one) => {
        exchange = one;
      },
      onResponseComplete: (_, report) => reports.push(report),
    });
    const peer = await world.peer();
    await peer.send(get("/"));

    await world.pass(1_000);
    const writer = exchange?.startResponse(200);
    await world.pass(500);
    writer?.end();
    await world.pass(0);

    const [report] = reports;
    assert.equal(report?.firstByteMs, 1_000);
    assert.equal(report?.durationMs, 1_500);
    await world.server.stop({ drainMs: 0 });
  });
});

describe("an access log", () => {
  const lines = async (
    request: string,
    options: Partial<AccessLogOptions>,
    respond: HttpServerOptions["onRequest"] = (exchange) => void exchange.respond(200, {}, "12"),
  ): Promise<string[]> => {
    const written: string[] = [];
    const world = await httpMemory({
      onRequest: respond,
      onResponseComplete: accessLog({ write: (line) => void written.push(line), ...options }),
    });
    const peer = await world.peer();
    await peer.send(Buffer.from(request, "latin1"));
    await world.pass(0);
    peer.client.abort();
    await world.pass(0);
    await world.server.stop({ drainMs: 0 });
    return written;
  };

  it("has lines of the Combined Log Format", async () => {
    const [line] = await lines(get("/a?b", 'Referer: http://r/\r\nUser-Agent: "me" \\ x\r\n'), {});

    assert.match(
      line ?? "",
      /^[\d.]+ - - \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/a\?b HTTP\/1\.1" 200 2 "http:\/\/r\/" "\\"me\\" \\\\ x"\n$/,
    );
  });

  it("has lines of JSON", async () => {
    const [line = ""] = await lines(get("/a", "User-Agent: \xe9\r\n"), { format: "json" });
    const entry = JSON.parse(line);

    assert.ok(line.endsWith("}\n") && /^[\x20-\x7e]*\n$/.test(line));
    assert.equal(entry.userAgent, "é");
    assert.deepEqual(
      [entry.method, entry.target, entry.version, entry.authority, entry.status, entry.bodyBytes],
      ["GET", "/a", "HTTP/1.1", "h", 200, 2],
    );
    assert.deepEqual([entry.referer, entry.cut], [null, null]);
    assert.ok(Number.isFinite(Date.parse(entry.time)));
  });

  for (const format of ["combined", "json"] as const) {
    it(`has one line for each request, whatever the peer sends: ${format}`, async () => {
      const evil = `${'"'.repeat(3)} \\n \x80\xff\t[x]`;
      const written = await lines(
        get('/"%0a"', `Referer: ${evil}\r\nUser-Agent: ${evil}${"u".repeat(5_000)}\r\n`),
        { format },
      );

      assert.equal(written.length, 1);
      const [line = ""] = written;
      assert.equal(line.split("\n").length, 2);
      assert.ok(/^[\x20-\x7e]*\n$/.test(line), line);
      assert.ok(line.length < 4_000, "long parts are cut");
      if (format === "json") assert.equal(JSON.parse(line).referer, evil);
      else assert.ok(line.includes(`${'\\"'.repeat(3)} \\\\n \\x80\\xff\\x09[x]`), line);
      if (format === "combined")
        assert.equal(line.replace(/\\./g, "").split('"').length, 7, "the quotes are its own");
    });

    it(`has a line for what was no request, and for a response that was cut: ${format}`, async () => {
      const [noRequest = ""] = await lines("GARBAGE\r\n\r\n", { format });
      const [cut = ""] = await lines(get("/"), { format }, () => {});

      if (format === "json") {
        assert.deepEqual([JSON.parse(noRequest).method, JSON.parse(noRequest).status], [null, 400]);
        assert.equal(JSON.parse(cut).status, null);
        assert.equal(JSON.parse(cut).cut, "CONNECTION_RESET");
      } else {
        assert.match(noRequest, /\] "-" 400 \d+ "-" "-"\n$/);
        assert.match(cut, /\] "GET \/ HTTP\/1\.1" - 0 "-" "-"\n$/);
      }
    });
  }

  it("refuses options that it does not have", () => {
    assert.throws(() => accessLog({ format: "common" as "json" }), { code: "INVALID_ARGUMENT" });
    assert.throws(() => accessLog({ write: 1 as never }), { code: "INVALID_ARGUMENT" });
    assert.throws(() => accessLog({ maxPartLength: 1 }), { code: "INVALID_ARGUMENT" });
    assert.throws(() => accessLog({ path: "x" } as never), { code: "INVALID_ARGUMENT" });
  });
});
