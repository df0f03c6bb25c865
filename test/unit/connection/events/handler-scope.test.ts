import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { handlerScope } from "#src/connection/events/handler-scope.js";
import { inRootContext } from "#src/time/root-context.js";

/** Node marks each promise, with calls into JavaScript for it, while any program follows async contexts. */
const PROGRAM = `
  const marks = () => Object.getOwnPropertySymbols(new Promise(() => {})).length;
  const { TcpServer } = await import(${JSON.stringify(import.meta.resolve("hp-socket"))});
  const server = new TcpServer({ onReceive() {} });
  await server.listen({ host: "127.0.0.1" });
  await server.stop();
  console.log(marks());
`;

describe("handlerScope", () => {
  it("is the present context, wherever it is entered", () => {
    const storage = new AsyncLocalStorage<string>();
    const scope = storage.run("here", handlerScope);

    const inside = storage.run("elsewhere", () => scope?.runInAsyncScope(() => storage.getStore()));

    assert.equal(inside, "here");
  });

  it("is undefined in the engines' own context: there is nothing to switch to", () => {
    assert.equal(inRootContext(handlerScope), undefined);
  });

  it("has all stores of the context", () => {
    const [one, other] = [new AsyncLocalStorage<number>(), new AsyncLocalStorage<number>()];

    const scope = one.run(1, () => other.run(2, handlerScope));

    assert.deepEqual(
      scope?.runInAsyncScope(() => [one.getStore(), other.getStore()]),
      [1, 2],
    );
  });

  it("is one where a handler that the engine has called makes it in a context of its own", async () => {
    const storage = new AsyncLocalStorage<string>();

    const scope = await new Promise<ReturnType<typeof handlerScope>>((resolve) => {
      inRootContext(() => {
        setImmediate(() => resolve(storage.run("handler's", handlerScope)));
      });
    });

    assert.equal(
      scope?.runInAsyncScope(() => storage.getStore()),
      "handler's",
    );
  });

  it("leaves Node's following of promises switched off", () => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--input-type=module", "--eval", PROGRAM],
      { encoding: "utf8", timeout: 20_000 },
    );

    assert.equal(stderr, "");
    assert.equal(stdout, "0\n");
  });
});
