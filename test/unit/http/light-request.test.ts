/** A light Request beside one of the platform's: whatever is done with them, they show the same. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { installLightClasses } from "hp-socket/http";
import { wholeRequest } from "#src/http/server/fetch/light-request.js";
import { requestMaker } from "#src/http/server/fetch/request-maker.js";
import { type Operation, outcome } from "../../support/fetch-differences.js";
import { requestSource, type SampleRequest } from "../../support/request-source.js";

// Node from 24 on takes light requests where its classes were replaced.
if (!requestMaker.isTaken) installLightClasses();

const FORM = "multipart/form-data; boundary=b";
const PARTS = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n';

const SAMPLES: Readonly<Record<string, SampleRequest>> = {
  "a GET": {
    method: "GET",
    url: "http://h/a?b=c",
    fields: ["Accept: */*", "X-Two: 1", "x-two: 2"],
  },
  "a HEAD": { method: "HEAD", url: "http://h/", fields: [] },
  "a GET with a body": { method: "GET", url: "http://h/", fields: [], body: "ignored" },
  "a POST": {
    method: "POST",
    url: "http://h/",
    fields: ["Content-Type: text/plain", "Cookie: a=1", "Cookie: b=2"],
    body: "hello",
  },
  "a POST without body": { method: "POST", url: "http://h/", fields: ["Empty:"] },
  "an empty POST": {
    method: "POST",
    url: "http://h/",
    fields: ["Set-Cookie: a", "Set-Cookie: b"],
    body: "",
  },
  "JSON behind a mark": { method: "PUT", url: "http://h/", fields: [], body: '\ufeff{"a":[1]}' },
  "bytes that are no text": {
    method: "PATCH",
    url: "http://h/",
    fields: ["Latin: \xe4\xf6"],
    body: Uint8Array.of(0xef, 0xbb, 0xff, 0xc3, 0x28, 0xf0, 0x9f, 0x61, 0xe2, 0x82),
  },
  "a form": { method: "POST", url: "http://h/", fields: [`Content-Type: ${FORM}`], body: PARTS },
  "a form of one line": {
    method: "POST",
    url: "http://h/",
    fields: ["Content-Type: application/x-www-form-urlencoded"],
    body: "a=1&b=%20",
  },
  "a method of its own": { method: "PURGE", url: "http://h/", fields: [], body: "x" },
};

const MEMBERS = Object.getOwnPropertyNames(Request.prototype);
const HEADER_MEMBERS = Object.getOwnPropertyNames(Headers.prototype);

type Named = readonly [name: string, operation: Operation<Request>];
const bodyMethods = ["text", "json", "arrayBuffer", "bytes", "blob", "formData"] as const;

/** A member of whatever type, called where it can be. */
function call(request: Request, name: string, ...given: unknown[]): unknown {
  const member: unknown = Reflect.get(request, name);
  return typeof member === "function" ? Reflect.apply(member, request, given) : member;
}

const REQUEST_OPERATIONS: readonly Named[] = [
  ...MEMBERS.filter((name) => name !== "constructor").map(
    (name): Named => [name, (request) => call(request, name)],
  ),
  ...MEMBERS.map((name): Named => [`"${name}" in`, (request) => name in request]),
  ...MEMBERS.map((name): Named => [`length of ${name}`, (request) => lengthOf(request, name)]),
  ["instanceof", (request) => [request instanceof Request, request.headers instanceof Headers]],
  ["constructor", (request) => request.constructor === Request],
  ["toString", (request) => [String(request), String(request.headers)]],
  ["inspect", (request) => inspect(request)],
  ["inspect headers", (request) => inspect(request.headers)],
  ["for in", (request) => namesIn(request)],
  ["for in headers", (request) => namesIn(request.headers)],
  ["keys", (request) => [Object.keys(request), JSON.stringify(request)]],
  ["same headers", (request) => isSame(() => request.headers)],
  ["same signal", (request) => isSame(() => request.signal)],
  ["same body", (request) => isSame(() => request.body)],
  ["set what is fixed", (request) => Reflect.set(request, "url", "x")],
  ["assign what is fixed", (request) => Object.assign(request, { method: "x" })],
  ["a member of its own", (request) => Object.assign(request, { mine: 1 }).mine],
  ["new Request", (request) => new Request(request)],
  ["new Request, other method", (request) => new Request(request, { method: "POST" })],
  ["new Request, other body", (request) => new Request(request, { method: "POST", body: "new" })],
  ["new Request, no headers", (request) => new Request(request, { headers: {} })],
  ["new Request of another URL", (request) => new Request("http://other/", request)],
  ["new Request of its URL", (request) => new Request(request.url, { headers: request.headers })],
  ["new Request, then used", (request) => [new Request(request), request.bodyUsed, request.body]],
  ["new Headers", (request) => new Headers(request.headers)],
  ["new Response", (request) => new Response(request.body, { headers: request.headers })],
  ["clone, both read", async (request) => [await request.clone().text(), await request.text()]],
  ["clone after reading", async (request) => [await request.text(), request.clone()]],
  ["clone keeps headers", (request) => [request.headers.set("a", "b"), request.clone()]],
  ["clone of a clone", (request) => request.clone().clone()],
  ["new Request after reading", async (request) => [await request.text(), new Request(request)]],
  ["body after reading", async (request) => [await request.text(), request.body, request.bodyUsed]],
  ["cancel after reading", async (request) => [await request.text(), await request.body?.cancel()]],
  [
    "bodyUsed while reading",
    async (request) => {
      const reading = request.text();
      return [request.bodyUsed, await reading, request.bodyUsed];
    },
  ],
  ["locked body", (request) => [request.body?.getReader() !== undefined, request.text()]],
  ["locked body cloned", (request) => [request.body?.getReader() !== undefined, request.clone()]],
  [
    "read by a reader",
    async (request) => {
      const reader = request.body?.getReader();
      return [await reader?.read(), request.bodyUsed];
    },
  ],
  [
    "cancelled body",
    async (request) => [await request.body?.cancel(), request.bodyUsed, request.text()],
  ],
  ["teed body", async (request) => request.body?.tee().map((one) => one.locked)],
  [
    "iterated body",
    async (request) => {
      const chunks: unknown[] = [];
      for await (const chunk of request.body ?? []) chunks.push(chunk);
      return chunks;
    },
  ],
  ...bodyMethods.flatMap((first) =>
    bodyMethods.map(
      (second): Named => [
        `${first}, then ${second}`,
        async (request) => [await call(request, first), await call(request, second)],
      ],
    ),
  ),
  ...bodyMethods.map(
    (name): Named => [`${name} behind body`, (request) => [request.body, call(request, name)]],
  ),
];

