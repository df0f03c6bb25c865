/**
 * What an application says in the head of a response against what the server adds or knows better: nothing is said
 * twice, and nothing of both contradicts the other, to HTTP/1.1 and to 1.0 (RFC 9110 §7.6.1, RFC 9112 §6.1, §9.6).
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { EngineName } from "hp-socket";
import {
  encodeFields,
  type FieldInput,
  type HttpExchange,
  type HttpServerOptions,
} from "hp-socket/http";
import { availableEngines, firstEngine } from "../support/engine-list.js";
import { httpServer, rawPeer } from "../support/http-world.js";

const BODY = "body";
const OF_THE_CONNECTION = ["connection", "keep-alive"];
const RECEIVER = { onReceive() {} };

/** A way to respond with fields and the body. */
type Way = readonly [name: string, respond: (fields: Fields) => HttpServerOptions];
type Fields = Readonly<Record<string, string>>;

const folder = mkdtempSync(join(tmpdir(), "given-fields-"));
const file = join(folder, "file.txt");
writeFileSync(file, BODY);
process.once("exit", () => rmSync(folder, { recursive: true }));

const onRequest = (respond: (exchange: HttpExchange, fields: Fields) => unknown) => {
  return (fields: Fields): HttpServerOptions => ({
    async onRequest(exchange) {
      await respond(exchange, fields);
    },
  });
};

const WAYS: readonly Way[] = [
  ["respond", onRequest((exchange, fields) => exchange.respond(200, fields, BODY))],
  ["pairs", onRequest((exchange, fields) => exchange.respond(200, Object.entries(fields), BODY))],
  ["encoded", onRequest((exchange, fields) => exchange.respond(200, encodeFields(fields), BODY))],
  [
    "startResponse",
    onRequest((exchange, fields) => {
      const writer = exchange.startResponse(200, fields);
      writer.write(BODY);
      writer.end();
    }),
  ],
  ["respondStream", onRequest((exchange, fields) => exchange.respondStream(200, fields, [BODY]))],
  ["respondFile", onRequest((exchange, headers) => exchange.respondFile(file, { headers }))],
  ["fetch", (headers) => ({ fetch: () => new Response(BODY, { headers }) })],
  [
    "fetch, a stream",
    (headers) => ({ fetch: () => new Response(new Blob([BODY]).stream(), { headers }) }),
  ],
];

