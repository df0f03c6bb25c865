/** Our WebSocket server with a browser, Chromium without a window, compressed or not, plain and over TLS; and the demo's chat page. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { selfSignedCertificate } from "hp-socket/testing";
import { WebSocketClient, WebSocketServer } from "hp-socket/websocket";
import { availableEngines } from "../support/engine-list.js";
import { browser, openPage } from "../support/other-browser.js";
import { until } from "../support/until.js";

// A browser that starts on a busy machine has taken 40 s.
const LIMIT_MS = 180_000;

/** Talks to an echo, then reports over the same server. */
const PAGE = `<!doctype html><meta charset="utf-8"><script type="module">
const report = {};
const opened = (socket) => new Promise((resolve, reject) => {
  socket.onopen = resolve;
  socket.onerror = () => reject(new Error("no WebSocket"));
});
const next = (socket) => new Promise((resolve) => { socket.onmessage = ({ data }) => resolve(data); });
const url = location.protocol.replace("http", "ws") + "//" + location.host;
try {
  const socket = new WebSocket(url + "/echo", ["x", "chat.v1"]);
  socket.binaryType = "arraybuffer";
  await opened(socket);
  report.protocol = socket.protocol;
  report.extensions = socket.extensions;
  report.sizes = [];
  for (const size of [0, 1, 125, 126, 65535, 65536, 3000000]) {
    const text = "ä".repeat(size / 2);
    socket.send(text);
    if (await next(socket) !== text) throw new Error("text of " + size);
    const bytes = new Uint8Array(size).map((_, index) => index * 7);
    socket.send(bytes);
    const back = new Uint8Array(await next(socket));
    if (back.length !== size || back.some((byte, index) => byte !== bytes[index])) throw new Error("bytes of " + size);
    report.sizes.push(size);
  }
  const closed = new Promise((resolve) => { socket.onclose = resolve; });
  socket.close(4000, "done");
  const { code, reason, wasClean } = await closed;
  report.close = [code, reason, wasClean];
  const second = new WebSocket(url + "/echo");
  await opened(second);
  const ended = new Promise((resolve) => { second.onclose = resolve; });
  second.send("close");
  const end = await ended;
  report.closedByServer = [end.code, end.reason, end.wasClean];
  const refused = new WebSocket(url + "/nothing");
  report.refused = await opened(refused).then(() => "open", () => "refused");
} catch (error) {
  report.error = String(error);
}
await fetch("/report", { method: "POST", body: JSON.stringify(report) });
</script>`;

describe("the demo websocket-chat", { skip: browser.skip }, () => {
  it("takes a page of a browser into its room", async (test) => {
    const file = fileURLToPath(new URL("../../demos/websocket-chat.js", import.meta.url));
    const demo = spawn(process.execPath, [file, "serve"], { stdio: ["ignore", "pipe", "inherit"] });
    test.after(() => demo.kill("SIGKILL"));
    let shown = "";
    demo.stdout.setEncoding("utf8").on("data", (text: string) => {
      shown += text;
    });
    await until(() => /READY/.test(shown), LIMIT_MS);
    const [, host] = /http:..(127\.0\.0\.1:\d+)/.exec(shown) ?? [];
    const client = new WebSocketClient();
    test.after(() => client.stop({ drainMs: 0 }));
    await client.connect(`ws://${host}/chat?room=tea&name=ann`);

    openPage(test, `http://${host}/?room=tea&name=web&say=good%20morning`);

    assert.equal(await client.read({ timeoutMs: LIMIT_MS }), "web has come");
    assert.equal(await client.read({ timeoutMs: LIMIT_MS }), "web: good morning");
  });
});

const certificate = selfSignedCertificate({ names: ["localhost"] });

/** How a browser comes: over what, and whether messages are compressed. */
const WAYS = [
  { scheme: "http", compression: false },
  { scheme: "http", compression: true },
  { scheme: "https", compression: true },
] as const;

for (const engine of availableEngines()) {
  for (const { scheme, compression } of WAYS) {
    const name = `WebSockets of a browser on ${engine}, over ${scheme}, ${compression ? "" : "not "}compressed`;
    describe(name, { skip: browser.skip }, () => {
      it("talk, close and are closed", async (test) => {
        let report: Record<string, unknown> | undefined;
        const closes: string[] = [];
        const server = new WebSocketServer({
          engine,
          ...(scheme === "https" && { tls: certificate }),
          path: "/echo",
          protocols: ["chat.v1"],
          compression: compression && { minBytes: 0 },
          onMessage(socket, data) {
            if (data === "close") socket.close(4_001, "as you wish");
            else socket.send(data);
          },
          onClose: (_socket, code, reason) => void closes.push(`${code} ${reason}`),
          http: {
            async onRequest(exchange) {
              if (exchange.path === "/report") report = JSON.parse(await exchange.body.text());
              if (exchange.path !== "/nothing")
                exchange.respond(200, { "Content-Type": "text/html" }, PAGE);
              else exchange.respondError(404);
            },
          },
        });
        test.after(() => server.stop({ drainMs: 0 }));
        await server.listen({ host: "127.0.0.1" });

        openPage(test, `${scheme}://127.0.0.1:${server.port}/`);
        await until(() => report !== undefined, LIMIT_MS);

        assert.deepEqual(report, {
          protocol: "chat.v1",
          extensions: compression ? report?.["extensions"] : "",
          sizes: [0, 1, 125, 126, 65_535, 65_536, 3_000_000],
          close: [4_000, "done", true],
          closedByServer: [4_001, "as you wish", true],
          refused: "refused",
        });
        if (compression) assert.match(String(report?.["extensions"]), /^permessage-deflate/);
        assert.deepEqual(closes, ["4000 done", "4001 as you wish"]);
      });
    });
  }
}
