import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CLOSED_LOCALLY, type CloseReason } from "#src/connection/close-reason.js";
import type { BroadcastResult } from "#src/connection/component/broadcast.js";
import { Component, type ComponentRole } from "#src/connection/component/component.js";
import { nextConnectionId } from "#src/connection/connection-registry.js";
import type { ConnectionState } from "#src/connection/connection-state.js";
import type { Member } from "#src/connection/member.js";
import type { Engine } from "#src/engine/engine.js";
import { assertInteger, NetError } from "#src/errors.js";
import { FakeEngine } from "../../../support/fake-stream.js";

interface NotedSettings {
  readonly duplicateKey: "replace";
  readonly maxTopics: number;
}

/** A connection that does nothing, and notes what its component does to it. */
class NotedMember implements Member {
  readonly id = nextConnectionId();
  state: ConnectionState = "open";
  key: unknown = undefined;
  receivedBytes = 0;
  sentBytes = 0;
  readonly isOpen = true;
  readonly ageMs = 0;
  readonly silentForMs = 0;
  readonly encoder = undefined;
  readonly calls: string[] = [];
  readonly errors: NetError[] = [];
  /** What {@link cut} answers: whether it did not end in good order. */
  isCut = true;
  readonly #component: NotedComponent;

  constructor(component: NotedComponent) {
    this.#component = component;
    component.registry.add(this);
    component.connectionOpened(this, false);
  }

  get settings(): NotedSettings {
    return this.#component.settings;
  }

  /** It has ended. */
  end(): void {
    this.state = "closed";
    this.#component.connectionClosed(this, CLOSED_LOCALLY);
  }

  sendBytes(): boolean {
    return true;
  }

  closeWith(): boolean {
    this.calls.push("closeWith");
    return true;
  }

  stop(): void {
    this.calls.push("stop");
  }

  cut(error: NetError): boolean {
    this.errors.push(error);
    queueMicrotask(() => this.end());
    return this.isCut;
  }

  settingsChanged(): void {
    this.calls.push(`settings ${this.settings.maxTopics}`);
  }

  ref(): void {
    this.calls.push("ref");
  }

  unref(): void {
    this.calls.push("unref");
  }
}

/** A role that notes what it is told. */
class NotedRole implements ComponentRole<NotedMember> {
  readonly events: unknown[] = [];
  isListening = false;

  opened(connection: NotedMember, isOutgoing: boolean): void {
    this.events.push(["opened", connection.id, isOutgoing]);
  }

  ready(connection: NotedMember): void {
    this.events.push(["ready", connection.id]);
  }

  closed(connection: NotedMember, { code }: CloseReason): void {
    this.events.push(["closed", connection.id, code]);
  }

  refused({ code }: NetError): void {
    this.events.push(["refused", code]);
  }

  shutdown(): void {
    this.events.push("shutdown");
  }

  closeListeners(): void {
    this.events.push("close listeners");
  }

  hasListeners(): boolean {
    return this.isListening;
  }
}

const KIND = {
  names: ["duplicateKey", "maxTopics"],
  read: ({ maxTopics = 5 }: Partial<NotedSettings>): NotedSettings => {
    assertInteger("maxTopics", maxTopics, 0, 10);
    return { duplicateKey: "replace", maxTopics };
  },
};

class NotedComponent extends Component<NotedMember, NotedSettings> {
  sendToAll(connections: readonly NotedMember[]): BroadcastResult {
    return { taken: connections.length, slow: 0, refused: 0 };
  }
}

interface World {
  readonly component: NotedComponent;
  readonly role: NotedRole;
  readonly engine: FakeEngine;
}

