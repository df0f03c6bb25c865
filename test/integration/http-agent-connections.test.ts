/** What an agent does with its connections by id, and with those that are silent or old. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineName } from "hp-socket";
import { availableEngines } from "../support/engine-list.js";
import { httpAgent } from "../support/http-client-world.js";
import { type ScriptedPeer, scriptedServer } from "../support/http-scripted-server.js";
import { until } from "../support/until.js";

for (const engine of availableEngines()) {
  describe(`connections of an agent by id, by silence and by age on ${engine}`, () =>
    operations(engine));
}

/** Responds to every request. */
async function respondAll(peer: ScriptedPeer): Promise<void> {
  while (!peer.hasEnded && !peer.isClosed) {
    const text = await peer.request().catch(() => undefined);
    if (text !== undefined) peer.answer(String(peer.index));
  }
  peer.finish();
}

function operations(engine: EngineName): void {
  it("pauses, resumes, closes and aborts by id, and answers false for one that is not there", async (test) => {
    const server = await scriptedServer(test, respondAll);
    const agent = httpAgent(test, { engine });
    await (await agent.request({ url: server.origin })).text();
    const [id = 0] = agent.connectionIds();

    assert.equal(agent.connectionCount, 1);
    assert.equal(agent.pause(id), true);
    assert.equal(agent.connection(id)?.isPaused, true);
    assert.equal(agent.resume(id), true);
    assert.equal(agent.close(id), true);
    await until(() => agent.connectionCount === 0);
    for (const call of ["pause", "resume", "close", "abort"] as const) {
      assert.equal(agent[call](id), false, call);
    }
  });

  it("tells with stop how many ended in good order, and how many were cut", async (test) => {
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      if (peer.index === 0) peer.answer("0");
      await respondAll(peer);
    });
    const agent = httpAgent(test, { engine });
    await (await agent.request({ url: server.origin })).text();
    assert.deepEqual(await agent.stop(), { drainedCount: 1, cutCount: 0 });
    assert.deepEqual(await agent.stop(), { drainedCount: 1, cutCount: 0 }, "joins the first");

    const other = httpAgent(test, { engine });
    const waiting = assert.rejects(other.request({ url: server.origin }), { code: "STOPPED" });
    await until(() => server.peers.length === 2);
    assert.deepEqual(await other.stop({ drainMs: 20 }), { drainedCount: 0, cutCount: 1 });
    await waiting;
  });

  it("closes those that are silent, but none that waits for a response", async (test) => {
    const reasons: (string | undefined)[] = [];
    let respond: (() => void) | undefined;
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      if (peer.index === 0) {
        peer.answer("0");
        return respondAll(peer);
      }
      await new Promise<void>((resolve) => {
        respond = resolve;
      });
      peer.answer("late");
      return respondAll(peer);
    });
    const agent = httpAgent(test, {
      engine,
      onClose: (_, { code }) => {
        reasons.push(code);
      },
    });
    const [first, waiting] = [
      agent.request({ url: server.origin }),
      agent.request({ url: server.origin }),
    ];
    await (await first).text();
    await until(() => respond !== undefined);

    assert.equal(agent.closeSilent(60_000), 0);
    assert.equal(agent.closeSilent(0), 1);
    await until(() => agent.connectionCount === 1);
    respond?.();

    assert.equal(await (await waiting).text(), "late");
    assert.deepEqual(reasons, ["IDLE_TIMEOUT"]);
  });

  it("closes those that are old when their request is over, and takes new ones for what follows", async (test) => {
    const reasons: (string | undefined)[] = [];
    let respond: (() => void) | undefined;
    const server = await scriptedServer(test, async (peer) => {
      await peer.request();
      if (peer.index === 0) {
        await new Promise<void>((resolve) => {
          respond = resolve;
        });
      }
      peer.answer(String(peer.index));
      return respondAll(peer);
    });
    const agent = httpAgent(test, {
      engine,
      maxConnectionsPerOrigin: 1,
      onClose: (_, { code }) => {
        reasons.push(code);
      },
    });
    const first = agent.request({ url: server.origin });
    await until(() => respond !== undefined);
    const second = agent.request({ url: server.origin });

    assert.equal(agent.closeOlderThan(0), 1);
    assert.equal(agent.closeOlderThan(0), 0);
    assert.equal(agent.connectionCount, 1);
    respond?.();

    assert.equal(await (await first).text(), "0");
    assert.equal(await (await second).text(), "1");
    assert.deepEqual(reasons, ["AGE_LIMIT"]);
    assert.throws(() => agent.closeSilent(-1), { code: "INVALID_ARGUMENT" });
  });
}
