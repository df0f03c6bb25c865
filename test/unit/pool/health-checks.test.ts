import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NetError } from "#src/errors.js";
import { HealthChecks } from "#src/pool/health-checks.js";
import { ManualClock } from "#src/time/clock.js";

const RULES = { everyMs: 100, timeoutMs: 20, rise: 2, fall: 3 };

interface CheckWorld {
  readonly clock: ManualClock;
  readonly checks: HealthChecks<string>;
  readonly told: string[];
  /** When each was looked at. */
  readonly looks: [string, number][];
  /** What fails; `hang` of those never answers. */
  readonly bad: Map<string, "fail" | "hang" | "full">;
  readonly aborted: string[];
  wait(ms: number): Promise<void>;
}

function checkWorld(): CheckWorld {
  const clock = new ManualClock();
  const told: string[] = [];
  const looks: [string, number][] = [];
  const aborted: string[] = [];
  const bad = new Map<string, "fail" | "hang" | "full">();
  const probe = (site: string, signal: AbortSignal): Promise<void> => {
    looks.push([site, clock.now()]);
    const fault = bad.get(site);
    if (fault === undefined) return Promise.resolve();
    if (fault === "fail") return Promise.reject(new Error("no"));
    if (fault === "full") return Promise.reject(new NetError("DESCRIPTORS_EXHAUSTED"));
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        aborted.push(site);
        reject(new Error("aborted"));
      });
    });
  };
  const checks = new HealthChecks({ ...RULES, probe }, clock, (site, isUp) => {
    told.push(`${site} ${isUp ? "up" : "down"} ${clock.now()}`);
  });
  const wait = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 10) {
      clock.advance(10);
      await new Promise(setImmediate);
    }
  };
  return { clock, checks, told, looks, bad, aborted, wait };
}

describe("health checks", () => {
  it("are spread over the interval", async () => {
    const { checks, looks, wait } = checkWorld();
    checks.set(["a", "b", "c", "d"]);
    await wait(100);
    assert.equal(looks.length, 0);
    checks.start();
    await wait(100);
    assert.deepEqual(looks, [
      ["a", 100],
      ["b", 125],
      ["c", 150],
      ["d", 175],
    ]);
    checks.stop();
  });

  it("find nothing where this process has no descriptor left", async () => {
    const { checks, told, bad, looks, wait } = checkWorld();
    checks.set(["a"]);
    checks.start();
    bad.set("a", "full");
    await wait(1_000);
    checks.stop();

    assert.ok(looks.length > 3);
    assert.deepEqual(told, []);
  });

  it("find a destination down after `fall` failures in a row, and up after `rise` successes", async () => {
    const { checks, told, bad, wait } = checkWorld();
    checks.set(["a"]);
    checks.start();
    bad.set("a", "fail");
    await wait(150);
    bad.delete("a");
    await wait(100);
    // Two failures and a success: from the beginning again.
    bad.set("a", "fail");
    await wait(200);
    assert.equal(told.length, 0);
    await wait(100);
    assert.equal(told.length, 1);
    bad.delete("a");
    await wait(100);
    assert.equal(told.length, 1);
    await wait(100);
    assert.deepEqual(
      told.map((line) => line.slice(0, 6).trim()),
      ["a down", "a up 7"],
    );
    checks.stop();
  });

  it("give up what does not answer in time", async () => {
    const { checks, told, bad, aborted, wait } = checkWorld();
    bad.set("a", "hang");
    checks.set(["a", "b"]);
    checks.start();
    await wait(400);
    assert.deepEqual(aborted.slice(0, 3), ["a", "a", "a"]);
    assert.match(told.join(), /^a down \d+$/);
    checks.stop();
  });

  it("leave what leaves the list alone, and begin with what comes", async () => {
    const { clock, checks, looks, bad, aborted, told, wait } = checkWorld();
    bad.set("a", "hang");
    checks.set(["a", "b"]);
    checks.start();
    await wait(10);
    checks.set(["b", "c"]);
    assert.deepEqual(aborted, ["a"]);
    looks.length = 0;
    await wait(500);
    assert.deepEqual([...new Set(looks.map(([site]) => site))].sort(), ["b", "c"]);
    checks.stop();
    looks.length = 0;
    await wait(500);
    assert.deepEqual([looks.length, told.length], [0, 0]);
    assert.equal(clock.timerCount, 0);
  });
});
