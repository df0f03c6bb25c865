import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  nextServiceState,
  SERVICE_TRANSITIONS,
  type ServiceEvent,
  type ServiceState,
} from "#src/connection/component/service-state.js";
import {
  CONNECTION_TRANSITIONS,
  type ConnectionEvent,
  type ConnectionState,
  nextConnectionState,
} from "#src/connection/connection-state.js";
import { NetError } from "#src/errors.js";

const CONNECTION_EVENTS: ConnectionEvent[] = [
  "opened",
  "established",
  "closing",
  "ended",
  "released",
];
const SERVICE_EVENTS: ServiceEvent[] = ["start", "ready", "stop", "finished"];

function isIllegal(error: unknown): boolean {
  return error instanceof NetError && error.code === "INVALID_STATE";
}

describe("connection states", () => {
  it("knows each pair of state and event: a next state, or an error that names both", () => {
    for (const state of Object.keys(CONNECTION_TRANSITIONS) as ConnectionState[]) {
      for (const event of CONNECTION_EVENTS) {
        const next = CONNECTION_TRANSITIONS[state][event];
        if (next === undefined) {
          assert.throws(() => nextConnectionState(state, event), isIllegal);
        } else {
          assert.equal(nextConnectionState(state, event), next);
        }
      }
    }
  });

  it("leads from every state to closed, and from there nowhere", () => {
    for (const start of Object.keys(CONNECTION_TRANSITIONS) as ConnectionState[]) {
      const reached = new Set<ConnectionState>([start]);
      for (const state of reached) {
        for (const next of Object.values(CONNECTION_TRANSITIONS[state])) reached.add(next);
      }
      assert.ok(reached.has("closed"), start);
    }
    assert.deepEqual(CONNECTION_TRANSITIONS.closed, {});
  });
});

describe("service states", () => {
  it("knows each pair of state and event: a next state, or an error that names both", () => {
    for (const state of Object.keys(SERVICE_TRANSITIONS) as ServiceState[]) {
      for (const event of SERVICE_EVENTS) {
        const next = SERVICE_TRANSITIONS[state][event];
        if (next === undefined) assert.throws(() => nextServiceState(state, event), isIllegal);
        else assert.equal(nextServiceState(state, event), next);
      }
    }
  });
});
