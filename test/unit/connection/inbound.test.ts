import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HeapSendMemory } from "#src/bytes/send-memory.js";
import { Inbound, MAX_HELD_BYTES, type ReceivingConnection } from "#src/connection/inbound.js";
import { HOLD, type Receiver } from "#src/connection/receiver.js";
import { connectionSettings } from "#src/connection/settings.js";
import type { NetError } from "#src/errors.js";
import { FakeStream } from "../../support/fake-stream.js";

/** A receiver that notes what it gets, and does what the test says. */
class Notes implements Receiver {
  readonly events: string[] = [];
  readonly #name: string;
  /** Called with each delivery; answers how many bytes are taken. */
  take: (bytes: Buffer) => number = (bytes) => bytes.length;
  atEnd: () => void = () => {};
  atResume: () => void = () => {};

  constructor(name = "") {
    this.#name = name;
  }

  received(bytes: Buffer): number {
    const at = this.events.push("") - 1;
    const taken = this.take(bytes);
    this.events[at] = `${this.#name}${bytes.toString("latin1", 0, taken)}`;
    return taken;
  }

  ended(): void {
    this.events.push(`${this.#name}end`);
    this.atEnd();
  }

  resumed(): void {
    this.atResume();
  }

  drained(): void {}
  closed(): void {}
}

/** A way in over a stream that the test feeds. */
function inboundOf(receiver: Receiver): {
  readonly inbound: Inbound;
  readonly stream: FakeStream;
  readonly errors: NetError[];
} {
  const stream = new FakeStream();
  const errors: NetError[] = [];
  const connection: ReceivingConnection = {
    stream,
    settings: connectionSettings({ delivery: "borrow" }),
    memory: new HeapSendMemory(),
    fail: (error) => errors.push(error) > 0,
  };
  return { inbound: new Inbound(connection, receiver), stream, errors };
}

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("Inbound: delivery and holds", () => {
  it("gives what comes to its receiver at once, and then the end", () => {
    const notes = new Notes();
    const { inbound } = inboundOf(notes);

    inbound.receive(bytes("one"));
    inbound.receive(bytes("two"));
    inbound.endReceived();

    assert.deepEqual(notes.events, ["one", "two", "end"]);
  });

  it("delivers nothing from within `release`, and all that waits in a microtask, the end last", async () => {
    const notes = new Notes();
    const { inbound, stream } = inboundOf(notes);
    inbound.hold(HOLD.application);
    inbound.receive(bytes("one"));
    inbound.receive(bytes("two"));
    inbound.endReceived();

    inbound.release(HOLD.application);
    const within = [...notes.events];
    await turn();

    assert.deepEqual(within, []);
    assert.equal(notes.events.join(""), "onetwoend");
    assert.deepEqual(stream.calls, ["pause", "resume"]);
  });

  it("goes on only when the last of several owners has let go", async () => {
    const notes = new Notes();
    const { inbound, stream } = inboundOf(notes);
    inbound.hold(HOLD.application);
    inbound.hold(HOLD.slow);
    inbound.receive(bytes("one"));

    inbound.release(HOLD.application);
    await turn();
    const between = [...notes.events];
    inbound.release(HOLD.slow);
    await turn();

    assert.deepEqual(between, []);
    assert.deepEqual(notes.events, ["one"]);
    assert.equal(stream.isPaused, false);
  });

  it("does not pause the stream for a handler's promise before MAX_HELD_BYTES are kept", () => {
    const notes = new Notes();
    const { inbound, stream } = inboundOf(notes);
    inbound.hold(HOLD.handler);

    inbound.receive(Buffer.alloc(MAX_HELD_BYTES - 1));
    const before = stream.isPaused;
    inbound.receive(bytes("x"));

    assert.equal(before, false);
    assert.equal(stream.isPaused, true);
  });

  it("keeps what a receiver leaves behind a hold, and gives it again in front of what follows", async () => {
    const notes = new Notes();
    const { inbound } = inboundOf(notes);
    notes.take = () => {
      inbound.hold(HOLD.unread);
      return 2;
    };
    inbound.receive(bytes("abcd"));
    inbound.receive(bytes("ef"));

    notes.take = (left) => left.length;
    inbound.release(HOLD.unread);
    await turn();

    assert.equal(notes.events.join(""), "abcdef");
  });

  it("resumes the stream when a hold was set and taken away in one delivery", async () => {
    const notes = new Notes();
    const { inbound, stream } = inboundOf(notes);
    notes.take = (all) => {
      inbound.hold(HOLD.application);
      inbound.release(HOLD.application);
      return all.length;
    };

    inbound.receive(bytes("one"));
    await turn();

    assert.deepEqual(stream.calls, ["pause", "resume"]);
  });

  it("ends the connection when a receiver takes nothing and holds nothing", () => {
    const notes = new Notes();
    const { inbound, errors } = inboundOf(notes);
    notes.take = () => 0;

    inbound.receive(bytes("one"));

    assert.deepEqual(
      errors.map(({ code }) => code),
      ["INVALID_STATE"],
    );
  });

  it("ends the connection with HANDLER_FAILED for what a receiver throws, and delivers on", () => {
    const notes = new Notes();
    const { inbound, errors } = inboundOf(notes);
    notes.take = () => {
      throw new RangeError("no");
    };

    inbound.receive(bytes("one"));

    assert.equal(errors[0]?.code, "HANDLER_FAILED");
    assert.ok(errors[0]?.cause instanceof RangeError);
  });

  it("copies lent bytes that it keeps", async () => {
    const notes = new Notes();
    const { inbound, stream } = inboundOf(notes);
    stream.lendsBytes = true;
    const lent = bytes("abcd");
    notes.take = () => {
      inbound.hold(HOLD.unread);
      return 1;
    };
    inbound.receive(lent);
    lent.fill("x");

    notes.take = (left) => left.length;
    inbound.release(HOLD.unread);
    await turn();

    assert.equal(notes.events.join(""), "abcd");
  });

  it("delivers nothing after `abandon`, and lets the stream go on to its end", () => {
    const notes = new Notes();
    const { inbound, stream } = inboundOf(notes);
    inbound.hold(HOLD.application);
    inbound.receive(bytes("one"));

    inbound.abandon();
    inbound.receive(bytes("two"));
    inbound.release(HOLD.application);
    inbound.endReceived();

    assert.deepEqual(notes.events, []);
    assert.equal(stream.isPaused, false);
  });
});

