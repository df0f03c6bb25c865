/** A light Response beside one of the platform's: however they are made, they show the same. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { inspect } from "node:util";
import { installLightClasses } from "hp-socket/http";
import { type Operation, outcome } from "../../support/fetch-differences.js";
import { fuzzCases } from "../../support/fuzz-runs.js";

const PlainResponse = Response;
const putBack = installLightClasses();
const LightResponse = Response;

/** Makes one, of the class that it is given. */
type Recipe = (make: typeof Response) => Response;
type Named<Made> = readonly [name: string, made: Made];

const bytes = Uint8Array.of(0, 1, 0xc3, 0xa4, 0xff).subarray(1);
const stream = () => new Blob(["streamed"]).stream();

const BODIES: readonly Named<() => unknown>[] = [
  ["nothing", () => undefined],
  ["null", () => null],
  ["text", () => "text ä €"],
  ["empty text", () => ""],
  ["text behind a mark", () => "\ufefftext"],
  ["half a character", () => "a\ud800b"],
  ["JSON", () => '{"a":[1,2]}'],
  ["bytes", () => bytes],
  ["a Buffer", () => Buffer.from("buffer")],
  ["an ArrayBuffer", () => Uint8Array.of(1, 2, 3).buffer],
  ["a view of numbers", () => Uint16Array.of(1, 2)],
  ["a Blob", () => new Blob(["blob"], { type: "a/b" })],
  ["parameters", () => new URLSearchParams({ a: "1 2" })],
  ["a stream", stream],
  ["a number", () => 1],
  ["an object", () => ({})],
];

const INITS: readonly Named<() => unknown>[] = [
  ["nothing", () => undefined],
  ["null", () => null],
  ["an empty one", () => ({})],
  ["a status", () => ({ status: 404 })],
  ["a status of text", () => ({ status: "404" })],
  ["a status undefined", () => ({ status: undefined, headers: undefined, statusText: undefined })],
  ["a status null", () => ({ status: null })],
  ["no body", () => ({ status: 204 })],
  ["a status that is none", () => ({ status: 199 })],
  ["a status with a fraction", () => ({ status: 200.5 })],
  ["a status text", () => ({ statusText: "Fine" })],
  ["a status text that is none", () => ({ statusText: "a\nb" })],
  ["headers", () => ({ headers: { "Content-Type": "x/y", "X-A": "1" } })],
  ["headers with white space", () => ({ headers: { "X-A": " 1\t" } })],
  ["headers twice", () => ({ headers: { "X-A": "1", "x-a": "2" } })],
  ["headers that are numbers", () => ({ headers: { "X-A": 1, "X-B": null } })],
  ["headers of bad names", () => ({ headers: { "a b": "1" } })],
  ["headers of bad values", () => ({ headers: { a: "1\n2" } })],
  ["headers beyond Latin-1", () => ({ headers: { a: "€" } })],
  ["headers of Latin-1", () => ({ headers: { a: "ä" } })],
  [
    "pairs",
    () => ({
      headers: [
        ["a", "1"],
        ["a", "2"],
        ["set-cookie", "b"],
        ["Set-Cookie", "c"],
      ],
    }),
  ],
  ["pairs that are none", () => ({ headers: [["a"]] })],
  ["Headers", () => ({ headers: new Headers({ a: "1", "content-type": "x/y" }) })],
  ["Headers of one", () => ({ headers: new Headers({ a: "1" }) })],
  [
    "many Headers",
    () => ({ headers: new Headers(Array.from({ length: 20 }, (_, at) => [`x-${at}`, "1"])) }),
  ],
  [
    "Headers of a class of one's own",
    () => ({ headers: new (class extends Headers {})({ a: "1" }) }),
  ],
  [
    "Headers without type",
    () => ({
      headers: new Headers([
        ["set-cookie", "a"],
        ["set-cookie", "b"],
      ]),
    }),
  ],
  ["a Map", () => ({ headers: new Map([["a", "1"]]) })],
  ["a name that all have", () => ({ headers: { constructor: "1", toString: "2" } })],
  [
    "fields of a connection",
    () => ({ headers: { "Transfer-Encoding": "chunked", "keep-alive": "1" } }),
  ],
  ["another Response", () => new PlainResponse("x", { status: 201, headers: { a: "1" } })],
  ["text", () => "text"],
];

const call = (make: typeof Response, ...given: unknown[]): Response =>
  Reflect.construct(make, given);

const PAIRS: readonly Named<Recipe>[] = BODIES.flatMap(([body, madeBody]) =>
  INITS.map(
    ([init, madeInit]): Named<Recipe> => [
      `${body} with ${init}`,
      (make) => call(make, madeBody(), madeInit()),
    ],
  ),
);

