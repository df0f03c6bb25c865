/**
 * The contract that every engine keeps, as cases. A file for an engine calls {@link engineContract}
 * with a way to get the engine and the cases that can't run on it, each with its reason:
 *
 *     engineContract({ name: "node", create: nodeEngine });
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Engine } from "#src/engine/engine.js";
import { EngineWorld } from "../support/engine-world.js";
import { addressCases } from "./engine-address-cases.js";
import { byteCases } from "./engine-byte-cases.js";
import { carryCases } from "./engine-carry-cases.js";
import type { ContractCase } from "./engine-case.js";
import { closeCases } from "./engine-close-cases.js";
import { datagramCases } from "./engine-datagram-cases.js";
import { listenerCases } from "./engine-listener-cases.js";
import { memoryCases } from "./engine-memory-cases.js";
import { pathCases } from "./engine-path-cases.js";
import { pauseCases } from "./engine-pause-cases.js";
import { ruleCases } from "./engine-rule-cases.js";
import { turnCases } from "./engine-turn-cases.js";

/** An engine that is put to the contract. */
export interface EngineSubject {
  readonly name: string;
  /** The engine; called once for each case. */
  create(): Engine;
  /** Why the engine can't run here at all. Left out: it can. */
  readonly unavailable?: string;
  /** Title of a case → why it can't run on this engine. */
  readonly skips?: Readonly<Record<string, string>>;
}

const ALL_CASES: readonly ContractCase[] = [
  ...addressCases,
  ...listenerCases,
  ...byteCases,
  ...pauseCases,
  ...carryCases,
  ...memoryCases,
  ...closeCases,
  ...turnCases,
  ...datagramCases,
  ...ruleCases,
  ...pathCases,
];

function skipReason(subject: EngineSubject, contractCase: ContractCase): string | false {
  const { unavailable, skips = {} } = subject;
  const reason = unavailable ?? skips[contractCase.title];
  if (reason !== undefined) return reason;
  const { needs } = contractCase;
  const can = needs === undefined ? true : subject.create().capabilities[needs];
  return can === true ? false : can;
}

/** Registers the whole contract as tests of one engine. */
export function engineContract(subject: EngineSubject): void {
  const titles = ALL_CASES.map(({ title }) => title);
  for (const title of Object.keys(subject.skips ?? {})) {
    assert.ok(titles.includes(title), `skips names no case of the contract: ${title}`);
  }
  describe(`engine contract: ${subject.name}`, () => {
    for (const contractCase of ALL_CASES) {
      const skip = skipReason(subject, contractCase);
      test(contractCase.title, { skip, timeout: 60_000 }, async (context) => {
        const world = new EngineWorld(subject.create());
        try {
          await contractCase.run(world, context);
        } finally {
          await world.end();
        }
      });
    }
  });
}
