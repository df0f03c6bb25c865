import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ComponentSecurity } from "#src/connection/tls/component-security.js";
import type { TlsSettings } from "#src/connection/tls/tls-settings.js";
import type { Handshake } from "#src/connection/tls/tls-upgrade.js";
import type { Engine } from "#src/engine/engine.js";

/** An engine whose contexts note with which settings they were updated. */
function notedEngine(): { readonly engine: Engine; readonly updates: unknown[] } {
  const updates: unknown[] = [];
  const createTlsContext = (role: string): unknown => ({
    role,
    update: (settings: unknown) => updates.push(settings),
  });
  return { engine: { createTlsContext } as unknown as Engine, updates };
}

function security(settings: TlsSettings = {}): ComponentSecurity {
  return new ComponentSecurity("client", notedEngine().engine, settings);
}

/** A handshake of `peer` that notes when it had to give way. */
class NotedHandshake implements Handshake {
  hasGivenWay = false;
  readonly peer: string | undefined;
  readonly isHeard: boolean;

  constructor(peer: string | undefined, isHeard: boolean) {
    this.peer = peer;
    this.isHeard = isHeard;
  }

  giveWay(): void {
    this.hasGivenWay = true;
  }
}

/** Handshakes under way, one for each `peer`, and which of them gave way to `newcomer`. */
function gaveWay(
  peers: readonly string[],
  isHeard: (index: number) => boolean,
  newcomer: string,
): { readonly hasRoom: boolean; readonly places: number[] } {
  const component = security();
  const handshakes = peers.map((peer, index) => new NotedHandshake(peer, isHeard(index)));
  for (const handshake of handshakes) component.begun(handshake);
  const hasRoom = component.makeRoom(newcomer, peers.length);
  const places = [...handshakes.entries()].filter(([, one]) => one.hasGivenWay).map(([at]) => at);
  return { hasRoom, places };
}

describe("ComponentSecurity: settings", () => {
  it("refuses options that can't be, before the engine is asked", () => {
    const engine = { createTlsContext: () => assert.fail("asked") } as unknown as Engine;

    assert.throws(() => new ComponentSecurity("server", engine, { ciphers: 5 } as never), {
      code: "INVALID_ARGUMENT",
    });
  });

  it("makes the context of its role", () => {
    const { engine } = notedEngine();

    const roles = (["server", "client"] as const).map(
      (role) => new ComponentSecurity(role, engine, {}).context.role,
    );

    assert.deepEqual(roles, ["server", "client"]);
  });

  it("starts at once, unless it is told to wait for startTls", () => {
    assert.equal(security().startsAtOnce, true);
    assert.equal(security({ start: "immediate" }).startsAtOnce, true);
    assert.equal(security({ start: "manual" }).startsAtOnce, false);
  });

  it("takes other certificates, but no other start, and nothing when it refuses", () => {
    const { engine, updates } = notedEngine();
    const component = new ComponentSecurity("client", engine, { start: "manual" });
    const changes = { start: "manual", serverName: "other" } as const;

    component.update(changes);

    assert.throws(() => component.update({ serverName: "third" }), { code: "SETTING_FIXED" });
    assert.throws(() => component.update({ start: "manual", serverName: "" }), {
      code: "INVALID_ARGUMENT",
    });
    assert.deepEqual(updates, [changes]);
  });
});

describe("ComponentSecurity: room for another handshake", () => {
  it("counts those that are under way", () => {
    const component = security();
    const [one, other] = [new NotedHandshake("a", true), new NotedHandshake("b", true)];

    component.begun(one);
    component.begun(other);
    component.over(one);
    component.over(one);

    assert.equal(component.underWayCount, 1);
  });

  it("is there below maxHandshakes, and costs nobody's place", () => {
    const component = security();
    const one = new NotedHandshake("a", false);
    component.begun(one);

    assert.equal(component.makeRoom("b", 2), true);
    assert.equal(one.hasGivenWay, false);
  });

  it("is made by the oldest that has not sent a byte, whoever that is", () => {
    const isHeard = (index: number): boolean => index !== 1 && index !== 2;

    const found = gaveWay(["a", "b", "c", "a"], isHeard, "newcomer");

    assert.deepEqual(found, { hasRoom: true, places: [1] });
  });

  it("is made by the oldest of the address with the most, where all have been heard", () => {
    const found = gaveWay(["a", "b", "c", "b", "b"], () => true, "newcomer");

    assert.deepEqual(found, { hasRoom: true, places: [1] });
  });

  it("is not made where the newcomer's address would have as many itself", () => {
    const others = gaveWay(["a", "b", "c"], () => true, "newcomer");
    const one = gaveWay(["a", "b", "a", "b"], () => true, "a");
    const most = gaveWay(["a", "a", "a", "b"], () => true, "a");

    for (const { hasRoom, places } of [others, one, most]) {
      assert.deepEqual([hasRoom, places], [false, []]);
    }
  });

  it("is made for an address that has one, by one that has three", () => {
    const found = gaveWay(["a", "b", "b", "b"], () => true, "a");

    assert.deepEqual(found, { hasRoom: true, places: [1] });
  });
});
