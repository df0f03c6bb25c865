import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import process from "node:process";
import { describe, it, type TestContext } from "node:test";
import { CLOSED_LOCALLY } from "#src/connection/close-reason.js";
import { type AnyHandlers, type EventOwner, Events } from "#src/connection/events/events.js";
import { NetError, type Operation } from "#src/errors.js";
import { inRootContext } from "#src/time/root-context.js";

/** A connection that notes what its events do to it. */
class NotedConnection implements EventOwner {
  readonly id = 7;
  context: unknown = undefined;
  readonly failures: NetError[] = [];
  readonly refusals: [Operation, string][] = [];
  isOver = false;

  fail(error: NetError): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    this.failures.push(error);
    return true;
  }

  refuse(operation: Operation, handler: string): void {
    this.refusals.push([operation, handler]);
  }
}

type NotedHandlers = AnyHandlers<NotedConnection, Buffer>;

const UNIT = Buffer.from("unit");
const broken = (): never => {
  throw new Error("broken");
};
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const events = (handlers: NotedHandlers): Events<NotedConnection, Buffer> => new Events(handlers);

/** Process warnings from here on, which are not printed. */
function warnings(context: TestContext): NetError[] {
  const found: NetError[] = [];
  context.mock.method(process, "emitWarning", (warning: NetError) => {
    found.push(warning);
  });
  return found;
}

/** What a component is told when the promise of `onReceive` is settled. */
function settledCounter(): { count: number; handlerSettled(): void } {
  return {
    count: 0,
    handlerSettled(): void {
      this.count++;
    },
  };
}

describe("Events: what handlers get", () => {
  it("calls each with the connection and what has happened, with its options object as `this`", () => {
    const calls: unknown[][] = [];
    const handlers = {
      onReceive(this: unknown, ...given: unknown[]): void {
        calls.push(["receive", this === handlers, ...given]);
      },
      onSend: (...given: unknown[]) => calls.push(["send", ...given]),
      onSendError: (...given: unknown[]) => calls.push(["error", ...given]),
      onClose: (...given: unknown[]) => calls.push(["close", ...given]),
    };
    const connection = new NotedConnection();
    const error = new NetError("NO_BUFFERS");
    const all = events(handlers);

    all.received(connection, UNIT, settledCounter());
    all.sent(connection, 3);
    all.sendFailed(connection, error, 2);
    all.closed(connection, CLOSED_LOCALLY);

    assert.deepEqual(calls, [
      ["receive", true, connection, UNIT],
      ["send", connection, 3],
      ["error", connection, error, 2],
      ["close", connection, CLOSED_LOCALLY],
    ]);
  });

  it("gives them the handle in place of the connection, where there is one", () => {
    const calls: unknown[] = [];
    const client = { name: "client" };
    const all = new Events<typeof client, Buffer>(
      { onReceive: (handle) => calls.push(handle), onDrain: (handle) => calls.push(handle) },
      client,
    );

    all.received(new NotedConnection(), UNIT, settledCounter());
    all.drained(new NotedConnection());

    assert.deepEqual(calls, [client, client]);
  });

  it("runs them in the async context in which the component was made", () => {
    const storage = new AsyncLocalStorage<string>();
    const stores: unknown[] = [];
    const all = storage.run("application", () =>
      events({
        onReceive: () => stores.push(storage.getStore()),
        onDrain: () => stores.push(storage.getStore()),
      }),
    );

    storage.run("another user", () => {
      all.received(new NotedConnection(), UNIT, settledCounter());
    });
    inRootContext(() => all.received(new NotedConnection(), UNIT, settledCounter()));
    inRootContext(() => all.drained(new NotedConnection()));

    assert.deepEqual(stores, ["application", "application", "application"]);
  });

  it("knows which handlers there are", () => {
    const none = events({});
    const all = events({ onReceive() {}, onClose() {} });

    assert.deepEqual([none.hasReceiveHandler, none.hasCloseHandler], [false, false]);
    assert.deepEqual([all.hasReceiveHandler, all.hasCloseHandler], [true, true]);
    assert.equal(none.received(new NotedConnection(), UNIT, settledCounter()), false);
  });
});

describe("Events: promises of onReceive", () => {
  it("answers whether there is one, and tells once when it is settled", async () => {
    const settled = settledCounter();
    const later = events({ onReceive: () => Promise.resolve() });
    const now = events({ onReceive: () => 5 });

    const answers = [later, now].map((all) => all.received(new NotedConnection(), UNIT, settled));
    const before = settled.count;
    await turn();

    assert.deepEqual(answers, [true, false]);
    assert.deepEqual([before, settled.count], [0, 1]);
  });

  it("ends the connection when it rejects, and is not told that it is settled", async () => {
    const settled = settledCounter();
    const connection = new NotedConnection();
    const all = events({ onReceive: () => Promise.reject(new Error("broken")), onClose() {} });

    all.received(connection, UNIT, settled);
    await turn();

    assert.equal(settled.count, 0);
    assert.equal(connection.failures[0]?.code, "HANDLER_FAILED");
    assert.equal(connection.failures[0]?.message, "onReceive failed: broken");
  });
});

