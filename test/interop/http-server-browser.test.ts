/** Our HTTP server with a browser, Chromium without a window: plain and over TLS. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineName } from "hp-socket";
import type { HttpExchange } from "hp-socket/http";
import { selfSignedCertificate } from "hp-socket/testing";
import { availableEngines } from "../support/engine-list.js";
import { httpServer } from "../support/http-world.js";
import { browser, openPage } from "../support/other-browser.js";
import { until } from "../support/until.js";

// A browser that starts on a busy machine has taken 40 s.
const START_LIMIT_MS = 180_000;

/** Asks for everything that pages ask for, and reports what came of it. */
const PAGE = `<!doctype html><meta charset="utf-8"><title>page</title><script type="module">
const text = async (path, init) => (await fetch(path, init)).text();
const report = {};
try {
  report.get = await text("/echo?q=1");
  report.post = (await text("/echo", { method: "POST", body: "x".repeat(1_000_000) })).length;
  report.form = await text("/echo", { method: "PUT", body: new URLSearchParams({ a: "ä b" }) });
  report.empty = (await fetch("/empty")).status;
  report.redirect = new URL((await fetch("/redirect")).url).pathname;
  report.range = await text("/range", { headers: { Range: "bytes=2-4" } });
  report.stream = [];
  const decoder = new TextDecoder();
  for (let reader = (await fetch("/stream")).body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    report.stream.push(decoder.decode(value));
  }
  report.stream = report.stream.join("");
  report.many = (await Promise.all(Array.from({ length: 30 }, (_, at) => text("/echo?" + at)))).length;
  report.cookie = await text("/cookie");
  const events = new EventSource("/events");
  report.event = await new Promise((resolve, reject) => {
    events.onmessage = ({ data }) => resolve(data);
    events.onerror = () => reject(new Error("no event"));
  });
  events.close();
  const aborter = new AbortController();
  const endless = await fetch("/endless", { signal: aborter.signal });
  await endless.body.getReader().read();
  aborter.abort();
} catch (error) {
  report.error = String(error);
}
await fetch("/report", { method: "POST", body: JSON.stringify(report) });
</script>`;

/** What the browser has reported, and how the endless answer ended. */
class Site {
  report: Record<string, unknown> | undefined = undefined;
  endlessEnded = false;

  async answer(exchange: HttpExchange): Promise<unknown> {
    switch (exchange.path) {
      case "/":
        return exchange.respond(200, { "Content-Type": "text/html", "Set-Cookie": "a=b" }, PAGE);
      case "/echo":
        return exchange.respond(
          200,
          {},
          `${exchange.method} ${exchange.query} ${await exchange.body.text()}`,
        );
      case "/empty":
        return exchange.respond(204);
      case "/redirect":
        return exchange.respond(302, { Location: "/echo" });
      case "/range":
        return exchange.respond(206, { "Content-Range": "bytes 2-4/6" }, "cde");
      case "/stream":
        return exchange.respondStream(200, {}, ["one ", "two ", "three"]);
      case "/cookie":
        return exchange.respond(200, {}, exchange.headers.get("cookie") ?? "none");
      case "/events":
        return exchange
          .startResponse(200, { "Content-Type": "text/event-stream" })
          .write("data: news\n\n");
      case "/endless":
        return await this.#endless(exchange);
      case "/report":
        this.report = (await exchange.body.json()) as Record<string, unknown>;
        return exchange.respond(204);
      default:
        return exchange.respondError(404);
    }
  }

  async #endless(exchange: HttpExchange): Promise<void> {
    const writer = exchange.startResponse(200, {});
    try {
      for (;;) if (!writer.write("x".repeat(10_000))) await writer.drained();
    } catch {
      // The browser has gone, as it was told to.
      this.endlessEnded = true;
    }
  }
}

const certificate = selfSignedCertificate({ names: ["localhost"] });

for (const engine of availableEngines()) {
  describe(`an HTTP server with a browser on ${engine}`, { skip: browser.skip }, () => {
    serves(engine, "http");
    serves(engine, "https");
  });
}

function serves(engine: EngineName, scheme: "http" | "https"): void {
  it(`serves a page and all that it asks for over ${scheme}`, async (test) => {
    const site = new Site();
    const server = await httpServer(test, {
      engine,
      ...(scheme === "https" && { tls: certificate }),
      onRequest: (exchange) => site.answer(exchange),
    });

    openPage(test, `${scheme}://127.0.0.1:${server.port}/`);
    await until(() => site.report !== undefined, START_LIMIT_MS);
    await until(() => site.endlessEnded, START_LIMIT_MS);

    assert.deepEqual(site.report, {
      get: "GET q=1 ",
      post: "POST  ".length + 1_000_000,
      form: "PUT  a=%C3%A4+b",
      empty: 204,
      redirect: "/echo",
      range: "cde",
      stream: "one two three",
      many: 30,
      cookie: "a=b",
      event: "news",
    });
  });
}
