/** RFC 9112 in its own order. Each message is read whole and in every chunking. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FaultName } from "#src/protocol/http1/parse-fault.js";
import { requestEveryWay, responseEveryWay, type Seen } from "../support/http1-recorder.js";

const HOST = "Host: example.org\r\n";
const CHUNKED = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;

/** Rows of a table of requests that are refused. */
function refusesRequests(rows: readonly (readonly [string, string, FaultName])[]): void {
  for (const [what, text, fault] of rows) {
    it(`refuses ${what}`, () => assert.equal(requestEveryWay(text).fault, fault));
  }
}

/** The same for responses to a GET. */
function refusesResponses(rows: readonly (readonly [string, string, FaultName])[]): void {
  for (const [what, text, fault] of rows) {
    it(`refuses ${what}`, () => assert.equal(responseEveryWay(text).fault, fault));
  }
}

/** What one sound message was. */
function only(seen: Seen): Seen["messages"][number] {
  assert.equal(seen.fault, undefined, seen.error?.message);
  assert.equal(seen.messages.length, 1);
  return seen.messages[0]!;
}

function bodiesOf(seen: Seen): readonly string[] {
  assert.equal(seen.fault, undefined, seen.error?.message);
  return seen.messages.map(({ body }) => body);
}

describe("RFC 9112 §2.2 message parsing", () => {
  it("tells the parts of a message in their order", () => {
    const seen = requestEveryWay(`PUT /a?b HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nhi`);

    assert.deepEqual(seen.events, [
      "begin",
      "request PUT /a?b HTTP/1.1",
      "header Host: example.org",
      "header Content-Length: 2",
      "head body=2 keepAlive=true upgrade=false",
      "body hi",
      "complete",
    ]);
  });

  it("ignores one empty line before a request", () => {
    assert.equal(only(requestEveryWay(`\r\nGET / HTTP/1.1\r\n${HOST}\r\n`)).body, "");
  });

  refusesRequests([
    ["a second empty line", `\r\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`, "tooManyEmptyLines"],
    ["an empty line of LF alone", `\nGET / HTTP/1.1\r\n${HOST}\r\n`, "bareLf"],
    ["an empty line of CR alone", `\rGET / HTTP/1.1\r\n${HOST}\r\n`, "bareCr"],
    ["a request line that ends in LF alone", `GET / HTTP/1.1\n${HOST}\r\n`, "bareLf"],
    ["a field line that ends in LF alone", "GET / HTTP/1.1\r\nHost: a\n\r\n", "bareLf"],
    ["a head that ends in LF alone", `GET / HTTP/1.1\r\n${HOST}\n`, "bareLf"],
    ["a CR behind the version", `GET / HTTP/1.1\r${HOST}\r\n`, "bareCr"],
    ["a CR within a value", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", "bareCr"],
    ["two CR before LF", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "bareCr"],
    ["a CR instead of the empty line", `GET / HTTP/1.1\r\n${HOST}\rX`, "bareCr"],
    [
      "white space between request line and fields",
      `GET / HTTP/1.1\r\n ${HOST}\r\n`,
      "fieldFolded",
    ],
    ["white space before the request line", ` GET / HTTP/1.1\r\n${HOST}\r\n`, "method"],
  ]);

  refusesResponses([
    ["an empty line before a response", "\r\nHTTP/1.1 204 \r\n\r\n", "versionSyntax"],
    ["a status line that ends in LF alone", "HTTP/1.1 204 No\n\r\n", "bareLf"],
    ["a status line that ends in CR alone", "HTTP/1.1 204 No\r\r\n", "bareCr"],
    ["white space between status line and fields", "HTTP/1.1 204 \r\n A: b\r\n\r\n", "fieldFolded"],
  ]);
});

describe("RFC 9112 §2.3 HTTP version", () => {
  it("takes HTTP/1.1 and HTTP/1.0", () => {
    assert.equal(
      only(requestEveryWay(`GET / HTTP/1.1\r\n${HOST}\r\n`)).startLine,
      "GET / HTTP/1.1",
    );
    assert.equal(only(requestEveryWay("GET / HTTP/1.0\r\n\r\n")).startLine, "GET / HTTP/1.0");
  });

  it("reads a higher minor version as HTTP/1.1, in requests and responses (RFC 9110 §6.2)", () => {
    for (const version of ["HTTP/1.2", "HTTP/1.9"]) {
      const request = only(requestEveryWay(`GET / ${version}\r\n${HOST}\r\n`));
      const response = only(responseEveryWay(`${version} 200 OK\r\nContent-Length: 0\r\n\r\n`));

      assert.equal(request.startLine, "GET / HTTP/1.1");
      assert.equal(response.startLine, "HTTP/1.1 200 OK");
    }
  });

  refusesRequests([
    ["HTTP/0.9", "GET / HTTP/0.9\r\n\r\n", "versionUnsupported"],
    ["no Host in HTTP/1.2", "GET / HTTP/1.2\r\n\r\n", "hostMissing"],
    ["HTTP/2.0", `GET / HTTP/2.0\r\n${HOST}\r\n`, "versionUnsupported"],
    ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "versionUnsupported"],
    ["lower case", `GET / http/1.1\r\n${HOST}\r\n`, "versionSyntax"],
    ["two digits", `GET / HTTP/1.10\r\n${HOST}\r\n`, "versionSyntax"],
    ["no digit", `GET / HTTP/1.\r\n${HOST}\r\n`, "versionSyntax"],
    ["another name", `GET / HTTQ/1.1\r\n${HOST}\r\n`, "versionSyntax"],
    ["another separator", `GET / HTTP/1,1\r\n${HOST}\r\n`, "versionSyntax"],
    ["no version", "GET /\r\n\r\n", "targetCharacter"],
  ]);

  refusesResponses([
    ["HTTP/2.0 in a status line", "HTTP/2.0 200 OK\r\n\r\n", "versionUnsupported"],
    ["another protocol", "ICY 200 OK\r\n\r\n", "versionSyntax"],
    ["a version that goes on", "HTTP/1.11 200 OK\r\n\r\n", "versionSyntax"],
  ]);
});

