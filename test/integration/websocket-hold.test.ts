/** What keeps a process alive that has WebSockets, and what lets it end. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { EngineName } from "hp-socket";
import { availableEngines } from "../support/engine-list.js";

const CHILD = fileURLToPath(new URL("../support/websocket-holding-child.js", import.meta.url));
const STATES = ["open", "asked", "asked-again", "lost"];
const FACES = ["client", "agent"];

for (const engine of availableEngines()) {
  describe(`a process with WebSockets on ${engine}`, () => holds(engine));
}

function holds(engine: EngineName): void {
  for (const state of STATES) {
    it(`goes on while one is ${state}, unless it is unreferenced`, {
      timeout: 60_000,
    }, async (test) => {
      const goesOn = FACES.map(async (face) => {
        const { ended } = await started(face, "ref");
        // Nothing tells that a process goes on: it had time enough to end.
        const timer = new Promise((resolve) => setTimeout(resolve, 300, "it goes on"));
        assert.equal(await Promise.race([ended, timer]), "it goes on");
      });
      const ends = FACES.map(async (face) => {
        assert.deepEqual(await (await started(face, "unref")).ended, [0, null]);
      });
      await Promise.all([...goesOn, ...ends]);

      async function started(
        face: string,
        hold: string,
      ): Promise<{ readonly ended: Promise<unknown[]> }> {
        const child = spawn(process.execPath, [CHILD, engine, face, state, hold]);
        test.after(() => child.kill("SIGKILL"));
        const ended = once(child, "exit");
        await once(child.stdout, "data");
        return { ended };
      }
    });
  }
}