/** A component that has started. */
function started(): World {
  const role = new NotedRole();
  const engine = new FakeEngine();
  const component = new NotedComponent(role, engine as unknown as Engine, KIND, {});
  component.move("start");
  component.move("ready");
  return { component, role, engine };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("Component: stopping", () => {
  it("stops its connections in good order, and resolves when the last has ended", async () => {
    const { component, role, engine } = started();
    const members = [new NotedMember(component), new NotedMember(component)];
    let result: unknown;

    const stopping = component.stop().then((found) => {
      result = found;
    });
    await turn();
    members[0]?.end();
    await turn();
    const before = [result, component.state];
    members[1]?.end();
    await stopping;

    assert.deepEqual(before, [undefined, "stopping"]);
    assert.deepEqual(result, { drainedCount: 2, cutCount: 0 });
    assert.equal(component.state, "stopped");
    assert.deepEqual(
      members.map(({ calls }) => calls),
      [
        ["ref", "stop"],
        ["ref", "stop"],
      ],
    );
    assert.equal(role.events.at(-1), "shutdown");
    assert.equal(engine.clock.timerCount, 0);
  });

  it("cuts after drainMs whatever is left, and counts it", async () => {
    const { component, engine } = started();
    const [quick, slow] = [new NotedMember(component), new NotedMember(component)];

    const stopping = component.stop({ drainMs: 100 });
    quick?.end();
    engine.clock.advance(99);
    const before = slow?.errors.length;
    engine.clock.advance(1);

    assert.deepEqual(await stopping, { drainedCount: 1, cutCount: 1 });
    assert.equal(before, 0);
    assert.equal(slow?.errors[0]?.code, "STOPPED");
    assert.match(String(slow?.errors[0]?.message), /drainMs \(100\)/);
    assert.equal(engine.clock.timerCount, 0);
  });

  it("cuts at once with drainMs 0, and what is being made in any case", async () => {
    const { component } = started();
    const member = new NotedMember(component);
    member.isCut = false;
    const other = started();
    const connecting = new NotedMember(other.component);
    connecting.state = "connecting";

    const results = await Promise.all([
      component.stop({ drainMs: 0 }),
      other.component.stop({ drainMs: 1_000 }),
    ]);

    // The first had been closing, and lacked only its peer's FIN.
    assert.deepEqual(results, [
      { drainedCount: 1, cutCount: 0 },
      { drainedCount: 0, cutCount: 1 },
    ]);
    assert.deepEqual(connecting.calls, ["ref"]);
  });

  it("waits for what lets connections in", async () => {
    const { component, role } = started();
    role.isListening = true;

    const stopping = component.stop();
    await turn();
    const before = component.state;
    role.isListening = false;
    component.finishStop();
    await stopping;

    assert.equal(before, "stopping");
    assert.deepEqual(role.events, ["close listeners", "shutdown"]);
  });

  it("joins a stop that is under way, and has nothing to do where it is stopped", async () => {
    const { component, role } = started();

    const [first, second] = [component.stop(), component.stop({ drainMs: 1 })];

    assert.equal(first, second);
    await first;
    assert.deepEqual(await component.stop(), { drainedCount: 0, cutCount: 0 });
    assert.equal(role.events.filter((event) => event === "shutdown").length, 1);
  });

  it("tells of no shutdown where it had only begun to start", async () => {
    const role = new NotedRole();
    const engine = new FakeEngine() as unknown as Engine;
    const component = new NotedComponent(role, engine, KIND, {});
    component.move("start");

    await component.stop();

    assert.deepEqual(role.events, ["close listeners"]);
  });

  it("refuses a drainMs that is no time, and options that it does not know", () => {
    const { component } = started();

    assert.throws(() => component.stop({ drainMs: -1 }), { code: "INVALID_ARGUMENT" });
    assert.throws(() => component.stop({ drain: 1 } as never), { code: "INVALID_ARGUMENT" });
    assert.equal(component.state, "started");
  });

  it("wakes who waits for its stop, and those alone that still wait", async () => {
    const { component, engine } = started();
    const waits = [component.stopped(), component.stopped({ timeoutMs: 10 })];
    const codes = waits.map((wait) =>
      wait.then(
        () => "stopped",
        ({ code }: NetError) => code,
      ),
    );

    engine.clock.advance(20);
    await component.stop();

    assert.deepEqual(await Promise.all(codes), ["stopped", "CLOSE_TIMEOUT"]);
    await component.stopped();
  });

  it("is stopped without being asked when its only connection has ended by itself", async () => {
    const { component, role } = started();
    const waiting = component.stopped();

    component.endedByItself();
    await waiting;

    assert.equal(component.state, "stopped");
    assert.equal(role.events.includes("shutdown"), false);
  });
});

describe("Component: the end of a connection", () => {
  it("takes it out of all tables, and counts its bytes", () => {
    const { component } = started();
    const member = new NotedMember(component);
    member.key = component.giveKey(member, "name", undefined);
    component.topics.table.subscribe(member, "topic", 1);
    member.receivedBytes = 3;
    member.sentBytes = 4;
    const before = component.stats;

    member.end();

    assert.equal(component.registry.find(member.id), undefined);
    assert.equal(component.keys.find("name"), undefined);
    assert.equal(component.topics.table.count("topic"), 0);
    const { receivedBytes, sentBytes, openedCount, closedCount, connectionCount } = component.stats;
    assert.deepEqual([before.receivedBytes, before.sentBytes, before.closedCount], [3, 4, 0]);
    assert.deepEqual([receivedBytes, sentBytes, closedCount], [3, 4, 1]);
    assert.deepEqual([openedCount, connectionCount], [1, 0]);
  });

  it("wakes all who wait for it, and is awaited as long as somebody waits", async () => {
    const { component, engine } = started();
    const [member, other] = [new NotedMember(component), new NotedMember(component)];
    const patient = component.whenClosed(member);
    const timed = component.whenClosed(member, { timeoutMs: 10 }).catch(({ code }) => code);
    const alone = component.whenClosed(other, { timeoutMs: 10 }).catch(({ code }) => code);
    const before = [member, other].map((one) => component.isEndAwaited(one));

    engine.clock.advance(20);
    const codes = await Promise.all([timed, alone]);
    const after = [member, other].map((one) => component.isEndAwaited(one));
    member.end();
    await patient;
    await component.whenClosed(member);

    assert.deepEqual(codes, ["CLOSE_TIMEOUT", "CLOSE_TIMEOUT"]);
    assert.deepEqual(
      [before, after],
      [
        [true, true],
        [true, false],
      ],
    );
    assert.equal(component.isEndAwaited(member), false);
  });
});

describe("Component: settings", () => {
  it("changes them for all connections, or none where one can't be", () => {
    const { component } = started();
    const member = new NotedMember(component);

    component.change({ maxTopics: 7 }, ["maxTopics", "engine"]);

    assert.throws(() => component.change({ maxTopics: 11 }, ["maxTopics"]), {
      code: "INVALID_ARGUMENT",
    });
    assert.throws(() => component.change({ engine: "node" } as never, ["maxTopics", "engine"]), {
      code: "SETTING_FIXED",
    });
    assert.throws(() => component.change({ other: 1 } as never, ["maxTopics"]), {
      code: "INVALID_ARGUMENT",
    });
    assert.equal(component.settings.maxTopics, 7);
    assert.deepEqual(member.calls, ["settings 7"]);
  });

  it("keeps what was given, so that a later change of another leaves it", () => {
    const { component } = started();

    component.change({ maxTopics: 7 }, ["maxTopics", "duplicateKey"]);
    component.change({ duplicateKey: "replace" }, ["maxTopics", "duplicateKey"]);

    assert.equal(component.settings.maxTopics, 7);
  });

  it("is not in force yet when the check before it runs, and stays out where that throws", () => {
    const { component } = started();
    const seen: number[] = [];

    const refuse = ({ maxTopics }: NotedSettings): void => {
      seen.push(component.settings.maxTopics, maxTopics);
      throw new NetError("SETTING_FIXED");
    };
    assert.throws(() => component.change({ maxTopics: 7 }, ["maxTopics"], refuse));

    assert.deepEqual(seen, [5, 7]);
    assert.equal(component.settings.maxTopics, 5);
  });

  it("keeps the process alive, or does not, for all connections", () => {
    const { component } = started();
    const member = new NotedMember(component);

    component.unref();
    const before = component.keepsProcess;
    component.ref();

    assert.deepEqual([before, component.keepsProcess], [false, true]);
    assert.deepEqual(member.calls, ["unref", "ref"]);
  });

  it("counts peers that were not let in, those of whom nobody is told too", () => {
    const { component, role } = started();

    component.tellRefused(new NetError("CONNECTION_LIMIT"), undefined);
    component.countRefused();

    assert.equal(component.stats.refusedCount, 2);
    assert.deepEqual(role.events, [["refused", "CONNECTION_LIMIT"]]);
  });
});
