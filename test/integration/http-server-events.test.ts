/** The fine events of an HTTP server: what came, in which order, and what a failing handler does. */
import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { NetError } from "hp-socket";
import type { HttpServerOptions, MessageHandlers } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpMemory } from "../support/http-memory.js";
import { httpServer, rawPeer } from "../support/http-world.js";
import { until } from "../support/until.js";

/** Handlers that keep book. */
function recorder(events: string[]): MessageHandlers {
  return {
    onMessageBegin: () => events.push("begin"),
    onRequestLine: (_connection, { method, target, version }) =>
      events.push(`line ${method} ${target} ${version}`),
    onHeader: (_connection, name, value) => events.push(`header ${name}=${value}`),
    onHeadersComplete: (exchange) => events.push(`headers ${exchange.path}`),
    onBody: (_exchange, bytes) => events.push(`body ${bytes}`),
    onChunkHeader: (_exchange, chunkBytes, extensions) =>
      events.push(`chunk ${chunkBytes}${extensions}`),
    onChunkComplete: () => events.push("chunk complete"),
    onTrailer: (_exchange, name, value) => events.push(`trailer ${name}=${value}`),
    onMessageComplete: (exchange) => events.push(`complete ${exchange.path}`),
    onUpgrade: (exchange) => events.push(`upgrade ${exchange.path}`),
    onParseError: (_connection, error) => events.push(`error ${error.code}`),
  };
}

/** A server that keeps book, in memory. */
async function recording(options: Partial<HttpServerOptions> = {}) {
  const events: string[] = [];
  const world = await httpMemory({
    onRequest(exchange) {
      events.push(`request ${exchange.path}`);
      exchange.respond(200);
    },
    ...recorder(events),
    ...options,
  });
  return { events, world, peer: await world.peer() };
}

