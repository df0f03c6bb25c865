import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  CLIENT_TRANSITIONS,
  type ClientEvent,
  type ClientState,
  ExchangeState,
  nextClientState,
  nextServerState,
  SERVER_TRANSITIONS,
  type ServerEvent,
  type ServerState,
} from "#src/protocol/http1/exchange-state.js";
import { netError } from "../../support/packet-stream.js";

const notNow = netError("INVALID_STATE");
const CLIENT_EVENTS: readonly ClientEvent[] = [
  "head",
  "end",
  "endAsking",
  "decline",
  "switch",
  "next",
  "last",
  "finish",
  "fail",
];
const SERVER_EVENTS: readonly ServerEvent[] = [
  "requested",
  "interim",
  "head",
  "end",
  "switch",
  "next",
  "last",
  "finish",
  "fail",
];
const FINAL = ["switched", "closed", "failed"];

/** The states to which the events of a table can lead from `start`. */
function reachable(table: Record<string, Record<string, string>>, start: string): Set<string> {
  const reached = new Set([start]);
  for (const state of reached) {
    for (const next of Object.values(table[state] ?? {})) reached.add(next);
  }
  return reached;
}

describe("the states of the side that sends requests", () => {
  it("know each pair of state and event: a next state, or an error", () => {
    for (const state of Object.keys(CLIENT_TRANSITIONS) as ClientState[]) {
      for (const event of CLIENT_EVENTS) {
        const next = CLIENT_TRANSITIONS[state][event];
        if (next === undefined) assert.throws(() => nextClientState(state, event), notNow);
        else assert.equal(nextClientState(state, event), next);
      }
    }
  });

  it("are all reached, and each leads to an end that nothing leaves", () => {
    const states = Object.keys(CLIENT_TRANSITIONS);

    assert.deepEqual([...reachable(CLIENT_TRANSITIONS, "idle")].sort(), states.sort());
    for (const state of states) {
      assert.ok(FINAL.some((end) => reachable(CLIENT_TRANSITIONS, state).has(end)));
    }
    for (const state of FINAL) assert.deepEqual([...reachable(CLIENT_TRANSITIONS, state)], [state]);
  });
});

describe("the states of the side that sends responses", () => {
  it("know each pair of state and event: a next state, or an error", () => {
    for (const state of Object.keys(SERVER_TRANSITIONS) as ServerState[]) {
      for (const event of SERVER_EVENTS) {
        const next = SERVER_TRANSITIONS[state][event];
        if (next === undefined) assert.throws(() => nextServerState(state, event), notNow);
        else assert.equal(nextServerState(state, event), next);
      }
    }
  });

  it("are all reached, and each leads to an end that nothing leaves", () => {
    const states = Object.keys(SERVER_TRANSITIONS);

    assert.deepEqual([...reachable(SERVER_TRANSITIONS, "idle")].sort(), states.sort());
    for (const state of states) {
      assert.ok(FINAL.some((end) => reachable(SERVER_TRANSITIONS, state).has(end)));
    }
    for (const state of FINAL) assert.deepEqual([...reachable(SERVER_TRANSITIONS, state)], [state]);
  });
});

describe("an exchange", () => {
  it("follows the other on a connection that is kept alive", () => {
    const exchange = new ExchangeState();

    for (let count = 0; count < 3; count += 1) {
      exchange.requestHead(true, false);
      exchange.requestEnd();
      exchange.interim();
      exchange.responseHead(true);
      assert.equal(exchange.canReuse, false);
      exchange.responseEnd();
      assert.equal(exchange.canReuse, true);
      exchange.next();
    }

    assert.deepEqual([exchange.client, exchange.server], ["idle", "idle"]);
  });

  for (const [what, requestKeeps, responseKeeps] of [
    ["the request", false, true],
    ["the response", true, false],
  ] as const) {
    it(`is the last when ${what} says close`, () => {
      const exchange = new ExchangeState();

      exchange.requestHead(requestKeeps, false);
      exchange.requestEnd();
      exchange.responseHead(responseKeeps);
      exchange.responseEnd();

      assert.equal(exchange.canReuse, false);
      assert.deepEqual([exchange.client, exchange.server], ["mustClose", "mustClose"]);
      assert.throws(() => exchange.next(), notNow);
      exchange.finish("server");
      exchange.finish("client");
      assert.deepEqual([exchange.client, exchange.server], ["closed", "closed"]);
    });
  }

  it("can have its response before its request is complete", () => {
    const exchange = new ExchangeState();

    exchange.requestHead(true, false);
    exchange.responseHead(true);
    exchange.responseEnd();
    const before = exchange.canReuse;
    exchange.requestEnd();

    assert.deepEqual([before, exchange.canReuse], [false, true]);
  });

  it("can be a response to what was no request, and is then the last", () => {
    const exchange = new ExchangeState();

    exchange.responseHead(true);
    exchange.responseEnd();

    assert.deepEqual([exchange.client, exchange.server], ["mustClose", "mustClose"]);
  });

  it("ends in another protocol when both sides agree", () => {
    const exchange = new ExchangeState();

    exchange.requestHead(true, true);
    exchange.requestEnd();
    exchange.interim();
    exchange.switchProtocol();

    assert.deepEqual([exchange.client, exchange.server], ["switched", "switched"]);
    assert.throws(() => exchange.next(), notNow);
  });

  it("goes on when the server declines to change the protocol", () => {
    const exchange = new ExchangeState();

    exchange.requestHead(true, true);
    exchange.requestEnd();
    exchange.responseHead(true);
    exchange.responseEnd();

    assert.equal(exchange.canReuse, true);
  });

  it("does not change the protocol where nobody asked, or before the request is complete", () => {
    const unasked = new ExchangeState();
    unasked.requestHead(true, false);
    unasked.requestEnd();
    const early = new ExchangeState();
    early.requestHead(true, true);

    for (const exchange of [unasked, early]) {
      assert.throws(() => exchange.switchProtocol(), notNow);
      assert.equal(exchange.server, "pending");
    }
  });

  for (const [what, misuse] of [
    ["two heads of a request", (exchange) => exchange.requestHead(true, false)],
    ["a next exchange before the response", (exchange) => exchange.next()],
    ["an end of a response without head", (exchange) => exchange.responseEnd()],
    [
      "two responses",
      (exchange) => {
        exchange.responseHead(true);
        exchange.responseHead(true);
      },
    ],
    [
      "an interim response behind the final head",
      (exchange) => {
        exchange.responseHead(true);
        exchange.interim();
      },
    ],
  ] as [string, (exchange: ExchangeState) => void][]) {
    it(`refuses ${what}`, () => {
      const exchange = new ExchangeState();
      exchange.requestHead(true, false);
      exchange.requestEnd();

      assert.throws(() => misuse(exchange), notNow);
    });
  }

  it("can fail on either side, once", () => {
    const exchange = new ExchangeState();

    exchange.fail("client");
    exchange.fail("server");

    assert.deepEqual([exchange.client, exchange.server], ["failed", "failed"]);
    assert.throws(() => exchange.fail("client"), notNow);
  });
});