const RECIPES: readonly Named<Recipe>[] = [
  ...BODIES.map(([body, made]): Named<Recipe> => [body, (make) => call(make, made())]),
  ...INITS.map(
    ([init, made]): Named<Recipe> => [`text with ${init}`, (make) => call(make, "text", made())],
  ),
  ["Response.json", (make) => Reflect.apply(make.json, make, [{ a: [1] }])],
  ["Response.json with status", (make) => make.json(null, { status: 201 })],
  ["Response.json with a type", (make) => make.json("a", { headers: { "Content-Type": "x/y" } })],
  ["Response.json with headers", (make) => make.json("a", { headers: { "X-A": "1" } })],
  ["Response.json of nothing", (make) => Reflect.apply(make.json, make, [undefined])],
  [
    "Response.json of a circle",
    (make) => {
      const one: unknown[] = [];
      one.push(one);
      return Reflect.apply(make.json, make, [one]);
    },
  ],
  ["Response.json of an integer", (make) => Reflect.apply(make.json, make, [1n])],
  ["Response.json of no body", (make) => make.json(1, { status: 204 })],
  ["Response.json without anything", (make) => Reflect.apply(make.json, make, [])],
  ["Response.redirect", (make) => Reflect.apply(make.redirect, make, ["http://h/a"])],
  ["Response.redirect with status", (make) => make.redirect("http://h/a", 308)],
  [
    "Response.redirect that is none",
    (make) => Reflect.apply(make.redirect, make, ["http://h/a", 200]),
  ],
  ["Response.error", (make) => make.error()],
  [
    "a locked stream",
    (make) => {
      const one = stream();
      one.getReader();
      return call(make, one);
    },
  ],
  [
    "a used body",
    (make) => {
      const one = call(make, "a");
      void one.text();
      return call(make, one.body);
    },
  ],
  [
    "one out of another",
    (make) => {
      const one = call(make, "a", { status: 404, headers: { a: "1" } });
      return call(make, one.body, one);
    },
  ],
  [
    "what was changed before",
    (make) => {
      const headers: Record<string, string> = { a: "1" };
      const made = call(make, "x", { headers });
      headers["a"] = "2";
      return made;
    },
  ],
  [
    "bytes changed behind it",
    (make) => {
      const one = Uint8Array.of(1);
      const made = call(make, one);
      one[0] = 2;
      return made;
    },
  ],
];

const MEMBERS = Object.getOwnPropertyNames(Response.prototype);
const READS = ["text", "json", "arrayBuffer", "bytes", "blob", "formData"] as const;

const read = (response: Response, name: string): unknown => {
  const member: unknown = Reflect.get(response, name);
  return typeof member === "function" ? Reflect.apply(member, response, []) : member;
};

const READING: readonly Named<Operation<Response>>[] = MEMBERS.filter(
  (name) => name !== "constructor",
).map((name): Named<Operation<Response>> => [name, (response) => read(response, name)]);

const OPERATIONS: readonly Named<Operation<Response>>[] = [
  ...READING,
  [
    "instanceof",
    (response) => [response instanceof PlainResponse, response instanceof LightResponse],
  ],
  ["toString", (response) => String(response)],
  ["keys", (response) => [Object.keys(response), JSON.stringify(response)]],
  ["inspect", (response) => inspect(response)],
  [
    "headers kept",
    (response) => {
      response.headers.set("a", "b");
      response.headers.delete("content-type");
      return [
        response.headers,
        response.clone(),
        response.headers,
        new PlainResponse(response.body, response),
      ];
    },
  ],
  [
    "headers of a clone",
    (response) => {
      const clone = response.clone();
      response.headers.append("a", "b");
      return [clone.headers, response.headers];
    },
  ],
  [
    "type of a blob follows the headers",
    (response) => {
      response.headers.set("content-type", "y/z");
      return response.blob();
    },
  ],
  ["clone, both read", async (response) => [await response.clone().text(), await response.text()]],
  ["clone after reading", async (response) => [await response.text(), response.clone()]],
  [
    "body after reading",
    async (response) => [await response.text(), response.bodyUsed, response.body],
  ],
  ["same body", (response) => [response.body].includes(response.body)],
  [
    "read by a reader",
    async (response) => {
      const reader = response.body?.getReader();
      return [(await reader?.read())?.done, response.bodyUsed, response.body?.locked];
    },
  ],
  [
    "cancelled",
    async (response) => [await response.body?.cancel(), response.bodyUsed, response.text()],
  ],
  ...READS.flatMap((first) =>
    READS.map(
      (second): Named<Operation<Response>> => [
        `${first}, then ${second}`,
        async (response) => [await read(response, first), await read(response, second)],
      ],
    ),
  ),
];

after(putBack);

async function assertAlike(
  [, make]: Named<Recipe>,
  operations: readonly Named<Operation<Response>>[],
): Promise<void> {
  for (const [name, operation] of operations) {
    const light = await outcome(() => make(LightResponse), operation);
    const plain = await outcome(() => make(PlainResponse), operation);
    assert.equal(light, plain, name);
  }
}

describe("a light Response shows what one of the platform's does", () => {
  for (const pair of fuzzCases(PAIRS)) it(pair[0], () => assertAlike(pair, READING));
});

describe("a light Response does what one of the platform's does", () => {
  for (const recipe of RECIPES) it(recipe[0], () => assertAlike(recipe, OPERATIONS));
});

describe("the class of light Responses", () => {
  it("is like the platform's", () => {
    for (const member of [...MEMBERS, "json", "redirect", "error", "name", "length", "prototype"]) {
      assert.equal(member in LightResponse, member in PlainResponse, member);
    }
    assert.equal(LightResponse.name, "Response");
    assert.deepEqual(
      Object.keys(LightResponse),
      Object.keys(PlainResponse).filter((name) => name === "json"),
    );
    assert.equal(new LightResponse().constructor, LightResponse);
    assert.equal(new PlainResponse() instanceof LightResponse, true);
    assert.throws(() => Reflect.apply(LightResponse, undefined, []), TypeError);
  });

  it("can be extended", async () => {
    class Mine extends LightResponse {
      readonly mine = 1;
    }
    const mine = new Mine("text", { status: 201 });

    assert.deepEqual([mine.mine, mine.status, await mine.text()], [1, 201, "text"]);
    assert.equal(mine instanceof Mine, true);
    assert.equal(new LightResponse() instanceof Mine, false);
  });

  it("is taken away when that is asked for", () => {
    const restore = installLightClasses();

    restore();

    assert.equal(Response, PlainResponse);
    installLightClasses();
    assert.equal(Response, LightResponse);
  });
});
