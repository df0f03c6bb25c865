/** The web's fetch over an agent: what goes in, what comes out, beside the platform's. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import type { EngineName } from "hp-socket";
import { CookieStore, createFetch, FetchFailure, type HttpFetch } from "hp-socket/http";
import { availableEngines } from "../support/engine-list.js";
import { httpAgent } from "../support/http-client-world.js";
import { bodyOf, nodeServer, scriptedServer } from "../support/http-scripted-server.js";
import { until } from "../support/until.js";

type Ask = (fetch: HttpFetch, url: string) => Promise<unknown>;

const form = (): FormData => {
  const made = new FormData();
  made.set("a", "1");
  return made;
};
const read = async (asked: Promise<Response>): Promise<unknown> => {
  const response = await asked;
  const { status, ok, redirected, type, bodyUsed } = response;
  const body = await response.text();
  // A boundary is another each time.
  return { status, ok, redirected, type, bodyUsed, body: body.replaceAll(/-{4}[\w-]+/g, "--") };
};

/** What nobody keeps is collected, and what is done because of that is done. */
async function collections(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) {
    await new Promise((next) => setImmediate(next));
    assert.ok(globalThis.gc);
    globalThis.gc();
  }
}

/** Whatever is asked, the same comes as from the platform's fetch. */
const CASES: Readonly<Record<string, Ask>> = {
  "text of a URL": (fetch, url) => read(fetch(url)),
  "a URL": (fetch, url) => read(fetch(new URL(url))),
  "a Request": (fetch, url) => read(fetch(new Request(url, { headers: { "x-a": "1" } }))),
  "a Request with text": (fetch, url) =>
    read(fetch(new Request(url, { method: "POST", body: "text" }))),
  "a Request that is sent again after 307": (fetch, url) =>
    read(fetch(new Request(`${url}307`, { method: "POST", body: "again" }))),
  "a Request with another method": (fetch, url) =>
    read(fetch(new Request(url, { method: "POST", body: "text" }), { method: "PUT" })),
  "a Request with another body": (fetch, url) =>
    read(fetch(new Request(url, { method: "POST", body: "text" }), { body: "other" })),
  "a Request that was used": async (fetch, url) => {
    const request = new Request(url, { method: "POST", body: "text" });
    await request.text();
    return fetch(request);
  },
  "a method in small letters": (fetch, url) => read(fetch(url, { method: "post", body: "x" })),
  "a body with GET": (fetch, url) => fetch(url, { body: "x" }),
  "no URL": (fetch) => fetch("nowhere"),
  "no method": (fetch, url) => fetch(url, { method: "a b" }),
  "no header": (fetch, url) => fetch(url, { headers: { "a b": "1" } }),
  "no redirect": (fetch, url) => Reflect.apply(fetch, undefined, [url, { redirect: "no" }]),
  "a form": (fetch, url) => read(fetch(url, { method: "POST", body: form() })),
  parameters: (fetch, url) =>
    read(fetch(url, { method: "POST", body: new URLSearchParams({ a: "1 2" }) })),
  bytes: (fetch, url) => read(fetch(url, { method: "POST", body: Uint8Array.of(65, 66) })),
  "a part of words": (fetch, url) =>
    read(fetch(url, { method: "POST", body: Uint16Array.of(0, 16_962, 17_219).subarray(1) })),
  "a DataView": (fetch, url) =>
    read(fetch(url, { method: "POST", body: new DataView(Uint8Array.of(64, 65, 66).buffer, 1) })),
  "a Blob": (fetch, url) =>
    read(fetch(url, { method: "POST", body: new Blob(["b"], { type: "a/b" }) })),
  "nothing for null": (fetch, url) =>
    read(fetch(url, { method: "POST", body: null, signal: null })),
  "members without effect": (fetch, url) =>
    read(
      fetch(url, { mode: "cors", keepalive: true, referrer: "", window: null, priority: "low" }),
    ),
  "members that nobody knows": (fetch, url) =>
    read(Reflect.apply(fetch, undefined, [url, { agent: {}, retry: 3 }])),
  "a redirect": (fetch, url) => read(fetch(`${url}302`)),
  "a redirect that is left": (fetch, url) => read(fetch(`${url}302`, { redirect: "manual" })),
  HEAD: async (fetch, url) => (await fetch(url, { method: "HEAD" })).body,
  "no content": async (fetch, url) => (await fetch(`${url}204`)).body,
  "JSON twice": async (fetch, url) => {
    const response = await fetch(url);
    await response.text();
    return response.json();
  },
  clones: async (fetch, url) => {
    const response = await fetch(`${url}302`);
    const clone = response.clone();
    const again = clone.clone();
    const urls = [response, clone, again].map((one) => new URL(one.url).pathname);
    return [urls, await response.text(), await clone.text(), await again.text(), again.redirected];
  },
  "a Blob of the body": async (fetch, url) => {
    const blob = await (await fetch(url)).blob();
    return [blob.type, await blob.text()];
  },
  "a form of the body": async (fetch, url) => [...(await (await fetch(`${url}form`)).formData())],
  "an ArrayBuffer of the body": async (fetch, url) =>
    Buffer.from(await (await fetch(url)).arrayBuffer()).toString(),
  "the body by a reader of its own memory": async (fetch, url) => {
    const reader = (await fetch(url)).body?.getReader({ mode: "byob" });
    const { value } = (await reader?.read(new Uint8Array(4))) ?? {};
    return Buffer.from(value ?? []).toString();
  },
  "the body in a loop": async (fetch, url) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of (await fetch(url)).body ?? []) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  },
  "headers of the response": async (fetch, url) => {
    const { headers } = await fetch(url);
    return [headers.getSetCookie(), headers.get("X-Two"), headers.has("x-none")];
  },
  "what it is made of": async (fetch, url) => {
    const response = await fetch(url);
    await response.text();
    return [response instanceof Response, response.headers instanceof Headers, `${response}`];
  },
  "a signal that was aborted": (fetch, url) => fetch(url, { signal: AbortSignal.abort("mine") }),
  "a Request whose signal was aborted": (fetch, url) =>
    fetch(new Request(url, { signal: AbortSignal.abort("mine") })),
  "null in place of the signal of a Request": (fetch, url) =>
    read(fetch(new Request(url, { signal: AbortSignal.abort("mine") }), { signal: null })),
  "a signal that is aborted when all of the body has come": async (fetch, url) => {
    const controller = new AbortController();
    const response = await fetch(url, { signal: controller.signal });
    controller.abort();
    return response.text();
  },
  "hashes that are none": (fetch, url) => read(fetch(url, { integrity: "sha256-ä" })),
};

