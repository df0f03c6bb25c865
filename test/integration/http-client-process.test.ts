/** How HTTP clients hold the process: while something is asked for or ended, and not otherwise. */
import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { type Run, runProgram } from "../support/document-run.js";
import { availableEngines } from "../support/engine-list.js";
import { type ScriptedPeer, scriptedServer } from "../support/http-scripted-server.js";

const ENGINES = availableEngines();

/** Runs a program of its own, which does this with clients on each engine. */
async function run(url: string, program: string): Promise<Run> {
  const text = `import { HttpAgent, HttpClient } from "hp-socket/http";
    const [engines, url] = ${JSON.stringify([ENGINES, url])};
    for (const engine of engines) {
      const agent = new HttpAgent({ engine, idleTimeoutMs: 60_000 });
      const client = new HttpClient({ engine });
      await client.connect(url);
      const answers = [await agent.follow(url), await client.get("/")];
      for (const answer of answers) console.log(await answer.text());
      ${program}
    }`;
  return await runProgram(process.execPath, ["--input-type=module", "-e", text]);
}

/** Answers, and never finishes itself. */
async function answerOn(peer: ScriptedPeer): Promise<void> {
  for (;;) {
    await peer.request();
    peer.answer("answer");
  }
}

describe(`a process with HTTP clients on ${ENGINES.join(" and ")}`, () => {
  it("ends by itself while connections are kept", async (test) => {
    const server = await scriptedServer(test, (peer) => answerOn(peer).catch(() => undefined));

    const { stdout, exitCode } = await run(server.origin, "");

    assert.equal(stdout, "answer\nanswer\n".repeat(ENGINES.length));
    assert.equal(exitCode, 0);
  });

  it("lives until stop has ended the connections that were kept", async (test) => {
    const server = await scriptedServer(test, (peer) => answerOn(peer).catch(() => undefined));

    const { stdout, exitCode } = await run(
      server.origin,
      `await agent.stop({ drainMs: 50 });
      console.log("agent stopped");
      await client.stop();
      console.log("client stopped");`,
    );

    const output = "answer\nanswer\nagent stopped\nclient stopped\n";
    assert.equal(stdout, output.repeat(ENGINES.length));
    assert.equal(exitCode, 0);
  });
});
