/** How many calls lie between the engine's stream and the application's handler. Prints them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pack, push, TcpClient, TcpServer } from "hp-socket";
import { HttpAgent, HttpServer } from "hp-socket/http";
import { inRootContext } from "#src/time/root-context.js";
import { availableEngines } from "../support/engine-list.js";

/** The functions on the stack from the handler down to the first call of the engine's stream. */
function callsOf(stack: string, stream: string): string[] {
  const calls = stack
    .split("\n")
    .slice(1)
    .map((line) => /at (?:async )?(\S+)/.exec(line)?.[1] ?? line);
  const last = calls.findLastIndex((call) => call.startsWith(`${stream}.`));
  return calls.slice(0, last + 1);
}

function stackHere(): string {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 64;
  const stack = String(new Error("here").stack);
  Error.stackTraceLimit = stackTraceLimit;
  const lines = stack.split("\n");
  lines.splice(1, 1);
  return lines.join("\n");
}

for (const engine of availableEngines()) {
  const stream = engine === "uring" ? "UringStream" : "NodeStream";

  for (const [model, receive, most] of [
    ["push", push(), 9],
    ["pack", pack({ flag: 1 }), 13],
  ] as const) {
    test(`${engine}: at most ${most} calls to onReceive with ${model}`, async (context) => {
      let resolve: (stack: string) => void = () => {};
      const promise = new Promise<string>((settle) => {
        resolve = settle;
      });
      // The runner's tests have a context of their own, into which handlers would be called.
      const server = inRootContext(
        () => new TcpServer({ engine, receive, onReceive: () => resolve(stackHere()) }),
      );
      const client = new TcpClient({ engine, receive });
      context.after(() => Promise.all([client.stop(), server.stop()]));
      await client.connect(await server.listen({ host: "127.0.0.1" }));
      client.send("x");

      const calls = callsOf(await promise, stream);
      context.diagnostic(calls.join(" < "));

      assert.ok(calls.length > 2 && calls.length <= most, `${calls.length} calls`);
    });
  }

  test(`${engine}: at most 13 calls to onRequest`, async (context) => {
    let stack = "";
    const server = inRootContext(
      () =>
        new HttpServer({
          engine,
          onRequest(exchange) {
            stack = stackHere();
            exchange.respond(200);
          },
        }),
    );
    const { port } = await server.listen({ host: "127.0.0.1" });
    const agent = new HttpAgent({ engine });
    context.after(() => Promise.all([agent.stop(), server.stop()]));
    await (await agent.request({ url: `http://127.0.0.1:${port}/` })).body.bytes();

    const calls = callsOf(stack, stream);
    context.diagnostic(calls.join(" < "));

    assert.ok(calls.length > 2 && calls.length <= 13, `${calls.length} calls`);
  });
}
