import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NetError, type NetErrorCode } from "#src/errors.js";
import { DestinationTable, type Destined } from "#src/pool/destination-table.js";
import { Health } from "#src/pool/ejection.js";
import { ManualClock } from "#src/time/clock.js";

const RULES = {
  balance: "roundRobin",
  ejectAfter: 2,
  ejectMs: 1_000,
  maxEjectMs: 1_000,
  maxEjectedPercent: 50,
} as const;

describe("a table of destinations", () => {
  for (const [code, ejects] of [
    ["CONNECTION_REFUSED", true],
    ["CONNECT_TIMEOUT", true],
    ["DESCRIPTORS_EXHAUSTED", false],
    ["NO_BUFFERS", false],
    ["ADDRESS_NOT_AVAILABLE", false],
    ["CONNECTION_LIMIT", false],
  ] satisfies [NetErrorCode, boolean][]) {
    it(`${ejects ? "ejects" : "keeps"} one that can't be connected to by ${code}`, () => {
      const ejected: string[] = [];
      const table = new DestinationTable<Destined>(RULES, new ManualClock(), {
        onEject: ({ name }) => void ejected.push(name),
      });
      table.set(["a", "b", "c"], (name) => ({ name, health: new Health(), useCount: 0 }));
      const [first] = table.all;

      for (let count = 0; count < 5; count++) {
        table.failed(first as Destined, "connect", new NetError(code));
      }
      table.stop();

      assert.deepEqual(ejected, ejects ? ["a"] : []);
    });
  }
});