describe("Inbound: exchange of the receiver", () => {
  it("gives what the last one has not taken to the one that took over in the call", () => {
    const first = new Notes("1:");
    const second = new Notes("2:");
    const { inbound } = inboundOf(first);
    first.take = () => {
      inbound.exchange(second, undefined);
      return 3;
    };

    inbound.receive(bytes("onetwo"));

    assert.deepEqual([first.events, second.events], [["1:one"], ["2:two"]]);
  });

  it("puts what the last one hands over in front of what it was being given", async () => {
    const first = new Notes("1:");
    const second = new Notes("2:");
    const { inbound } = inboundOf(first);
    first.take = () => {
      inbound.exchange(second, bytes("one"));
      return 3;
    };

    inbound.receive(bytes("onetwo"));
    await turn();

    assert.equal(second.events.join("").replaceAll("2:", ""), "onetwo");
  });

  it("puts what is handed over in front of what waits, also when all that was given was taken", async () => {
    const first = new Notes("1:");
    const second = new Notes("2:");
    const { inbound } = inboundOf(first);
    inbound.hold(HOLD.application);
    inbound.receive(Buffer.alloc(2_000, "a"));
    inbound.receive(Buffer.alloc(2_000, "b"));
    first.take = (all) => {
      inbound.exchange(second, bytes("unread"));
      return all.length;
    };

    inbound.release(HOLD.application);
    await turn();

    assert.match(second.events.join("").replaceAll("2:", ""), /^unreadb{2000}$/);
  });

  it("tells the new receiver of an end that only the last one knows", async () => {
    const first = new Notes("1:");
    const second = new Notes("2:");
    const { inbound } = inboundOf(first);
    inbound.endReceived();

    inbound.exchange(second, bytes("unread"));
    await turn();

    assert.deepEqual(second.events, ["2:unread", "2:end"]);
  });

  for (const when of ["atEnd", "atResume"] as const) {
    it(`delivers on to a receiver that took over ${when === "atEnd" ? "when the end was told" : "when delivery went on"}`, async () => {
      const first = new Notes("1:");
      const second = new Notes("2:");
      const { inbound } = inboundOf(first);
      first[when] = () => inbound.exchange(second, bytes("unread"));
      if (when === "atResume") {
        inbound.hold(HOLD.application);
        inbound.release(HOLD.application);
        await turn();
      }

      inbound.endReceived();
      await turn();

      assert.deepEqual(second.events, ["2:unread", "2:end"]);
    });
  }
});
