import assert from "node:assert/strict";
import process from "node:process";
import { afterEach, beforeEach, describe, test } from "node:test";
import { chooseEngine, engineReport } from "#src/engine/choose-engine.js";
import type { EngineName } from "#src/engine/engine.js";
import { MemoryEngine } from "#src/engine/memory/memory-engine.js";

const VARIABLE = "HP_SOCKET_ENGINE";

describe("choosing an engine", () => {
  let before: string | undefined;

  beforeEach(() => {
    before = process.env[VARIABLE];
    delete process.env[VARIABLE];
  });

  afterEach(() => {
    if (before === undefined) delete process.env[VARIABLE];
    else process.env[VARIABLE] = before;
  });

  test("takes the engine that is handed over, whatever the environment says", () => {
    process.env[VARIABLE] = "node";
    const engine = new MemoryEngine();

    assert.equal(chooseEngine(engine), engine);
  });

  test("gives one engine of a kind to all who ask", () => {
    assert.equal(chooseEngine("node").name, "node");
    assert.equal(chooseEngine("node"), chooseEngine("node"));
  });

  test("takes the option before the environment, and the environment before auto", () => {
    process.env[VARIABLE] = "bogus";

    assert.equal(chooseEngine("node").name, "node");
    assert.throws(() => chooseEngine(undefined), {
      code: "INVALID_ARGUMENT",
      message: /HP_SOCKET_ENGINE must be one of auto, .*node.*, not "bogus"/,
    });
  });

  test("takes the first engine that can run here for auto, by option, variable or default", () => {
    const best = engineReport().find(({ available }) => available === true)!;
    process.env[VARIABLE] = "";
    const byDefault = chooseEngine(undefined);
    process.env[VARIABLE] = "auto";

    assert.equal(byDefault.name, best.name);
    assert.equal(chooseEngine(undefined), byDefault);
    assert.equal(chooseEngine("auto"), byDefault);
  });

  test("refuses a name that is none", () => {
    assert.throws(() => chooseEngine("epoll" as EngineName), {
      code: "INVALID_ARGUMENT",
      message: /engine must be one of .* not "epoll"/,
    });
  });

  test("refuses memory by name, because it needs a network", () => {
    assert.throws(() => chooseEngine("memory" as EngineName), {
      code: "INVALID_ARGUMENT",
      message: /make a MemoryEngine and hand it over/,
    });
  });

  test("refuses an engine that can't run here, with the reason", () => {
    for (const { name, available } of engineReport()) {
      if (available === true) assert.equal(chooseEngine(name).name, name);
      else assert.throws(() => chooseEngine(name), { code: "ENGINE_UNAVAILABLE" });
    }
  });

  test("reports every engine, and marks the one that auto takes", () => {
    const report = engineReport();

    const marked = report.filter(({ isAutomatic }) => isAutomatic);
    assert.equal(marked.length, 1);
    assert.equal(marked[0]!.available, true);
    assert.deepEqual(report.at(-1)?.name, "node");
  });
});