describe("RFC 9112 §3 request line", () => {
  refusesRequests([
    ["two spaces behind the method", `GET  / HTTP/1.1\r\n${HOST}\r\n`, "targetCharacter"],
    ["two spaces behind the target", `GET /  HTTP/1.1\r\n${HOST}\r\n`, "versionSyntax"],
    ["a space behind the version", `GET / HTTP/1.1 \r\n${HOST}\r\n`, "versionSyntax"],
    ["a tab as separator", `GET\t/ HTTP/1.1\r\n${HOST}\r\n`, "method"],
    ["a line without spaces", "GET\r\n\r\n", "method"],
  ]);
});

describe("RFC 9112 §3.1 method", () => {
  it("takes each token as it is, in its case", () => {
    for (const method of ["QUERY", "get", "M-SEARCH", "!#$%&'*+-.^_`|~09azAZ"]) {
      const seen = requestEveryWay(`${method} / HTTP/1.1\r\n${HOST}\r\n`);

      assert.equal(only(seen).startLine, `${method} / HTTP/1.1`);
    }
  });

  refusesRequests([
    ["an empty method", ` / HTTP/1.1\r\n${HOST}\r\n`, "method"],
    ["a delimiter in it", `GE(T / HTTP/1.1\r\n${HOST}\r\n`, "method"],
    ["NUL in it", `GE\0T / HTTP/1.1\r\n${HOST}\r\n`, "method"],
    ["an octet above 127 in it", `GE\x80T / HTTP/1.1\r\n${HOST}\r\n`, "method"],
    ["a TLS record", "\x16\x03\x01\x02\0\x01\0", "method"],
  ]);
});

describe("RFC 9112 §3.2 request target", () => {
  for (const [form, method, target] of [
    ["origin form", "GET", "/"],
    ["origin form with query", "GET", "/a/b?c=d&e=%20"],
    ["origin form with two slashes", "GET", "//a"],
    ["origin form with what browsers leave as it is", "GET", '/|{}^`\\"<>'],
    ["absolute form", "GET", "http://example.org/a?b"],
    ["absolute form without path", "GET", "http://example.org"],
    ["absolute form with query only", "GET", "http://example.org?a"],
    ["absolute form with port and address", "GET", "http://[::1]:8080/"],
    ["absolute form of another scheme", "GET", "ftp://example.org/a"],
    ["authority form", "CONNECT", "example.org:443"],
    ["authority form with address", "CONNECT", "[2001:db8::1]:443"],
    ["asterisk form", "OPTIONS", "*"],
  ] as const) {
    it(`takes the ${form}: ${method} ${target}`, () => {
      const seen = requestEveryWay(`${method} ${target} HTTP/1.1\r\n${HOST}\r\n`);

      assert.equal(only(seen).startLine, `${method} ${target} HTTP/1.1`);
    });
  }

  refusesRequests([
    ["a control character", `GET /\x01 HTTP/1.1\r\n${HOST}\r\n`, "targetCharacter"],
    ["DEL", `GET /\x7f HTTP/1.1\r\n${HOST}\r\n`, "targetCharacter"],
    ["a tab", `GET /\t HTTP/1.1\r\n${HOST}\r\n`, "targetCharacter"],
    ["an octet above 127", `GET /\xe9 HTTP/1.1\r\n${HOST}\r\n`, "targetCharacter"],
    ["a fragment", `GET /#a HTTP/1.1\r\n${HOST}\r\n`, "targetCharacter"],
    ["a relative path", `GET a HTTP/1.1\r\n${HOST}\r\n`, "targetForm"],
    ["an authority for GET", `GET example.org:80 HTTP/1.1\r\n${HOST}\r\n`, "targetForm"],
    ["an absolute form without host", `GET http:///a HTTP/1.1\r\n${HOST}\r\n`, "targetForm"],
    ["user information", `GET http://u@example.org/ HTTP/1.1\r\n${HOST}\r\n`, "targetForm"],
    ["an absolute form cut short", `GET http:/ HTTP/1.1\r\n${HOST}\r\n`, "targetForm"],
    ["a port that is none", `GET http://a:x/ HTTP/1.1\r\n${HOST}\r\n`, "targetForm"],
    ["an asterisk for GET", `GET * HTTP/1.1\r\n${HOST}\r\n`, "targetForm"],
    ["more than an asterisk", `OPTIONS *a HTTP/1.1\r\n${HOST}\r\n`, "targetForm"],
    ["a path for CONNECT", `CONNECT / HTTP/1.1\r\n${HOST}\r\n`, "targetForm"],
    ["CONNECT without port", `CONNECT example.org HTTP/1.1\r\n${HOST}\r\n`, "targetForm"],
    ["CONNECT with an empty port", `CONNECT example.org: HTTP/1.1\r\n${HOST}\r\n`, "targetForm"],
    ["CONNECT to a port above 65535", `CONNECT a:65536 HTTP/1.1\r\n${HOST}\r\n`, "targetForm"],
    ["CONNECT to a URI", `CONNECT http://a:1 HTTP/1.1\r\n${HOST}\r\n`, "targetForm"],
  ]);
});