/** Request heads without their end, and whether the peer lets the connection stay. */
const PEERS = [
  ["1.1", "GET / HTTP/1.1\r\nHost: h\r\n", true],
  ["1.1 that closes", "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n", false],
  ["1.0", "GET / HTTP/1.0\r\n", false],
  ["1.0 that stays", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n", true],
] as const;

const GIVEN: readonly Fields[] = [
  { Connection: "close" },
  { connection: "Close, X-Hop", "X-Hop": "1" },
  { Connection: "keep-alive" },
  { Connection: "X-Hop, keep-alive", "X-Hop": "1" },
  { CONNECTION: "x-hop", "X-Hop": "1" },
  { "Keep-Alive": "timeout=60" },
  { Connection: "keep-alive", "keep-alive": "timeout=60" },
  { Date: "Sun, 06 Nov 1994 08:49:37 GMT" },
  { "Transfer-Encoding": "chunked" },
  { "content-length": "4" },
  { Server: "own" },
];

/** Whether this way takes such fields at all. */
function isTaken(way: string, given: Fields): boolean {
  const [name = ""] = Object.keys(given);
  if (/transfer-encoding/i.test(name)) return !/^(respond|pairs|encoded|respondFile)$/.test(way);
  return !(way === "respondFile" && /content-length/i.test(name));
}

const lower = (text: string): string => text.toLowerCase();

async function check(test: TestContext, engine: EngineName, way: Way): Promise<void> {
  for (const given of GIVEN) {
    if (!isTaken(way[0], given)) continue;
    const server = await httpServer(test, { engine, ...way[1](given) });
    for (const [peerName, head, mayStay] of PEERS) {
      const peer = await rawPeer(test, server);
      const what = `${way[0]} ${JSON.stringify(given)} ${peerName}`;
      peer.send(`${head}\r\n`);
      const { statusCode, body } = await peer.answer();
      const lines = peer.received
        .slice(0, peer.received.indexOf("\r\n\r\n"))
        .split("\r\n")
        .slice(1);
      const names = lines.map((line) => lower(line.split(":")[0] ?? ""));
      const values = (name: string): string[] =>
        lines
          .filter((line) => lower(line).startsWith(`${name}:`))
          .map((line) => line.split(": ")[1]!);

      assert.deepEqual([statusCode, body], [200, BODY], what);
      for (const name of names) {
        if (name !== "connection") assert.equal(values(name).length, 1, `${what}: ${name}`);
      }
      const options = lower(values("connection").join(",")).split(/[, ]+/);
      assert.notEqual(options.includes("close"), options.includes("keep-alive"), what);
      if (options.includes("close")) assert.deepEqual(values("keep-alive"), [], what);
      if (!mayStay) assert.ok(options.includes("close"), what);
      for (const [name, value] of Object.entries(given)) {
        const isOwn =
          !OF_THE_CONNECTION.includes(lower(name)) && lower(name) !== "transfer-encoding";
        if (isOwn) assert.deepEqual(values(lower(name)), [value], what);
        if (lower(name) === "connection") {
          const left = lower(value).split(", ");
          for (const one of left) if (one !== "keep-alive") assert.ok(options.includes(one), what);
        }
      }
      if (values("transfer-encoding").length > 0) {
        assert.ok(head.includes("1.1"), what);
        assert.deepEqual(values("content-length"), [], what);
      }
      if (options.includes("close")) await peer.ended();
      else {
        peer.send(`${head}\r\n`);
        assert.equal((await peer.answer()).statusCode, 200, what);
        peer.socket.destroy();
      }
    }
    await server.stop({ drainMs: 0 });
  }
}

for (const engine of availableEngines()) {
  describe(`fields that an application gives, on ${engine}`, () => {
    const ways = engine === firstEngine() ? WAYS : WAYS.slice(0, 1);
    for (const way of ways) {
      it(`agree with those of the server: ${way[0]}`, (test) => check(test, engine, way));
    }
  });
}

const engine = firstEngine();

/** The first line and the fields that came. */
async function headOf(
  test: TestContext,
  options: HttpServerOptions,
  request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
): Promise<string[]> {
  const server = await httpServer(test, { engine, ...options });
  const peer = await rawPeer(test, server);
  peer.send(request);
  await peer.came("\r\n\r\n");
  return peer.received.split("\r\n\r\n")[0]!.split("\r\n");
}

describe("the reason phrase", () => {
  const ask = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  for (const [request, line] of [
    [ask, "HTTP/1.1 200 Quite \xe9\t(fine)"],
    ["GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 Quite \xe9\t(fine)"],
  ] as const) {
    for (const [name, options] of [
      [
        "respond",
        {
          onRequest(exchange) {
            exchange.statusText = "Quite \xe9\t(fine)";
            exchange.respond(200, {}, BODY);
          },
        },
      ],
      [
        "startResponse, compressed",
        {
          compression: { minBytes: 1 },
          onRequest(exchange) {
            exchange.statusText = "Quite \xe9\t(fine)";
            exchange.respond(200, { "Content-Type": "text/plain" }, BODY.repeat(1_000));
          },
        },
      ],
      ["fetch", { fetch: () => new Response(BODY, { statusText: "Quite \xe9\t(fine)" }) }],
      [
        "fetch, a stream",
        {
          fetch: () =>
            new Response(new Blob([BODY]).stream(), { statusText: "Quite \xe9\t(fine)" }),
        },
      ],
    ] satisfies [string, HttpServerOptions][]) {
      it(`is the one that was chosen: ${name}, ${request.slice(6, 14)}`, async (test) => {
        assert.equal((await headOf(test, options, request))[0], line);
      });
    }
  }

  it("is the registered one otherwise, also of a Response without, and of the next on the connection", async (test) => {
    const server = await httpServer(test, {
      engine,
      fetch: ({ url }) => new Response(BODY, url.endsWith("/own") ? { statusText: "Own" } : {}),
    });
    const peer = await rawPeer(test, server);

    peer.send("GET /own HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n".repeat(3));

    const reasons = (await peer.answers(6)).map(({ reason }) => reason);
    assert.deepEqual(reasons, ["Own", "OK", "Own", "OK", "Own", "OK"]);
  });

  it("can be chosen for 101 and for a tunnel, and is not that of a failure", async (test) => {
    const options: HttpServerOptions = {
      onRequest(exchange) {
        exchange.statusText = "Connection established";
        if (exchange.path === "/fails") throw new Error("as it should");
        if (exchange.path === "/none") exchange.respond(200);
        else exchange.upgrade(RECEIVER, exchange.method === "CONNECT" ? {} : { Upgrade: "x" });
      },
      onHandlerError() {},
    };
    const upgrade = "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";

    const lines = [
      await headOf(test, options, "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n"),
      await headOf(test, options, upgrade),
      await headOf(test, options, "GET /fails HTTP/1.1\r\nHost: h\r\n\r\n"),
    ].map(([line]) => line);

    assert.deepEqual(lines, [
      "HTTP/1.1 200 Connection established",
      "HTTP/1.1 101 Connection established",
      "HTTP/1.1 500 Internal Server Error",
    ]);
  });

  it("is text that can stand in a head, and is chosen before the response", async (test) => {
    const codes: unknown[] = [];
    const codeOf = (call: () => void): void => {
      try {
        call();
        codes.push("taken");
      } catch (error) {
        codes.push((error as { code?: unknown }).code);
      }
    };
    const [line] = await headOf(test, {
      onRequest(exchange) {
        for (const wrong of ["a\r\nb", "\0", "€", 5, null]) {
          codeOf(() => {
            exchange.statusText = wrong as string;
          });
        }
        exchange.statusText = "";
        exchange.respond(200);
        codeOf(() => {
          exchange.statusText = "late";
        });
      },
    });

    assert.deepEqual(codes, [...Array<string>(5).fill("INVALID_ARGUMENT"), "INVALID_STATE"]);
    assert.equal(line, "HTTP/1.1 200 ");
  });
});

describe("fields of an upgrade, an interim response, a redirect", () => {
  const refusals = async (
    test: TestContext,
    request: string,
    calls: (exchange: HttpExchange) => readonly (() => unknown)[],
  ): Promise<unknown[]> => {
    const codes: unknown[] = [];
    await headOf(
      test,
      {
        onRequest(exchange) {
          for (const call of calls(exchange)) {
            try {
              codes.push(call());
            } catch (error) {
              codes.push((error as { code?: unknown }).code);
            }
          }
          if (!exchange.isResponded) exchange.respond(200);
        },
      },
      request,
    );
    return codes;
  };
  const upgradeRequest = "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";

  for (const Connection of ["keep-alive", "x-hop"]) {
    it(`has the option upgrade beside ${Connection}`, async (test) => {
      const lines = await headOf(
        test,
        { onRequest: (exchange) => void exchange.upgrade(RECEIVER, { Upgrade: "x", Connection }) },
        upgradeRequest,
      );

      assert.equal(lines[0], "HTTP/1.1 101 Switching Protocols");
      assert.deepEqual(
        lines.filter((line) => line.startsWith("Connection")).sort(),
        ["Connection: Upgrade", `Connection: ${Connection}`].sort(),
      );
    });
  }

  it("are refused where they say that the connection closes", async (test) => {
    const close: FieldInput = { Upgrade: "x", Connection: "upgrade, close" };

    const codes = await refusals(test, upgradeRequest, (exchange) => [
      () => exchange.upgrade(RECEIVER, close),
      () => exchange.interim(103, { Connection: "close" }),
      () => exchange.interim(103, { Link: "</a>" }),
    ]);

    assert.deepEqual(codes, ["INVALID_ARGUMENT", "INVALID_ARGUMENT", true]);
  });

  it("are refused where they name another place than the redirect", async (test) => {
    const codes = await refusals(test, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", (exchange) => [
      () => exchange.respondRedirect(302, "/a", { location: "/b" }),
    ]);

    assert.deepEqual(codes, ["INVALID_ARGUMENT"]);
  });
});