for (const engine of availableEngines()) {
  describe(`fetch of an agent on ${engine}`, () => {
    likeThePlatform(engine);
    ofItsOwn(engine);
  });
}

async function told(asked: Promise<unknown>): Promise<unknown> {
  try {
    return await asked;
  } catch (error) {
    return error instanceof Error ? `throws ${error.name}` : `throws ${error}`;
  }
}

function likeThePlatform(engine: EngineName): void {
  for (const [name, ask] of Object.entries(CASES)) {
    it(`takes and gives as the platform's: ${name}`, async (test) => {
      const server = await nodeServer(test, async (request, response) => {
        const body = await bodyOf(request);
        const code = Number(request.url?.slice(1));
        response.setHeader("Set-Cookie", ["a=1", "b=2"]);
        response.setHeader("X-Two", ["1", "2"]);
        if (code >= 300) response.writeHead(code, { Location: "/to" }).end();
        else if (code === 204) response.writeHead(204).end();
        else {
          const isForm = request.url === "/form";
          response.setHeader("Content-Type", isForm ? "application/x-www-form-urlencoded" : "a/b");
          const { "content-type": type, "x-a": a, "content-length": length } = request.headers;
          const sent = type?.startsWith("multipart") === true ? "some" : length;
          response.end(isForm ? "a=1&b=2" : JSON.stringify([request.method, type, a, sent, body]));
        }
      });
      const url = `${server.origin}/`;

      const ours = await told(ask(createFetch(httpAgent(test, { engine })), url));
      const platforms = await told(ask(fetch as unknown as HttpFetch, url));

      assert.deepEqual(ours, platforms);
    });
  }
}

