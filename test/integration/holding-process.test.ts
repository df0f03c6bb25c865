/** What keeps a process alive that has relays, proxies, pools, HTTP clients or WebSockets, and what lets it end. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { availableEngines } from "../support/engine-list.js";
import { HOLD_FACES, HOLD_STATES } from "../support/websocket-hold-states.js";

const CHILD = fileURLToPath(new URL("../support/holding-child.js", import.meta.url));

const HELD = [
  "Relay",
  "ProxyServer",
  "UdpRelay",
  "ProxyServer with datagrams",
  "ConnectionPool",
  "HttpAgent",
  "HttpClient",
];

describe("a process with a relay, a proxy, a pool, a request or a WebSocket", () => {
  for (const engine of availableEngines()) {
    it(`goes on unless it is unreferenced, on ${engine}`, { timeout: 60_000 }, async (test) => {
      const child = spawn(process.execPath, [CHILD, engine], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      test.after(() => child.kill("SIGKILL"));
      const lines = await text(child.stdout);

      const expected = HELD.map((name) => `${name}: ends, goes on, ends`);
      const ofWebSockets = HOLD_STATES.flatMap((state) =>
        HOLD_FACES.map((face) => `${face}, ${state}: ends, goes on, ends`),
      );
      assert.deepEqual(lines.trim().split("\n"), [
        ...expected,
        "abort: true, false, false",
        ...ofWebSockets,
      ]);
    });
  }
});