describe("fields of a file", () => {
  const modified = "Sun, 06 Nov 1994 08:49:37 GMT";
  const get = (more = ""): string => `GET / HTTP/1.1\r\nHost: h\r\n${more}\r\n`;
  const serve = (headers: FieldInput, more: object = {}): HttpServerOptions => ({
    async onRequest(exchange) {
      await exchange.respondFile(file, { headers, ...more });
    },
    onHandlerError() {},
  });
  const given = {
    "content-type": "text/own",
    etag: '"own"',
    "last-modified": modified,
    "accept-ranges": "none",
  };
  const valuesOf = (lines: readonly string[]): string[] =>
    lines
      .filter((line) => /^(content-type|etag|last-modified|accept-ranges):/i.test(line))
      .map((line) => lower(line))
      .sort();

  for (const [name, headers] of [
    ["an object", given],
    ["Headers", new Headers(given)],
    ["encoded fields", encodeFields(given)],
  ] as const) {
    it(`stand once, as they were given: ${name}`, async (test) => {
      assert.deepEqual(valuesOf(await headOf(test, serve(headers))), [
        "accept-ranges: none",
        "content-type: text/own",
        'etag: "own"',
        `last-modified: ${lower(modified)}`,
      ]);
    });
  }

  it("are those by which a condition is judged", async (test) => {
    for (const condition of ['If-None-Match: "own"', `If-Modified-Since: ${modified}`]) {
      const [line] = await headOf(test, serve(given), get(`${condition}\r\n`));

      assert.equal(line, "HTTP/1.1 304 Not Modified", condition);
    }
  });

  it("are replaced by what an option says", async (test) => {
    const options = { contentType: "text/option", etag: '"option"', lastModified: new Date(0) };
    const lines = valuesOf(await headOf(test, serve(given, options)));

    assert.deepEqual(lines.slice(1), [
      "content-type: text/option",
      'etag: "option"',
      "last-modified: thu, 01 jan 1970 00:00:00 gmt",
    ]);
  });

  it("can't tell of the part that is sent", async (test) => {
    for (const headers of [
      { "content-length": "4" },
      { "Content-Range": "bytes 0-1/4" },
      { "Transfer-Encoding": "chunked" },
      { "Last-Modified": "yesterday" },
    ]) {
      const [line] = await headOf(test, serve(headers));

      assert.equal(line, "HTTP/1.1 500 Internal Server Error", JSON.stringify(headers));
    }
  });
});
