/**
 * Random lives of UDP nodes and casts over a network that loses, doubles and reorders: whatever is done when, each
 * opening has one end, nothing comes behind it, and nothing is left over.
 */
import assert from "node:assert/strict";
import { it } from "node:test";
import { NetError } from "hp-socket";
import { ManualClock, MemoryEngine } from "hp-socket/testing";
import { type CastHandlers, UdpCast, UdpNode } from "hp-socket/udp";
import { fuzzRuns } from "../support/fuzz-runs.js";
import { Random } from "../support/random.js";

const SEEDS = fuzzRuns(100);
const STEPS = 150;
const GROUP = "239.255.73.20";
const PORT = 5_555;

interface Member {
  readonly socket: UdpNode | UdpCast;
  open(): Promise<unknown>;
  send(data: string): unknown;
  openedCount: number;
  closedCount: number;
  shutCount: number;
  receivedCount: number;
}

/** Ends by their codes, and failures that were told, of all lives. */
const told = new Map<string, number>();
const note = (what: string): void => void told.set(what, (told.get(what) ?? 0) + 1);

async function life(seed: number): Promise<void> {
  const random = new Random(seed);
  const clock = new ManualClock();
  const engine = new MemoryEngine({
    clock,
    seed,
    delayMs: random.integer(0, 5),
    datagrams: { lossRate: 0.1, duplicateRate: 0.1, reorderRate: 0.1, reorderDelayMs: 20 },
  });
  const waits: Promise<unknown>[] = [];
  const waited = (promise: Promise<unknown>, then?: () => void): void => {
    const settled = promise.then(then, (error: unknown) => {
      assert.ok(error instanceof NetError, String(error));
      note(error.code);
    });
    waits.push(settled);
  };
  const problems: string[] = [];
  const members: Member[] = [];
  const act = (member: Member): void => {
    const { socket } = member;
    switch (random.integer(0, 11)) {
      case 0:
        waited(socket.stop());
        break;
      case 1:
        socket.pause();
        break;
      case 2:
        socket.resume();
        break;
      case 3:
        waited(socket.drained({ timeoutMs: 50 }));
        break;
      case 4:
        socket.configure({ maxPendingBytes: random.integer(262_144, 400_000) });
        break;
      case 5:
        throw new Error("a handler fails");
      case 6:
        for (let count = 0; count < 20; count++) member.send("burst");
        break;
      case 7:
        socket.unref();
        socket.ref();
        break;
      default:
        member.send(random.pick(["", "a", "c".repeat(1_400)]));
    }
  };
  const handlersOf = (find: () => Member): CastHandlers<never> => {
    const seen = (name: string): void => {
      const { openedCount, closedCount, socket } = find();
      if (socket.state === "stopped" || closedCount >= openedCount) problems.push(name);
    };
    return {
      onReceive() {
        seen("receive");
        find().receivedCount++;
        if (random.next() < 0.3) act(find());
      },
      onSend: () => seen("send"),
      onDrain: () => seen("drain"),
      onError: (_, { code }) => note(code),
      onClose(_, { code }) {
        note(code);
        find().closedCount++;
      },
      onShutdown: () => void find().shutCount++,
    } as CastHandlers<never>;
  };
  for (let index = 0; index < 4; index++) {
    const find = (): Member => members[index]!;
    const handlers = handlersOf(find) as object;
    const counts = { openedCount: 0, closedCount: 0, shutCount: 0, receivedCount: 0 };
    if (index < 2) {
      const socket = new UdpNode({ engine, ...handlers });
      members.push({
        ...counts,
        socket,
        open: () => socket.open({ host: "127.0.0.1", port: PORT + 1 + index }),
        send: (data) => socket.send({ host: "127.0.0.1", port: PORT + 2 - index }, data),
      });
    } else {
      const socket = new UdpCast({ engine, multicastLoop: true, ...handlers });
      members.push({
        ...counts,
        socket,
        open: () => socket.open({ group: GROUP, port: PORT }),
        send: (data) => socket.send(data),
      });
    }
  }

  for (let step = 0; step < STEPS; step++) {
    const member = random.pick(members);
    const isStopped = member.socket.state === "stopped";
    if (isStopped || random.next() < 0.05) {
      // What is opened twice is told so; the first call goes on.
      waited(member.open(), () => void member.openedCount++);
      if (random.next() < 0.3) waited(member.socket.stop());
    } else if (member.socket.state === "started") {
      try {
        act(member);
      } catch (error) {
        assert.equal((error as Error).message, "a handler fails");
      }
    } else if (random.next() < 0.2) waited(member.socket.stop());
    await engine.settle();
    if (random.next() < 0.5) clock.advance(random.integer(0, 60));
    await engine.settle();
  }
  for (const { socket } of members) waited(socket.stop());
  for (let round = 0; round < 20; round++) {
    await engine.settle();
    clock.advance(200);
  }
  await Promise.all(waits);

  assert.deepEqual(problems, []);
  for (const { socket, openedCount, closedCount, shutCount } of members) {
    assert.equal(socket.state, "stopped");
    assert.equal(closedCount, openedCount);
    assert.equal(shutCount, openedCount);
    assert.equal(socket.stats.pendingBytes, 0);
  }
  assert.equal(clock.timerCount, 0, "no timer is left");
  note(members.some(({ receivedCount }) => receivedCount > 0) ? "heard" : "deaf");
}

it(`nodes and casts end once for each time they were opened, and leave nothing over (${SEEDS} seeds)`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      await life(seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
  // Lives in which little happens would find nothing.
  for (const what of ["CLOSED", "STOPPED", "INVALID_STATE", "HANDLER_FAILED", "heard"]) {
    assert.ok((told.get(what) ?? 0) > SEEDS / 12, `${what} ${told.get(what)}`);
  }
});
