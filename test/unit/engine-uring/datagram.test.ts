/** Datagram sockets where it matters how the ring does it: copies, truncation, mapped addresses. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { DatagramTarget, IpAddress } from "#src/engine/engine.js";
import { EAGAIN } from "#src/engine/uring/ring/system-call-error.js";
import { patternBytes } from "../../support/byte-pattern.js";
import { turns } from "../../support/engine-wait.js";
import { loopback } from "../../support/engine-world.js";
import { Random } from "../../support/random.js";
import { until } from "../../support/until.js";
import { uringTest, withEngine } from "./uring-case.js";

/** What sockets of the ring keep to themselves. */
interface Borrowing {
  withDescriptor(call: (descriptor: number) => number): number;
}

interface TriedSend {
  readonly token: number;
}

/** How they hear of their sends. */
interface Completing {
  readonly waiting: TriedSend | undefined;
  submit(send: TriedSend, waits: boolean): void;
  sendCompleted(send: TriedSend, result: number): void;
}

const LARGEST = 65_507;
const WIDE: Partial<DatagramTarget> = { receiveBufferBytes: 4_194_304 };

describe("uring datagram", () => {
  uringTest("carries datagrams of every size whole, in debug mode", () =>
    withEngine({ debug: true }, async (world, engine) => {
      const random = new Random(8);
      const one = await world.datagram(WIDE);
      const two = await world.datagram(WIDE);
      const sizes = [0, 1, 16_384, 16_385, LARGEST];
      for (let count = 0; count < 40; count++) sizes.push(random.integer(0, LARGEST));

      for (const [token, size] of sizes.entries()) {
        one.send(token, patternBytes(token, size), two.address);
        await until(() => two.received.length === token + 1);
      }
      await until(() => one.sent.length === sizes.length);

      for (const [token, size] of sizes.entries()) {
        assert.ok(two.received[token]!.bytes.equals(patternBytes(token, size)), `${size} bytes`);
      }
      assert.equal(engine.loop.arena.liveCount, 0);
      assert.equal(engine.loop.slots.heldCount, 2, "the two sockets' own");
    }),
  );

  uringTest("drops a datagram that is longer than a receive buffer, and goes on", () =>
    withEngine({ receiveBufferBytes: 1_024 }, async (world) => {
      const one = await world.datagram();
      const two = await world.datagram();

      one.send(1, Buffer.alloc(3_000, "long"), two.address);
      one.send(2, Buffer.from("short"), two.address);
      await until(() => two.received.length > 0);
      await turns(5);

      assert.deepEqual(
        two.received.map(({ bytes }) => bytes.toString()),
        ["short"],
      );
    }),
  );

  uringTest("hands a run to the kernel whole, and gets a train in one call", () =>
    withEngine({ debug: true }, async (world) => {
      const one = await world.datagram();
      const two = await world.datagram();
      const pieces = Array.from({ length: 40 }, (_, index) => Buffer.alloc(1_000, index));

      one.sendRun(1, pieces, two.address);
      await until(() => two.received.length === 40 && one.sent.length === 1);

      assert.equal(two.receiveCount, 1);
      for (const [index, { bytes }] of two.received.entries()) {
        assert.ok(bytes.equals(pieces[index]!), `datagram ${index}`);
      }
    }),
  );

  uringTest("sends runs one by one that the kernel does not cut, and remembers it", () =>
    withEngine({}, async (world, engine) => {
      const one = await world.datagram();
      const two = await world.datagram();
      // On the loopback interface, whose packets have 65,536 bytes, no length is refused by itself.
      const { calls } = engine.loop;
      const udp = 17;
      const noCheck = 11;
      const isSet = (one.socket as unknown as Borrowing).withDescriptor((descriptor) =>
        calls.setOption(descriptor, 1, noCheck, Int32Array.of(1)),
      );
      assert.equal(isSet, 0, `SO_NO_CHECK (${udp})`);
      const pieces = Array.from({ length: 20 }, (_, index) => Buffer.alloc(500, index));

      one.sendRun(1, pieces, two.address);
      one.sendRun(2, pieces, two.address);
      await until(() => two.received.length === 40 && one.sent.length === 2);
      one.sendRun(3, pieces, two.address);
      await until(() => two.received.length === 60 && one.sent.length === 3);

      assert.deepEqual(
        one.sent.map(({ error }) => error),
        [undefined, undefined, undefined],
      );
      assert.ok(two.receiveCount > 3, "each came by itself");
      assert.equal(engine.loop.arena.liveCount, 0);
    }),
  );

  uringTest("hands runs over again when what was refused was not the run", () =>
    withEngine({}, async (world) => {
      const one = await world.datagram();
      const two = await world.datagram();
      const pieces = Array.from({ length: 20 }, (_, index) => Buffer.alloc(500, index));

      // Nothing can be sent to port 0: EINVAL, for a run and for each of it.
      one.sendRun(1, pieces, loopback(0));
      one.sendRun(2, pieces, loopback(0));
      await until(() => one.sent.length === 2);
      assert.deepEqual(
        one.sent.map(({ error }) => error?.systemCode),
        ["EINVAL", "EINVAL"],
      );
      assert.equal(one.failedCount, 40);
      one.sendRun(3, pieces, two.address);
      await until(() => two.received.length === 20 && one.sent.length === 3);

      assert.equal(two.receiveCount, 1, "came as one train");
    }),
  );

  uringTest(
    "sends what finds no room when there is some, in its order, and answers each once",
    () =>
      withEngine({ debug: true }, async (world, engine) => {
        const one = await world.datagram();
        // On the loopback interface there is always room: the answer of the kernel is exchanged for "none".
        const [holder] = engine.loop.slots.holders();
        const socket = (holder as unknown as { readonly sends: Completing }).sends;
        const two = await world.datagram(WIDE);
        const complete = socket.sendCompleted.bind(socket);
        const tried: number[] = [];
        let roomCount = 3;
        let inFlight = 0;
        let mostInFlight = 0;
        socket.submit = ((submit) => (send: TriedSend, waits: boolean) => {
          mostInFlight = Math.max(mostInFlight, ++inFlight);
          submit(send, waits);
        })(socket.submit.bind(socket));
        socket.sendCompleted = (send, result) => {
          inFlight--;
          tried.push(send.token);
          // Some find room, then none do, then the one that waits for it.
          const hasRoom = send === socket.waiting || roomCount > 0;
          roomCount = send === socket.waiting ? 5 : roomCount - 1;
          complete(send, hasRoom ? result : EAGAIN);
        };
        const count = 400;

        for (let token = 0; token < count; token++) {
          one.send(token, Buffer.of(token & 255, token >> 8), two.address);
        }
        await until(() => one.sent.length === count);
        for (let token = count; token < count + 5; token++) {
          one.send(token, Buffer.of(token & 255, token >> 8), two.address);
        }
        await until(() => one.sent.length === count + 5);

        const inOrder = [...Array(count + 5).keys()];
        assert.deepEqual(
          one.sent.map(({ token }) => token),
          inOrder,
        );
        assert.ok(one.sent.every(({ error }) => error === undefined));
        assert.ok(mostInFlight <= 128, `${mostInFlight} at once`);
        assert.ok(tried.length > count && tried.length < 4 * count, `${tried.length} tries`);
        assert.equal(engine.loop.arena.liveCount, 0);
        assert.equal(engine.loop.slots.heldCount, 2, "the two sockets' own");
      }),
  );

  uringTest("gives back what waits for room when it is closed", () =>
    withEngine({ debug: true }, async (world, engine) => {
      const one = await world.datagram();
      const [holder] = engine.loop.slots.holders();
      const socket = (holder as unknown as { readonly sends: Completing }).sends;
      const two = await world.datagram();
      const complete = socket.sendCompleted.bind(socket);
      socket.sendCompleted = (send) => complete(send, EAGAIN);

      for (let token = 0; token < 300; token++) one.send(token, Buffer.alloc(100), two.address);
      await turns(3);
      one.socket.close();
      await until(() => one.isClosed);

      assert.deepEqual(one.sent, []);
      assert.equal(engine.loop.arena.liveCount, 0);
      assert.equal(engine.loop.slots.heldCount, 1, "that of the other socket");
    }),
  );

  uringTest("tells what the kernel has dropped", () =>
    withEngine({}, async (world) => {
      const one = await world.datagram();
      const two = await world.datagram({ receiveBufferBytes: 4_096 });
      two.socket.pause();
      await turns(5);

      for (let token = 0; token < 100; token++) one.send(token, Buffer.alloc(1_000), two.address);
      await until(() => one.sent.length === 100);
      two.socket.resume();
      await until(() => two.received.length > 0);
      one.send(100, Buffer.from("one more"), two.address);
      await until(() => two.received.some(({ bytes }) => bytes.length === 8));

      assert.equal(two.socket.droppedCount, 101 - two.received.length);
    }),
  );

  uringTest("reaches an IPv4 peer from a socket for both families", () =>
    withEngine({}, async (world) => {
      const address: IpAddress = { host: "::", port: 0, family: "IPv6" };
      const both = await world.datagram({ address, dualStack: true });
      const four = await world.datagram();

      both.send(1, Buffer.from("mapped"), four.address);
      await until(() => four.received.length === 1);
      four.send(2, Buffer.from("back"), loopback(both.address!.port));
      await until(() => both.received.length === 1);

      assert.deepEqual(four.received[0]!.from, loopback(both.address!.port));
      assert.deepEqual(both.received[0]!.from, {
        host: "::ffff:127.0.0.1",
        port: four.address!.port,
        family: "IPv6",
      });
    }),
  );

  uringTest("keeps its senders' addresses apart", () =>
    withEngine({}, async (world) => {
      const target = await world.datagram();
      const address: IpAddress = { host: "::1", port: 0, family: "IPv6" };
      const sixth = await world.datagram({ address });
      const sixes = [await world.datagram({ address }), await world.datagram({ address })];
      const fours = [await world.datagram(), await world.datagram(), await world.datagram()];

      for (const [index, four] of fours.entries()) {
        four.send(0, Buffer.of(index), target.address);
      }
      for (const [index, six] of sixes.entries()) {
        six.send(0, Buffer.of(index), sixth.address);
      }
      await until(() => target.received.length === 3 && sixth.received.length === 2);

      for (const { bytes, from } of target.received) {
        assert.deepEqual(from, fours[bytes[0]!]!.address);
      }
      for (const { bytes, from } of sixth.received) {
        assert.deepEqual(from, sixes[bytes[0]!]!.address);
      }
    }),
  );

  uringTest("throws for what can't be sent, without losing anything", () =>
    withEngine({}, async (world, engine) => {
      const probe = await world.datagram();
      const { socket, address } = probe;
      const held = engine.loop.slots.heldCount;
      const bytes = Buffer.from("x");

      assert.throws(() => socket.send(1, bytes), { code: "INVALID_ARGUMENT" });
      const name = { host: "localhost", port: address!.port, family: "IPv4" } as const;
      assert.throws(() => probe.send(1, bytes, name), { code: "INVALID_ARGUMENT" });
      assert.throws(() => socket.joinGroup({ group: "no group" }), { code: "INVALID_ARGUMENT" });
      assert.throws(() => socket.setMulticastTtl(256), { code: "INVALID_ARGUMENT" });
      assert.throws(() => socket.leaveGroup({ group: "239.1.2.3", interfaceHost: "127.0.0.1" }), {
        operation: "configure",
      });

      assert.equal(engine.loop.slots.heldCount, held);
    }),
  );
});
