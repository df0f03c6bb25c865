/** What keeps a process alive that has WebSockets, and what lets it end. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { availableEngines } from "../support/engine-list.js";
import { HOLD_FACES, HOLD_STATES } from "../support/websocket-hold-states.js";

const CHILD = fileURLToPath(new URL("../support/websocket-holding-child.js", import.meta.url));

describe("a process with a WebSocket that is open, asked for or lost", () => {
  for (const engine of availableEngines()) {
    it(`goes on unless it is unreferenced, on ${engine}`, { timeout: 60_000 }, async (test) => {
      const expected = HOLD_STATES.flatMap((state) =>
        HOLD_FACES.map((face) => `${face}, ${state}: ends, goes on, ends`),
      );

      const child = spawn(process.execPath, [CHILD, engine], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      test.after(() => child.kill("SIGKILL"));
      const lines = await text(child.stdout);

      assert.deepEqual(lines.trim().split("\n"), expected);
    });
  }
});
