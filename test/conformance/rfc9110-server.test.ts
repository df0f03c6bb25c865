/**
 * What RFC 9110 and RFC 9112 demand of a server, asked of a whole one by a plain peer: the status of what is
 * refused, what a response has and has not, and how the connection goes on. In the order of the documents.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { EngineName } from "hp-socket";
import { availableEngines } from "../support/engine-list.js";
import { httpServer, rawPeer } from "../support/http-world.js";

/** What is sent, the status that comes back, and whether the connection stays. */
type Row = readonly [rule: string, request: string, status: number, stays: boolean];

const H = "Host: h\r\n";
const get = (fields = "", target = "/") => `GET ${target} HTTP/1.1\r\n${H}${fields}\r\n`;
const post = (fields: string, body = "") => `POST / HTTP/1.1\r\n${H}${fields}\r\n${body}`;
const chunked = (body: string) => post("Transfer-Encoding: chunked\r\n", body);

const ROWS: readonly Row[] = [
  ["§2.2 an empty line before the request", `\r\n${get()}`, 200, true],
  ["§2.2 a bare LF", "GET / HTTP/1.1\nHost: h\n\n", 400, false],
  ["§2.2 a CR alone in a field", get("A: b\rc\r\n"), 400, false],
  ["§2.2 white space before the first field", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400, false],
  ["§2.3 a later minor version", `GET / HTTP/1.2\r\n${H}\r\n`, 200, true],
  ["§2.3 another major version", `GET / HTTP/2.0\r\n${H}\r\n`, 505, false],
  ["§3 no version", "GET /\r\n\r\n", 400, false],
  ["§3 two spaces", `GET  / HTTP/1.1\r\n${H}\r\n`, 400, false],
  ["§3 a target that is too long", get("", `/${"a".repeat(9_000)}`), 414, false],
  ["§3 a method that is too long", `${"A".repeat(9_000)} / HTTP/1.1\r\n${H}\r\n`, 501, false],
  ["§3.2 no Host", "GET / HTTP/1.1\r\n\r\n", 400, false],
  ["§3.2 two Hosts", get(H), 400, false],
  ["§3.2 a Host that is none", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, false],
  ["§3.2 an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 200, true],
  ["§3.2.2 the absolute form", get("", "http://other:8080/p"), 200, true],
  ["§3.2.3 CONNECT without a port", "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", 400, false],
  ["§3.2.4 the asterisk form for GET", get("", "*"), 400, false],
  ["§3.2.4 the asterisk form for OPTIONS", `OPTIONS * HTTP/1.1\r\n${H}\r\n`, 200, true],
  ["§5.1 white space before the colon", get("A : b\r\n"), 400, false],
  ["§5.2 a folded field", get("A: b\r\n c\r\n"), 400, false],
  ["§5 too many fields", get("A: b\r\n".repeat(200)), 431, false],
  ["§6.1 an unknown coding", post("Transfer-Encoding: gzip, chunked\r\n"), 501, false],
  ["§6.1 chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, false],
  ["§6.1 both lengths", post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400, false],
  ["§6.3 two lengths", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400, false],
  ["§6.3 a length with a sign", post("Content-Length: +3\r\n", "abc"), 400, false],
  [
    "§7.1 chunks with extensions",
    chunked('3;a=b;c="d\\";"\r\nabc\r\n0\r\nT: v\r\n\r\n'),
    200,
    true,
  ],
  ["§7.1 a size with a prefix", chunked("0x3\r\nabc\r\n0\r\n\r\n"), 400, false],
  ["§7.1.1 LF in an extension", chunked("3;a\nabc\r\n0\r\n\r\n"), 400, false],
  ["§7.1 a chunk that is longer than it says", chunked("3\r\nabcd\r\n0\r\n\r\n"), 400, false],
  ["§9.3 Connection: close in a list, in capitals", get("Connection: a, CLOSE\r\n"), 200, false],
  ["§9.3 HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 200, false],
  ["§9.3 HTTP/1.0 that stays", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, true],
  ["RFC 9110 §10.1.1 an expectation that is unknown", post("Expect: more\r\n"), 417, true],
  [
    "RFC 9110 §9.3.6 a CONNECT that nobody takes",
    "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
    501,
    false,
  ],
];

/** Fields of a request for a file of ten digits, the status, and what comes of it. */
const FILE_ROWS: readonly (readonly [
  rule: string,
  fields: string,
  status: number,
  body: string,
])[] = [
  ["§13.1.1 If-Match: *", "If-Match: *\r\n", 200, "0123456789"],
  ["§13.1.1 If-Match of another", 'If-Match: "x"\r\n', 412, ""],
  ["§13.1.2 If-None-Match: *", "If-None-Match: *\r\n", 304, ""],
  ["§13.1.2 If-None-Match of another", 'If-None-Match: "x"\r\n', 200, "0123456789"],
  ["§13.1.3 a date that is none", "If-Modified-Since: yesterday\r\n", 200, "0123456789"],
  ["§13.1.4 a date of RFC 850", "If-Unmodified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n", 412, ""],
  ["§13.1.4 a date of asctime", "If-Unmodified-Since: Sun Nov  6 08:49:37 1994\r\n", 412, ""],
  ["§13.1.5 If-Range of another", 'Range: bytes=0-1\r\nIf-Range: "x"\r\n', 200, "0123456789"],
  ["§14.2 a range", "Range: bytes=2-4\r\n", 206, "234"],
  ["§14.1.2 the last bytes", "Range: bytes=-3\r\n", 206, "789"],
  ["§14.1.2 beyond the end", "Range: bytes=8-99\r\n", 206, "89"],
  ["§14.4 behind the end", "Range: bytes=10-\r\n", 416, ""],
  ["§14.1 another unit", "Range: chars=0-1\r\n", 200, "0123456789"],
];

for (const engine of availableEngines()) {
  describe(`a server by RFC 9110 and RFC 9112 on ${engine}`, () => rules(engine));
  describe(`files of a server by RFC 9110 on ${engine}`, () => files(engine));
}

function rules(engine: EngineName): void {
  for (const [rule, request, status, stays] of ROWS) {
    it(`responds with ${status}, and ${stays ? "goes on" : "closes"}: ${rule}`, async (test) => {
      const server = await httpServer(test, {
        engine,
        async onRequest(exchange) {
          await exchange.bytes();
          exchange.respondText(200, "ok");
        },
      });
      const peer = await rawPeer(test, server);

      peer.send(request);
      const { statusCode, fields } = await peer.answer();

      assert.equal(statusCode, status);
      assert.equal(fields.get("connection") === "close", !stays);
      if (stays) {
        peer.send(get());
        assert.equal((await peer.answer()).statusCode, 200);
      } else {
        await peer.ended();
      }
    });
  }
}

function files(engine: EngineName): void {
  let folder = "";
  let path = "";

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "hp-socket-"));
    path = join(folder, "digits.txt");
    await writeFile(path, "0123456789");
  });

  after(() => rm(folder, { recursive: true }));

  for (const [rule, fields, status, body] of FILE_ROWS) {
    it(`responds with ${status}: ${rule}`, async (test) => {
      const server = await httpServer(test, {
        engine,
        async onRequest(exchange) {
          await exchange.respondFile(path);
        },
      });
      const peer = await rawPeer(test, server);

      peer.send(get(fields));
      const response = await peer.answer();

      assert.equal(response.statusCode, status);
      if (status < 300) assert.equal(response.body, body);
    });
  }
}
