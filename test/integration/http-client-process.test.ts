/** How HTTP clients hold the process: while something is asked for or ended, and not otherwise. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineName } from "hp-socket";
import { type Run, runProgram } from "../support/document-run.js";
import { availableEngines } from "../support/engine-list.js";
import { type ScriptedPeer, scriptedServer } from "../support/http-scripted-server.js";

for (const engine of availableEngines()) {
  describe(`a process with HTTP clients on ${engine}`, () => processes(engine));
}

/** Runs a program of its own, in which `url` and `engine` are known. */
async function run(engine: EngineName, url: string, program: string): Promise<Run> {
  const prelude = `import { HttpAgent, HttpClient } from "hp-socket/http";
    const [engine, url] = ${JSON.stringify([engine, url])};`;
  const words = ["--input-type=module", "-e", `${prelude}${program}`];
  return await runProgram(process.execPath, words);
}

/** Answers, and never finishes itself. */
async function answerOn(peer: ScriptedPeer): Promise<void> {
  for (;;) {
    await peer.request();
    peer.answer("answer");
  }
}

function processes(engine: EngineName): void {
  it("ends by itself while connections are kept", async (test) => {
    const server = await scriptedServer(test, (peer) => answerOn(peer).catch(() => undefined));

    const { stdout, exitCode } = await run(
      engine,
      server.origin,
      `const agent = new HttpAgent({ engine, idleTimeoutMs: 60_000 });
       const client = new HttpClient({ engine });
       await client.connect(url);
       const answers = [await agent.follow(url), await client.get("/")];
       for (const answer of answers) console.log(await answer.text());`,
    );

    assert.equal(stdout, "answer\nanswer\n");
    assert.equal(exitCode, 0);
  });

  it("lives until stop has ended the connections that were kept", async (test) => {
    const server = await scriptedServer(test, (peer) => answerOn(peer).catch(() => undefined));

    const { stdout, exitCode } = await run(
      engine,
      server.origin,
      `const agent = new HttpAgent({ engine, idleTimeoutMs: 60_000 });
       const client = new HttpClient({ engine });
       await client.connect(url);
       await (await agent.follow(url)).text();
       await (await client.get("/")).text();
       await agent.stop({ drainMs: 50 });
       console.log("agent stopped");
       await client.stop();
       console.log("client stopped");`,
    );

    assert.equal(stdout, "agent stopped\nclient stopped\n");
    assert.equal(exitCode, 0);
  });
}