function ofItsOwn(engine: EngineName): void {
  it("rejects as fetch does, and tells the code of what happened", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort");
      peer.finish();
    });
    const agent = httpAgent(test, { engine });

    const cut = await agent.fetch(server.origin);
    const reading = cut.text();

    await assert.rejects(reading, {
      name: "TypeError",
      message: "terminated",
      code: "HTTP_TRUNCATED",
    });
    await assert.rejects(agent.fetch("http://127.0.0.1:1/"), (error) => {
      assert.ok(error instanceof FetchFailure);
      assert.deepEqual([error.message, error.code], ["fetch failed", "CONNECTION_REFUSED"]);
      assert.equal(error.cause.code, "CONNECTION_REFUSED");
      return true;
    });
  });

  it("rejects with the reason of its signal, also while the body is on its way", async (test) => {
    const server = await nodeServer(test, (_request, response) => response.write("begun"));
    const controller = new AbortController();
    const agent = httpAgent(test, { engine });

    const response = await agent.fetch(server.origin, { signal: controller.signal });
    const reading = response.text();
    controller.abort();

    await assert.rejects(reading, { name: "AbortError" });
    await until(() => agent.stats.connectionCount === 0);
  });

  it("is called off by what its Request was made with, also where nobody keeps the Request", async (test) => {
    const server = await nodeServer(test, ({ url }, response) => {
      if (url === "/begun") response.write("begun");
    });
    const fetch = createFetch(httpAgent(test, { engine }));
    for (const path of ["/begun", "/silent"]) {
      const controller = new AbortController();
      const { signal } = controller;
      const reading = fetch(new Request(server.origin + path, { signal })).then((response) =>
        response.text(),
      );
      await collections();
      controller.abort("mine");

      await assert.rejects(reading, (reason) => reason === "mine");
    }
  });

  it("reads clones, and streams whose Response nobody keeps, also after a collection", async (test) => {
    const server = await nodeServer(test, (_request, response) => response.end("whole"));
    const agent = httpAgent(test, { engine });
    const ask = (): Promise<Response> => agent.fetch(server.origin);
    const first = await ask();
    const clones = [first.clone(), first.clone().clone(), first];
    const cloned = await ask();
    cloned.clone();
    const streams = [(await ask()).body, (await ask()).clone().body, cloned.body];
    await collections();

    for (const one of clones) assert.equal(await one.text(), "whole");
    for (const one of streams) assert.equal(await new Response(one).text(), "whole");
  });

  it("fails what was not read of a body and its clones when the signal is aborted", async (test) => {
    const server = await nodeServer(test, (_request, response) => response.end("whole"));
    const controller = new AbortController();
    const agent = httpAgent(test, { engine });

    const response = await agent.fetch(server.origin, { signal: controller.signal });
    const other = await agent.fetch(server.origin, { signal: controller.signal });
    const clone = response.clone();
    assert.equal(await other.text(), "whole");
    controller.abort("mine");

    for (const one of [response, clone]) {
      await assert.rejects(one.text(), (reason) => reason === "mine");
    }
  });

  it("asks for a query that is empty, too", async (test) => {
    const server = await nodeServer(test, ({ url }, response) => response.end(url));
    const agent = httpAgent(test, { engine });

    for (const target of ["/a?", "/a?#b", "/a?b?", "/a", "/?"]) {
      const response = await agent.fetch(`${server.origin}${target}`);
      const [wanted] = target.split("#", 1);

      assert.equal(await response.text(), wanted);
      assert.equal(response.url, `${server.origin}${wanted}`);
    }
  });

  it("holds content to its integrity", async (test) => {
    const server = await nodeServer(test, (_request, response) => {
      response.setHeader("Content-Encoding", "gzip");
      response.end(gzipSync("content"));
    });
    const agent = httpAgent(test, { engine });
    const hash = (name: string, text: string): string =>
      `${name}-${createHash(name).update(text).digest("base64")}`;
    const right = hash("sha256", "content");

    for (const integrity of [
      right,
      `${hash("sha256", "other")} ${right}`,
      `${hash("sha512", "content")} ${hash("sha256", "other")}`,
      `${right.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}?option`,
      "md5-AAAA nonsense",
    ]) {
      const response = await agent.fetch(server.origin, { integrity });
      assert.equal(await response.text(), "content", integrity);
    }
    for (const integrity of [
      hash("sha256", "other"),
      `${hash("sha384", "other")} ${right}`,
      `${right} sha384-*`,
      "sha512",
    ]) {
      await assert.rejects(agent.fetch(server.origin, { integrity }), {
        code: "HTTP_CONTENT_MALFORMED",
      });
    }
  });

  it("sends and takes cookies, but not with credentials: omit", async (test) => {
    const server = await nodeServer(test, (request, response) => {
      response.setHeader("Set-Cookie", "a=1");
      response.end(request.headers.cookie ?? "none");
    });
    const agent = httpAgent(test, { engine, cookies: new CookieStore() });
    const ask = async (credentials: "omit" | "include"): Promise<string> =>
      (await agent.fetch(server.origin, { credentials })).text();

    const answers = [
      await ask("omit"),
      await ask("include"),
      await ask("include"),
      await ask("omit"),
    ];

    assert.deepEqual(answers, ["none", "none", "a=1", "none"]);
  });

  it("asks caches on the way as the standard has it, and takes credentials out of a URL", async (test) => {
    const server = await nodeServer(test, ({ headers }, response) => {
      response.end(`${headers["cache-control"]} ${headers.pragma} ${headers.authorization}`);
    });
    const agent = httpAgent(test, { engine });
    const url = server.origin.replace("//", "//me:secret@");

    const noCache = await (await agent.fetch(server.origin, { cache: "no-cache" })).text();
    const noStore = await (await agent.fetch(url, { cache: "no-store" })).text();

    assert.equal(noCache, "max-age=0 undefined undefined");
    assert.equal(noStore, `no-cache no-cache Basic ${btoa("me:secret")}`);
  });

  it("gives statuses that the platform's class refuses", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.send("HTTP/1.1 999 Odd\r\nContent-Length: 3\r\n\r\nodd");
    });
    const agent = httpAgent(test, { engine });

    const response = await agent.fetch(server.origin);

    assert.deepEqual([response.status, response.ok], [999, false]);
    assert.deepEqual([response.clone().status, await response.text()], [999, "odd"]);
  });

  it("ends the connection of a body that is cancelled", async (test) => {
    const server = await nodeServer(test, (_request, response) => response.write("begun"));
    const agent = httpAgent(test, { engine });

    const response = await agent.fetch(server.origin);
    await response.body?.cancel();

    await until(() => agent.stats.connectionCount === 0);
  });
}