describe("events of an HTTP server", () => {
  it("come in order for a request without body", async () => {
    const { events, peer } = await recording();

    await peer.send("GET /a HTTP/1.1\r\nHost: h\r\nX-A: 1\r\n\r\n");

    assert.deepEqual(events, [
      "begin",
      "line GET /a HTTP/1.1",
      "header Host=h",
      "header X-A=1",
      "headers /a",
      "request /a",
      "complete /a",
    ]);
  });

  it("come in order for one with a length, and for one in chunks", async () => {
    const { events, peer } = await recording();

    await peer.send("POST /l HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab");
    await peer.send(
      "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
        "1;x=y\r\na\r\n0\r\nX-T: t\r\n\r\n",
    );

    assert.deepEqual(events, [
      "begin",
      "line POST /l HTTP/1.1",
      "header Host=h",
      "header Content-Length=2",
      "headers /l",
      "request /l",
      "body ab",
      "complete /l",
      "begin",
      "line POST /c HTTP/1.1",
      "header Host=h",
      "header Transfer-Encoding=chunked",
      "headers /c",
      "request /c",
      "chunk 1;x=y",
      "body a",
      "chunk complete",
      "chunk 0",
      "trailer X-T=t",
      "chunk complete",
      "complete /c",
    ]);
  });

  for (const engine of availableEngines()) {
    for (const when of ["at once", "behind the first piece"] as const) {
      it(`all come on ${engine} of a last request that gets its response ${when}`, async (test) => {
        const events: string[] = [];
        const server = await httpServer(test, {
          engine,
          ...recorder(events),
          onRequest(exchange) {
            if (when === "at once") exchange.respond(200);
          },
          onBody(exchange, bytes) {
            events.push(`body ${bytes}`);
            if (!exchange.isResponded) exchange.respond(200);
          },
        });
        const peer = await rawPeer(test, server);

        peer.send(
          "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" +
            "1\r\na\r\n2\r\nbc\r\n",
        );
        const { fields } = await peer.answer();
        await until(() => events.includes("body bc"));
        peer.send("1\r\nd\r\n0\r\nX-T: t\r\n\r\n");
        await peer.ended();

        assert.equal(fields.get("connection"), "close");
        assert.deepEqual(events.slice(events.indexOf("headers /") + 1), [
          ...["chunk 1", "body a", "chunk complete", "chunk 2", "body bc", "chunk complete"],
          ...["chunk 1", "body d", "chunk complete", "chunk 0", "trailer X-T=t", "chunk complete"],
          "complete /",
        ]);
      });
    }
  }

  it("end where the application has discarded the body", async () => {
    const { events, world, peer } = await recording({
      onRequest(exchange) {
        exchange.body.discard();
        exchange.respond(200, { Connection: "close" });
      },
    });

    await peer.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab");
    await world.pass(0);

    assert.match(peer.received, /^HTTP\/1\.1 200 /);
    assert.equal(peer.hasEnded, true);
    assert.equal(events.includes("complete /"), false);
  });

  it("end with the upgrade, or with the error", async () => {
    const { events, world, peer } = await recording({
      onRequest: (exchange) => {
        exchange.upgrade({ onReceive() {} }, { Upgrade: "x" });
      },
    });
    const other = await world.peer();

    await peer.send("GET /u HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nGET /");
    await other.send("GET /bad HTTP/1.1\r\nHost : h\r\n\r\n");

    assert.deepEqual(events.slice(-4), [
      "headers /u",
      "upgrade /u",
      "begin",
      "error HTTP_MALFORMED",
    ]);
    assert.match(other.received, /^HTTP\/1\.1 400 /);
  });

  it("let onHeadersComplete answer, so that onRequest is not called", async () => {
    const { events, peer } = await recording({
      onHeadersComplete: (exchange) => exchange.respond(403),
    });

    await peer.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n".repeat(2));

    assert.equal(events.includes("request /a"), false);
    assert.equal(peer.received.match(/403 Forbidden\r\n/g)?.length, 2);
  });

  for (const name of ["onMessageBegin", "onRequestLine", "onHeader"] as const) {
    it(`answer 500 and close when ${name} throws, and tell onHandlerError once`, async () => {
      const failures: string[] = [];
      const { events, world, peer } = await recording({
        [name]: () => {
          throw new Error("no");
        },
        onHandlerError: (error, exchange) => failures.push(`${error.message} ${exchange?.path}`),
      });

      await peer.send("GET /a HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n".repeat(2));
      peer.client.close();
      await world.pass(0);

      assert.match(peer.received, /^HTTP\/1\.1 500 [\s\S]*Connection: close/);
      assert.equal(peer.received.match(/HTTP\/1\.1/g)?.length, 1);
      assert.deepEqual(failures, [`${name} failed: no undefined`]);
      assert.equal(events.includes("request /a"), false);
      assert.deepEqual(world.codes, ["HANDLER_FAILED"]);
    });
  }

  it("answer 500 when the promise of onHeadersComplete rejects, and go on", async () => {
    const failures: string[] = [];
    const { peer } = await recording({
      onHeadersComplete: () => Promise.reject(new Error("no")),
      onRequest: () => new Promise(() => undefined),
      onHandlerError: (error) => failures.push(error.message),
    });

    await peer.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n".repeat(2));

    assert.equal(peer.received.match(/HTTP\/1\.1 500 /g)?.length, 2);
    assert.deepEqual(failures, new Array(2).fill("onHeadersComplete failed: no"));
  });

  for (const name of ["onMessageBegin", "onHeader", "onBody"] as const) {
    it(`end their connection when the promise of ${name} rejects`, async () => {
      const failures: string[] = [];
      const { world, peer } = await recording({
        [name]: () => Promise.reject(new Error("no")),
        onRequest: (exchange) => exchange.body.bytes().then(() => undefined),
        onHandlerError: (error) => failures.push(error.message),
      });

      await peer.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
      peer.client.close();
      await world.pass(0);

      assert.match(peer.received, /^HTTP\/1\.1 500 [\s\S]*Connection: close/);
      assert.deepEqual(failures, [`${name} failed: no`]);
      assert.deepEqual(world.codes, ["HANDLER_FAILED"]);
    });
  }

  it("end the request when a handler of its body throws", async () => {
    const failures: string[] = [];
    const codes: string[] = [];
    const { world, peer } = await recording({
      onBody() {
        throw new Error("no");
      },
      onRequest: (exchange) =>
        exchange.body.bytes().catch((error: NetError) => codes.push(error.code)),
      onHandlerError: (error, exchange) => failures.push(`${error.message} ${exchange?.path}`),
    });

    await peer.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
    await world.pass(0);

    assert.match(peer.received, /^HTTP\/1\.1 500 /);
    assert.deepEqual(failures, ["onBody failed: no /a"]);
    assert.deepEqual(codes, ["HANDLER_FAILED"]);
  });

  it("let onAccept and onHandshake refuse, and tell onClose and onShutdown", async () => {
    const events: string[] = [];
    const world = await httpMemory({
      onRequest: (exchange) => exchange.respond(200),
      onAccept: () => {
        events.push("accept");
        return events.length > 1 ? false : undefined;
      },
      onHandshake: () => {
        events.push("handshake");
      },
      onClose: (_connection, reason) => events.push(`close ${reason.code}`),
      onShutdown: () => {
        events.push("shutdown");
      },
    });
    const first = await world.peer();
    await world.peer();
    await world.pass(0);

    first.client.close();
    await world.pass(0);
    await world.server.stop();

    assert.deepEqual(events, [
      "accept",
      "handshake",
      "accept",
      "close REFUSED",
      "close CLOSED",
      "shutdown",
    ]);
  });

  it("tell a process warning of a failure where there is no onHandlerError", async () => {
    const warnings: Error[] = [];
    const keep = (warning: Error): void => {
      warnings.push(warning);
    };
    process.on("warning", keep);
    const world = await httpMemory({
      onRequest() {
        throw new Error("unheard");
      },
    });
    const peer = await world.peer();

    await peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", keep);

    assert.ok(warnings[0] instanceof NetError);
    assert.match(String(warnings[0]), /onRequest failed: unheard/);
  });
});