const NAMES = [
  "x-two",
  "X-TWO",
  "cookie",
  "set-cookie",
  "empty",
  "missing",
  "",
  " ",
  "é",
  "a b",
  1,
  null,
];

const HEADER_OPERATIONS: readonly Named[] = [
  ...NAMES.flatMap((name): Named[] =>
    ["get", "has", "delete"].map((member) => [
      `${member} ${JSON.stringify(name)}`,
      ({ headers }) => [Reflect.apply(Reflect.get(headers, member), headers, [name]), headers],
    ]),
  ),
  ...HEADER_MEMBERS.filter((name) => name !== "constructor").map(
    (name): Named => [
      `${name} of nothing`,
      ({ headers }) => listed(Reflect.apply(Reflect.get(headers, name), headers, [])),
    ],
  ),
  ...HEADER_MEMBERS.map(
    (name): Named => [`length of ${name}`, ({ headers }) => lengthOf(headers, name)],
  ),
  ["iterate", ({ headers }) => [...headers]],
  ["keys", ({ headers }) => [...headers.keys()]],
  ["values", ({ headers }) => [...headers.values()]],
  ["entries", ({ headers }) => [...headers.entries()]],
  ["fromEntries", ({ headers }) => Object.fromEntries(headers)],
  ["next of an iterator", ({ headers }) => headers.entries().next()],
  [
    "forEach",
    ({ headers }) => {
      const seen: unknown[] = [];
      headers.forEach(function visit(this: unknown, value, name, all) {
        seen.push([value, name, all === headers, this]);
      }, "self");
      return seen;
    },
  ],
  ["forEach with no function", ({ headers }) => headers.forEach("no" as never)],
  [
    "forEach that throws",
    ({ headers }) =>
      headers.forEach(() => {
        throw new RangeError("mine");
      }),
  ],
  ["getSetCookie", ({ headers }) => headers.getSetCookie()],
  ["set", ({ headers }) => [headers.set("X-New", " 1 "), headers.get("x-new"), headers]],
  ["set over two", ({ headers }) => [headers.set("X-Two", "3"), headers.get("x-two"), headers]],
  ["append", ({ headers }) => [headers.append("x-two", "3"), headers.get("X-Two"), headers]],
  [
    "delete, then get",
    ({ headers }) => [headers.delete("x-two"), headers.get("x-two"), headers.has("x-two")],
  ],
  ["set a bad name", ({ headers }) => headers.set("a b", "c")],
  ["set a bad value", ({ headers }) => headers.set("a", "b\r\nc")],
  ["set seen by a new Request", (request) => [request.headers.set("a", "b"), new Request(request)]],
  [
    "set behind a new Request",
    (request) => {
      const other = new Request(request, { method: "GET", headers: request.headers });
      request.headers.set("a", "b");
      return [other.headers, request.headers];
    },
  ],
  [
    "delete in a loop",
    ({ headers }) => {
      const seen: string[] = [];
      for (const [name] of headers) {
        seen.push(name);
        headers.delete(name);
      }
      return [seen, headers];
    },
  ],
];

function isSame(read: () => unknown): boolean {
  const first = read();
  return first === read();
}

function namesIn(object: object): string[] {
  const names: string[] = [];
  for (const name in object) names.push(name);
  return names.sort();
}

function lengthOf(object: object, name: string): unknown {
  const descriptor = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(object), name);
  return typeof descriptor?.value === "function" && name !== "constructor"
    ? descriptor.value.length
    : "none";
}

function listed(value: unknown): unknown {
  const isList = typeof value === "object" && value !== null && Symbol.iterator in value;
  return isList ? [...(value as Iterable<unknown>)] : value;
}

describe("a light Request shows what one of the platform's does", () => {
  for (const [what, sample] of Object.entries(SAMPLES)) {
    const light = () => requestMaker.create(requestSource(sample), sample.method, sample.url);
    const plain = () => wholeRequest(requestSource(sample), sample.method, sample.url);

    it(what, async () => {
      const lights: string[] = [];
      const plains: string[] = [];
      for (const [name, operation] of [...REQUEST_OPERATIONS, ...HEADER_OPERATIONS]) {
        lights.push(`${name}: ${await outcome(light, operation)}`);
        plains.push(`${name}: ${await outcome(plain, operation)}`);
      }

      assert.deepEqual(lights, plains);
    });
  }
});