describe("RFC 9112 §3.2 Host", () => {
  for (const host of ["a", "a:80", "a:", "1.2.3.4:5", "[::1]", "[::1]:80", "a_b.c-d", "%41", ""]) {
    it(`takes ${JSON.stringify(host)}`, () => {
      const seen = requestEveryWay(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);

      assert.deepEqual(only(seen).fields, [`Host: ${host}`]);
    });
  }

  it("does without in HTTP/1.0", () => {
    assert.deepEqual(only(requestEveryWay("GET / HTTP/1.0\r\n\r\n")).fields, []);
  });

  it("does without in a CONNECT, which has it in its target: HP-Socket's clients leave it out", () => {
    assert.deepEqual(only(requestEveryWay("CONNECT a:1 HTTP/1.1\r\n\r\n")).fields, []);
  });

  refusesRequests([
    ["an HTTP/1.1 request without", "GET / HTTP/1.1\r\n\r\n", "hostMissing"],
    ["two", `GET / HTTP/1.1\r\n${HOST}hOST: b\r\n\r\n`, "hostRepeated"],
    ["two in a CONNECT", `CONNECT a:1 HTTP/1.1\r\n${HOST}${HOST}\r\n`, "hostRepeated"],
    ["a space in that of a CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a b\r\n\r\n", "hostSyntax"],
    ["two in HTTP/1.0", `GET / HTTP/1.0\r\n${HOST}${HOST}\r\n`, "hostRepeated"],
    ["a space in it", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "hostSyntax"],
    ["user information", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "hostSyntax"],
    ["a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "hostSyntax"],
    ["a port alone", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", "hostSyntax"],
    ["a port that is none", "GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", "hostSyntax"],
    ["two ports", "GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n", "hostSyntax"],
    ["a percent sign that encodes nothing", "GET / HTTP/1.1\r\nHost: %4\r\n\r\n", "hostSyntax"],
    ["an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "hostSyntax"],
    ["text behind a bracket", "GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n", "hostSyntax"],
    ["a name in brackets", "GET / HTTP/1.1\r\nHost: [ab]\r\n\r\n", "hostSyntax"],
    ["an octet above 127", "GET / HTTP/1.1\r\nHost: \xe9\r\n\r\n", "hostSyntax"],
  ]);
});

describe("RFC 9112 §4 status line", () => {
  for (const [line, seenLine] of [
    ["HTTP/1.1 204 No Content", "HTTP/1.1 204 No Content"],
    ["HTTP/1.1 204 ", "HTTP/1.1 204 "],
    ["HTTP/1.1 204", "HTTP/1.1 204 "],
    ["HTTP/1.0 204 \tod\xe9 ", "HTTP/1.0 204 \tod\xe9 "],
  ] as const) {
    it(`takes ${JSON.stringify(line)}`, () => {
      assert.equal(only(responseEveryWay(`${line}\r\n\r\n`)).startLine, seenLine);
    });
  }

  it("takes codes up to 999", () => {
    const seen = responseEveryWay("HTTP/1.1 999 \r\nContent-Length: 0\r\n\r\n");

    assert.equal(only(seen).startLine, "HTTP/1.1 999 ");
  });

  refusesResponses([
    ["two digits", "HTTP/1.1 20 OK\r\n\r\n", "statusCode"],
    ["four digits", "HTTP/1.1 2000 OK\r\n\r\n", "statusCode"],
    ["a code below 100", "HTTP/1.1 099 OK\r\n\r\n", "statusCode"],
    ["a letter", "HTTP/1.1 2x0 OK\r\n\r\n", "statusCode"],
    ["two spaces", "HTTP/1.1  200 OK\r\n\r\n", "statusCode"],
    ["a tab behind the code", "HTTP/1.1 200\tOK\r\n\r\n", "statusCode"],
    ["a control character in the reason", "HTTP/1.1 200 O\x01K\r\n\r\n", "reason"],
  ]);
});

describe("RFC 9112 §5 field syntax", () => {
  it("keeps order, spelling and duplicates, and takes white space off", () => {
    const fields = "b:1\r\nA: \t 2 \t\r\nB:  3\r\nEmpty:\r\nBlank: \t \r\nText: a \xe9\tb\r\n";

    const seen = requestEveryWay(`GET / HTTP/1.1\r\n${HOST}${fields}\r\n`);

    assert.deepEqual(only(seen).fields, [
      "Host: example.org",
      "b: 1",
      "A: 2",
      "B: 3",
      "Empty: ",
      "Blank: ",
      "Text: a \xe9\tb",
    ]);
  });

  refusesRequests([
    ["a space before the colon (§5.1)", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "fieldNameSpace"],
    ["a tab before the colon (§5.1)", "GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", "fieldNameSpace"],
    ["a name without colon", `GET / HTTP/1.1\r\n${HOST}abc\r\n\r\n`, "fieldName"],
    ["a colon without name", `GET / HTTP/1.1\r\n${HOST}: a\r\n\r\n`, "fieldNameEmpty"],
    ["a delimiter in a name", `GET / HTTP/1.1\r\n${HOST}a(b: c\r\n\r\n`, "fieldName"],
    ["NUL in a name", `GET / HTTP/1.1\r\n${HOST}a\0b: c\r\n\r\n`, "fieldName"],
    ["an octet above 127 in a name", `GET / HTTP/1.1\r\n${HOST}a\xe9: c\r\n\r\n`, "fieldName"],
    ["NUL in a value", `GET / HTTP/1.1\r\n${HOST}a: b\0c\r\n\r\n`, "fieldValue"],
    ["a control character in a value", `GET / HTTP/1.1\r\n${HOST}a: b\x0bc\r\n\r\n`, "fieldValue"],
    ["DEL in a value", `GET / HTTP/1.1\r\n${HOST}a: b\x7fc\r\n\r\n`, "fieldValue"],
    ["obsolete folding (§5.2)", `GET / HTTP/1.1\r\n${HOST}a: b\r\n c\r\n\r\n`, "fieldFolded"],
    ["folding by a tab (§5.2)", `GET / HTTP/1.1\r\n${HOST}a: b\r\n\tc\r\n\r\n`, "fieldFolded"],
  ]);

  refusesResponses([
    ["folding in a response (§5.2)", "HTTP/1.1 204 \r\nA: b\r\n c\r\n\r\n", "fieldFolded"],
  ]);
});

describe("RFC 9112 §6.1 Transfer-Encoding", () => {
  const post = (fields: string): string =>
    `POST / HTTP/1.1\r\n${HOST}${fields}\r\n2\r\nhi\r\n0\r\n\r\n`;

  for (const value of ["chunked", "Chunked", "CHUNKED", " chunked "]) {
    it(`takes ${JSON.stringify(value)}`, () => {
      assert.deepEqual(bodiesOf(requestEveryWay(post(`transfer-ENCODING:${value}\r\n`))), ["hi"]);
    });
  }

  refusesRequests([
    [
      "it beside Content-Length",
      post("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n"),
      "bothLengths",
    ],
    [
      "it behind Content-Length",
      post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
      "bothLengths",
    ],
    ["an unknown coding", post("Transfer-Encoding: gzip, chunked\r\n"), "codingUnknown"],
    [
      "an unknown coding in a line of its own",
      post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
      "codingUnknown",
    ],
    ["chunked that is not last", post("Transfer-Encoding: chunked, gzip\r\n"), "codingNotLast"],
    ["chunked twice", post("Transfer-Encoding: chunked, chunked\r\n"), "codingNotLast"],
    [
      "chunked in two lines",
      post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
      "codingNotLast",
    ],
    ["no chunked at all", post("Transfer-Encoding: identity\r\n"), "codingNotLast"],
    ["a name that begins like it", post("Transfer-Encoding: chunkedx\r\n"), "codingNotLast"],
    ["nothing", post("Transfer-Encoding:\r\n"), "codingSyntax"],
    ["an empty element", post("Transfer-Encoding: , chunked\r\n"), "codingSyntax"],
    ["a parameter of chunked", post("Transfer-Encoding: chunked;a=b\r\n"), "codingSyntax"],
    ["quotes", post('Transfer-Encoding: "chunked"\r\n'), "codingSyntax"],
    ["a tab behind it", post("Transfer-Encoding: chunked\t\r\n"), "codingSyntax"],
    ["a vertical tab before it", post("Transfer-Encoding: \x0bchunked\r\n"), "fieldValue"],
    [
      "it in HTTP/1.0",
      "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "codingInOldVersion",
    ],
  ]);

  refusesResponses([
    ["an unknown coding", "HTTP/1.1 200 \r\nTransfer-Encoding: gzip\r\n\r\n", "codingNotLast"],
    [
      "it in HTTP/1.0",
      "HTTP/1.0 200 \r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "codingInOldVersion",
    ],
    [
      "both lengths",
      "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
      "bothLengths",
    ],
  ]);
});

describe("RFC 9112 §6.2 Content-Length", () => {
  const post = (value: string): string =>
    `POST / HTTP/1.1\r\n${HOST}Content-Length:${value}\r\n\r\nabc`;

  it("delimits a body", () => {
    assert.deepEqual(bodiesOf(requestEveryWay(post("3"))), ["abc"]);
    assert.deepEqual(bodiesOf(requestEveryWay(post("  003 "))), ["abc"]);
  });

  refusesRequests([
    ["a sign", post("+3"), "lengthSyntax"],
    ["a negative number", post("-3"), "lengthSyntax"],
    ["nothing", post(""), "lengthSyntax"],
    ["hexadecimal", post("0x3"), "lengthSyntax"],
    ["a fraction", post("3.0"), "lengthSyntax"],
    ["a list of equal numbers", post("3, 3"), "lengthSyntax"],
    ["a list of different numbers", post("3, 4"), "lengthSyntax"],
    ["two numbers", post("3 3"), "lengthSyntax"],
    ["digits of another script", post("\xb3"), "lengthSyntax"],
    ["a tab behind it", post("3\t"), "lengthSyntax"],
    ["2^53", post("9007199254740992"), "lengthSyntax"],
    ["2^64", post("18446744073709551616"), "lengthSyntax"],
    ["it twice and different", post("3\r\nContent-Length: 4"), "lengthRepeated"],
    ["it twice and equal", post("3\r\nContent-Length: 3"), "lengthRepeated"],
  ]);

  it("takes 2^53 − 1", () => {
    const seen = requestEveryWay(post("9007199254740991"), { ends: false });

    assert.equal(seen.fault, undefined);
    assert.ok(seen.events.includes("head body=9007199254740991 keepAlive=true upgrade=false"));
  });
});

describe("RFC 9112 §6.3 message body length", () => {
  const length = "Content-Length: 3\r\n";

  for (const [what, text, methods] of [
    ["a response to HEAD (1)", `HTTP/1.1 200 \r\n${length}\r\n`, ["HEAD"]],
    [
      "a chunked response to HEAD (1)",
      "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n",
      ["HEAD"],
    ],
    ["a response without lengths to HEAD (1)", "HTTP/1.1 200 \r\n\r\n", ["HEAD"]],
    ["204 (1)", `HTTP/1.1 204 \r\n${length}\r\n`, ["GET"]],
    ["304 (1)", `HTTP/1.1 304 \r\n${length}\r\n`, ["GET"]],
    ["204 that says chunked (1)", "HTTP/1.1 204 \r\nTransfer-Encoding: chunked\r\n\r\n", ["GET"]],
  ] as const) {
    it(`reads no body of ${what}`, () => {
      const next = "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nhi";

      const seen = responseEveryWay(`${text}${next}`, { methods: [...methods, "GET"] });

      assert.deepEqual(bodiesOf(seen), ["", "hi"]);
    });
  }

  it("reads no body of 1xx, and goes on with the same request (1)", () => {
    const text = `HTTP/1.1 100 \r\n\r\nHTTP/1.1 103 \r\n${length}\r\nHTTP/1.1 200 \r\n${length}\r\nabc`;

    assert.deepEqual(bodiesOf(responseEveryWay(text)), ["", "", "abc"]);
  });

  it("makes a tunnel of 2xx to CONNECT, whatever lengths it has (2)", () => {
    for (const fields of ["", length, "Transfer-Encoding: gzip\r\n"]) {
      const seen = responseEveryWay(`HTTP/1.1 200 \r\n${fields}\r\nabc`, { methods: ["CONNECT"] });

      assert.deepEqual(seen.events.slice(-2), ["complete", "upgrade"]);
      assert.deepEqual(bodiesOf(seen), [""]);
    }
  });

  it("reads the body of another response to CONNECT (2)", () => {
    const seen = responseEveryWay(`HTTP/1.1 407 \r\n${length}\r\nabc`, { methods: ["CONNECT"] });

    assert.deepEqual(bodiesOf(seen), ["abc"]);
  });

  it("reads a request without lengths as one without body (7)", () => {
    const text = `POST / HTTP/1.1\r\n${HOST}\r\nGET / HTTP/1.1\r\n${HOST}\r\n`;

    assert.deepEqual(bodiesOf(requestEveryWay(text)), ["", ""]);
  });

  it("reads a response without lengths until the peer finishes (8)", () => {
    const seen = responseEveryWay("HTTP/1.1 200 \r\n\r\nHTTP/1.1 200 \r\n\r\n");

    assert.deepEqual(bodiesOf(seen), ["HTTP/1.1 200 \r\n\r\n"]);
    assert.ok(seen.events.includes("head body=-3 keepAlive=false upgrade=false"));
  });

  refusesRequests([
    ["CONNECT with content", `CONNECT a:1 HTTP/1.1\r\n${HOST}${length}\r\nabc`, "connectBody"],
  ]);

  it("takes CONNECT with an empty content", () => {
    const text = `CONNECT a:1 HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`;

    assert.equal(requestEveryWay(text).fault, undefined);
  });
});

describe("RFC 9112 §7.1 chunked transfer coding", () => {
  it("tells each chunk, the last one and the message", () => {
    const seen = requestEveryWay(`${CHUNKED}3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n`);

    assert.deepEqual(seen.events.slice(5), [
      "chunk 3",
      "body abc",
      "chunk complete",
      "chunk 10",
      "body 0123456789",
      "chunk complete",
      "chunk 0",
      "chunk complete",
      "complete",
    ]);
  });

  it("takes sizes in either case, with zeros before them", () => {
    const data = "x".repeat(0xab);

    const seen = requestEveryWay(
      `${CHUNKED}aB\r\n${data}\r\n00000000000000Ab\r\n${data}\r\n000\r\n\r\n`,
    );

    assert.deepEqual(bodiesOf(seen), [data + data]);
  });

  it("takes line ends and sizes as data where data are", () => {
    assert.deepEqual(bodiesOf(requestEveryWay(`${CHUNKED}7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n`)), [
      "\r\n0\r\n\r\n",
    ]);
  });

  refusesRequests([
    ["no size", `${CHUNKED}\r\n`, "chunkSize"],
    ["a sign", `${CHUNKED}+3\r\nabc\r\n0\r\n\r\n`, "chunkSize"],
    ["a negative size", `${CHUNKED}-3\r\nabc\r\n0\r\n\r\n`, "chunkSize"],
    ["0x", `${CHUNKED}0x3\r\nabc\r\n0\r\n\r\n`, "chunkSize"],
    ["a space before the size", `${CHUNKED} 3\r\nabc\r\n0\r\n\r\n`, "chunkSize"],
    ["a space behind the size", `${CHUNKED}3 \r\nabc\r\n0\r\n\r\n`, "chunkExtension"],
    ["a letter that is no digit", `${CHUNKED}3g\r\nabc\r\n0\r\n\r\n`, "chunkSize"],
    ["a size of 17 digits", `${CHUNKED}00000000000000003\r\nabc`, "chunkSizeRange"],
    ["a size of 2^53", `${CHUNKED}20000000000000\r\nabc`, "chunkSizeRange"],
    ["a size of 2^64 + 3", `${CHUNKED}10000000000000003\r\nabc`, "chunkSizeRange"],
    ["a size line that ends in LF alone", `${CHUNKED}3\nabc\r\n0\r\n\r\n`, "bareLf"],
    ["a size line that ends in CR alone", `${CHUNKED}3\rabc\r\n0\r\n\r\n`, "bareCr"],
    ["more data than the size", `${CHUNKED}3\r\nabcd\r\n0\r\n\r\n`, "chunkEnd"],
    ["fewer data than the size", `${CHUNKED}3\r\nab\r\n0\r\n\r\n`, "chunkEnd"],
    ["data that end in LF alone", `${CHUNKED}3\r\nabc\n0\r\n\r\n`, "chunkEnd"],
    ["data that end in CR alone", `${CHUNKED}3\r\nabc\r0\r\n\r\n`, "chunkEnd"],
    ["a last chunk without the empty line", `${CHUNKED}0\r\n`, "truncated"],
    ["an end of LF alone", `${CHUNKED}0\r\n\n`, "bareLf"],
    ["an end of CR alone", `${CHUNKED}0\r\n\rX`, "bareCr"],
  ]);
});

describe("RFC 9112 §7.1.1 chunk extensions", () => {
  for (const extension of [
    ";a",
    ";a=b",
    ";abc=def",
    ";a;b=c;d",
    ';a="b c;d\te=\xe9"',
    ';a="\\"\\\\"',
    ';a=""',
    "; a",
    ";a = b",
    ';a="b" ;c',
  ]) {
    it(`tells ${extension}`, () => {
      const seen = requestEveryWay(`${CHUNKED}3${extension}\r\nabc\r\n0${extension}\r\n\r\n`);

      assert.deepEqual(bodiesOf(seen), ["abc"]);
      assert.ok(seen.events.includes(`chunk 3${extension}`));
      assert.ok(seen.events.includes(`chunk 0${extension}`));
    });
  }

  it("takes white space before the first semicolon off", () => {
    const seen = requestEveryWay(`${CHUNKED}3 \t;a\r\nabc\r\n0\r\n\r\n`);

    assert.ok(seen.events.includes("chunk 3;a"));
  });

  refusesRequests([
    ["no name", `${CHUNKED}3;\r\nabc\r\n0\r\n\r\n`, "chunkExtension"],
    ["no name between two", `${CHUNKED}3;;a\r\nabc\r\n0\r\n\r\n`, "chunkExtension"],
    ["no value behind =", `${CHUNKED}3;a=\r\nabc\r\n0\r\n\r\n`, "chunkExtension"],
    ["an open quote", `${CHUNKED}3;a="b\r\nabc\r\n0\r\n\r\n`, "chunkExtension"],
    ["text behind a quote", `${CHUNKED}3;a="b"c\r\nabc\r\n0\r\n\r\n`, "chunkExtension"],
    ["white space at the end", `${CHUNKED}3;a \r\nabc\r\n0\r\n\r\n`, "chunkExtension"],
    ["white space behind a value", `${CHUNKED}3;a=b \r\nabc\r\n0\r\n\r\n`, "chunkExtension"],
    ["NUL", `${CHUNKED}3;a\0\r\nabc\r\n0\r\n\r\n`, "chunkExtension"],
    ["LF in a name", `${CHUNKED}3;a\nb\r\nabc\r\n0\r\n\r\n`, "bareLf"],
    ["LF in a quoted value", `${CHUNKED}3;a="\n"\r\nabc\r\n0\r\n\r\n`, "bareLf"],
    ["LF behind a backslash", `${CHUNKED}3;a="\\\n"\r\nabc\r\n0\r\n\r\n`, "bareLf"],
    ["CR in a name", `${CHUNKED}3;a\rb\r\nabc\r\n0\r\n\r\n`, "bareCr"],
  ]);
});

describe("RFC 9112 §7.1.2 trailer section", () => {
  it("tells trailers apart from the fields of the head", () => {
    const seen = requestEveryWay(`${CHUNKED}0\r\nDigest: x\r\ndigest:  y \r\n\r\n`);

    assert.deepEqual(seen.messages[0]?.trailers, ["Digest: x", "digest: y"]);
    assert.deepEqual(seen.messages[0]?.fields.length, 2);
    assert.deepEqual(seen.events.slice(-5), [
      "chunk 0",
      "trailer Digest: x",
      "trailer digest: y",
      "chunk complete",
      "complete",
    ]);
  });

  refusesRequests([
    ["Content-Length", `${CHUNKED}0\r\nContent-Length: 3\r\n\r\n`, "trailerField"],
    ["Transfer-Encoding", `${CHUNKED}0\r\ntransfer-encoding: chunked\r\n\r\n`, "trailerField"],
    ["Host", `${CHUNKED}0\r\nHost: b\r\n\r\n`, "trailerField"],
    ["Connection", `${CHUNKED}0\r\nConnection: close\r\n\r\n`, "trailerField"],
    ["a folded line", `${CHUNKED}0\r\nA: b\r\n c\r\n\r\n`, "fieldFolded"],
    ["white space first", `${CHUNKED}0\r\n A: b\r\n\r\n`, "fieldFolded"],
    ["a line that ends in LF alone", `${CHUNKED}0\r\nA: b\n\r\n`, "bareLf"],
    ["a control character", `${CHUNKED}0\r\nA: \x01\r\n\r\n`, "fieldValue"],
  ]);
});

describe("RFC 9112 §8 incomplete messages", () => {
  it("takes an end between messages", () => {
    assert.equal(requestEveryWay("").fault, undefined);
    assert.equal(requestEveryWay("\r\n").fault, undefined);
    assert.equal(requestEveryWay(`GET / HTTP/1.1\r\n${HOST}\r\n`).fault, undefined);
  });

  refusesRequests([
    ["an end in the request line", "GET /", "truncated"],
    ["an end in the fields", `GET / HTTP/1.1\r\n${HOST}`, "truncated"],
    ["an end in a body", `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nab`, "truncated"],
    ["an end in a chunk", `${CHUNKED}3\r\nab`, "truncated"],
    ["an end between chunks", `${CHUNKED}3\r\nabc\r\n`, "truncated"],
    ["an end in the trailers", `${CHUNKED}0\r\nA: b\r\n`, "truncated"],
  ]);

  refusesResponses([
    ["an end in a body", "HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\nab", "truncated"],
    ["an end before the body", "HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\n", "truncated"],
  ]);
});

describe("RFC 9112 §9.3 persistence", () => {
  for (const [version, connection, persists] of [
    ["1.1", undefined, true],
    ["1.1", "keep-alive", true],
    ["1.1", "close", false],
    ["1.1", "Close", false],
    ["1.1", "keep-alive, close", false],
    ["1.1", "x,close , y", false],
    ["1.1", ", ,close", false],
    ["1.1", "closed", true],
    ["1.1", "x\r\nConnection: close", false],
    ["1.0", undefined, false],
    ["1.0", "keep-alive", true],
    ["1.0", "Keep-Alive", true],
    ["1.0", "keep-alive, close", false],
    ["1.0", "x\r\nConnection: keep-alive", true],
    ["1.0", "x", false],
  ] as const) {
    it(`HTTP/${version} with Connection ${connection}: ${persists}`, () => {
      const field = connection === undefined ? "" : `Connection: ${connection}\r\n`;
      const wanted = `head body=-1 keepAlive=${persists} upgrade=false`;

      const request = requestEveryWay(`GET / HTTP/${version}\r\n${HOST}${field}\r\n`);
      const response = responseEveryWay(`HTTP/${version} 204 \r\n${field}\r\n`);

      assert.ok(request.events.includes(wanted));
      assert.ok(response.events.includes(wanted));
    });
  }
});

describe("RFC 9112 §9.3.2 pipelining", () => {
  it("reads requests that follow each other, each with its body", () => {
    const text =
      `POST /1 HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc` +
      `GET /2 HTTP/1.1\r\n${HOST}\r\n` +
      `POST /3 HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n` +
      `\r\nGET /4 HTTP/1.1\r\n${HOST}\r\n`;

    const seen = requestEveryWay(text);

    assert.deepEqual(bodiesOf(seen), ["abc", "", "x", ""]);
    assert.deepEqual(
      seen.messages.map(({ startLine }) => startLine.split(" ")[1]),
      ["/1", "/2", "/3", "/4"],
    );
  });

  it("reads responses by the method of the request that each answers", () => {
    const text =
      "HTTP/1.1 200 \r\nContent-Length: 9\r\n\r\n" +
      "HTTP/1.1 100 \r\n\r\nHTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nhi" +
      "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n" +
      "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n";

    const seen = responseEveryWay(text, { methods: ["HEAD", "POST", "HEAD", "GET"] });

    assert.deepEqual(bodiesOf(seen), ["", "", "hi", "", ""]);
  });

  refusesResponses([
    [
      "a response that no request waits for",
      "HTTP/1.1 204 \r\n\r\nHTTP/1.1 204 \r\n\r\n",
      "unexpectedResponse",
    ],
  ]);
});

describe("RFC 9112 §9.6 tear-down", () => {
  it("takes an empty line behind the last message", () => {
    const seen = requestEveryWay(`GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n\r\n`);

    assert.equal(seen.fault, undefined);
  });

  refusesRequests([
    [
      "a request behind one that said close",
      `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`,
      "afterLast",
    ],
    [
      "a request behind one of HTTP/1.0",
      "GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n",
      "afterLast",
    ],
  ]);

  it("refuses a response behind one that said close", () => {
    const text = "HTTP/1.1 204 \r\nConnection: close\r\n\r\nHTTP/1.1 204 \r\n\r\n";

    assert.equal(responseEveryWay(text, { methods: ["GET", "GET"] }).fault, "afterLast");
  });

  for (const interim of ["HTTP/1.1 103 \r\nConnection: close\r\n\r\n", "HTTP/1.0 100 \r\n\r\n"]) {
    it(`reads the final response behind ${JSON.stringify(interim)}, and takes that for the last`, () => {
      const final = "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nhi";

      const seen = responseEveryWay(interim + final);
      const behind = responseEveryWay(`${interim}${final}${final}`, { methods: ["GET", "GET"] });

      assert.deepEqual(bodiesOf(seen), ["", "hi"]);
      assert.ok(seen.events.includes("head body=2 keepAlive=false upgrade=false"));
      assert.equal(behind.fault, "afterLast");
    });
  }
});

describe("RFC 9110 §7.8 upgrade", () => {
  const ask = "Connection: Upgrade\r\nUpgrade: websocket\r\n";

  it("leaves what is behind the request to the other protocol", () => {
    const head = `GET / HTTP/1.1\r\n${HOST}${ask}\r\n`;

    const seen = requestEveryWay(`${head}\x81\x00`);

    assert.deepEqual(seen.events.slice(-2), ["complete", "upgrade"]);
    assert.equal(seen.takenBytes, head.length);
  });

  it("reads the body before the protocol changes", () => {
    const text = `POST / HTTP/1.1\r\n${HOST}${ask}Content-Length: 3\r\n\r\nabc`;

    const seen = requestEveryWay(`${text}xyz`);

    assert.deepEqual(bodiesOf(seen), ["abc"]);
    assert.equal(seen.takenBytes, text.length);
  });

  for (const [what, text] of [
    ["without the connection option", `GET / HTTP/1.1\r\n${HOST}Upgrade: x\r\n\r\n`],
    ["without the field", `GET / HTTP/1.1\r\n${HOST}Connection: upgrade\r\n\r\n`],
    ["in HTTP/1.0", `GET / HTTP/1.0\r\n${HOST}${ask}\r\n`],
  ] as const) {
    it(`is not asked for ${what}`, () => {
      assert.equal(requestEveryWay(text).events.at(-1), "complete");
    });
  }

  it("happens with 101, whatever lengths it has", () => {
    const head = `HTTP/1.1 101 \r\n${ask}Content-Length: 3\r\n\r\n`;

    const seen = responseEveryWay(`${head}abc`, { methods: ["GET+"] });

    assert.deepEqual(seen.events.slice(-2), ["complete", "upgrade"]);
    assert.equal(seen.takenBytes, head.length);
  });

  refusesResponses([
    ["101 that nobody asked for", `HTTP/1.1 101 \r\n${ask}\r\n`, "unexpectedSwitch"],
  ]);
});