describe("Events: what goes wrong in a handler", () => {
  it("ends its own connection with HANDLER_FAILED, its name, its id and the cause", () => {
    const told: [keyof NotedHandlers, Operation, (connection: NotedConnection) => void][] = [
      [
        "onReceive",
        "receive",
        (one) => events({ onReceive: broken, onClose() {} }).received(one, UNIT, settledCounter()),
      ],
      ["onSend", "send", (one) => events({ onSend: broken, onClose() {} }).sent(one, 1)],
      ["onDrain", "send", (one) => events({ onDrain: broken, onClose() {} }).drained(one)],
      ["onEnd", "receive", (one) => events({ onEnd: broken, onClose() {} }).ended(one)],
      [
        "onSendError",
        "send",
        (one) =>
          events({ onSendError: broken, onClose() {} }).sendFailed(
            one,
            new NetError("NO_BUFFERS"),
            1,
          ),
      ],
      [
        "onAccept",
        "accept",
        (one) => events({ onAccept: broken, onClose() {} }).opened(one, false),
      ],
      [
        "onConnect",
        "connect",
        (one) => events({ onConnect: broken, onClose() {} }).opened(one, true),
      ],
      [
        "onHandshake",
        "handshake",
        (one) => events({ onHandshake: broken, onClose() {} }).ready(one),
      ],
    ];
    for (const [name, operation, tell] of told) {
      const connection = new NotedConnection();

      tell(connection);

      const [error] = connection.failures;
      assert.equal(error?.code, "HANDLER_FAILED", name);
      assert.equal(error?.message, `${name} failed: broken`);
      assert.deepEqual([error?.operation, error?.connectionId], [operation, 7], name);
      assert.deepEqual(error?.cause, new Error("broken"));
    }
  });

  it("warns where no onClose hears of it, and where the connection had ended", (context) => {
    const found = warnings(context);
    const heard = new NotedConnection();
    const unheard = new NotedConnection();
    const over = new NotedConnection();
    over.isOver = true;

    events({ onDrain: broken, onClose() {} }).drained(heard);
    events({ onDrain: broken }).drained(unheard);
    events({ onDrain: broken, onClose() {} }).drained(over);

    assert.deepEqual(
      found.map(({ code, connectionId }) => [code, connectionId]),
      [
        ["HANDLER_FAILED", 7],
        ["HANDLER_FAILED", 7],
      ],
    );
  });

  it("does not warn of a handler that passes on that its connection has ended", async (context) => {
    const found = warnings(context);
    const connection = new NotedConnection();
    connection.isOver = true;
    const all = events({
      onReceive: () => Promise.reject(new NetError("CONNECTION_CLOSED")),
      onClose() {},
    });

    all.received(connection, UNIT, settledCounter());
    await turn();

    assert.deepEqual(found, []);
  });

  it("warns when onClose, onRefuse, onShutdown or another call without a connection fails", async (context) => {
    const found = warnings(context);
    const all = events({
      onClose: broken,
      onRefuse: broken,
      onShutdown: () => Promise.reject(new Error("later")),
    });

    all.closed(new NotedConnection(), CLOSED_LOCALLY);
    all.refused(new NetError("CONNECTION_LIMIT"), undefined);
    all.shutdown();
    all.inform("onReconnected", broken);
    await turn();

    assert.deepEqual(
      found.map(({ message }) => message),
      [
        "onClose failed: broken",
        "onRefuse failed: broken",
        "onReconnected failed: broken",
        "onShutdown failed: later",
      ],
    );
  });
});

describe("Events: handlers that may refuse", () => {
  it("refuse by false, at once or by a promise, and by nothing else", async () => {
    for (const [verdict, isRefused] of [
      [false, true],
      [Promise.resolve(false), true],
      [undefined, false],
      [true, false],
      ["slow", false],
      [Promise.resolve(undefined), false],
    ] as const) {
      const connection = new NotedConnection();

      events({ onAccept: () => verdict as never }).opened(connection, false);
      await turn();

      assert.deepEqual(connection.refusals, isRefused ? [["accept", "onAccept"]] : []);
      assert.deepEqual(connection.failures, []);
    }
  });

  it("end the connection when their promise rejects", async () => {
    const connection = new NotedConnection();

    events({ onConnect: () => Promise.reject(new Error("broken")), onClose() {} }).opened(
      connection,
      true,
    );
    await turn();

    assert.deepEqual(connection.refusals, []);
    assert.equal(connection.failures[0]?.operation, "connect");
  });

  it("refuse to listen by false, and throw HANDLER_FAILED where onPrepareListen throws or returns a promise", () => {
    const target = { address: { path: "x" } } as never;

    assert.throws(() => events({ onPrepareListen: () => false }).askListen(target), {
      code: "REFUSED",
    });
    assert.throws(() => events({ onPrepareListen: broken }).askListen(target), {
      code: "HANDLER_FAILED",
    });
    const late = (async () => Promise.reject(new Error("late"))) as unknown as () => boolean;
    assert.throws(() => events({ onPrepareListen: late }).askListen(target), {
      code: "HANDLER_FAILED",
      message: /has to answer at once/,
    });
    events({ onPrepareListen: () => true }).askListen(target);
    events({}).askListen(target);
  });
});

describe("Events: the context of a connection", () => {
  it("is what the factory makes, and goes to its holder where that is another", () => {
    const connection = new NotedConnection();
    const holder = { context: undefined as unknown };
    const all = events({});

    all.makeContext(connection, () => "own", "accept");
    all.makeContext(connection, (given) => [given], "accept", holder);

    assert.equal(connection.context, "own");
    assert.deepEqual(holder.context, [holder]);
  });

  it("ends the connection when the factory fails", () => {
    const connection = new NotedConnection();

    events({ onClose() {} }).makeContext(connection, broken, "connect");

    assert.equal(connection.failures[0]?.message, "context failed: broken");
    assert.equal(connection.failures[0]?.operation, "connect");
  });
});
