/** What a connection costs: calls into the kernel, and memory while it is idle. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import type { IpAddress } from "#src/engine/engine.js";
import { opensslAvailability } from "#src/engine/openssl/availability.js";
import {
  type ForeignFunctions,
  loadForeignFunctions,
} from "#src/engine/uring/ring/foreign-functions.js";
import {
  ENTRY_OPERATION_FLAGS,
  OP_POLL_ADD,
  OP_SEND,
} from "#src/engine/uring/ring/kernel-interface.js";
import { CANCEL_KIND, SEND_KIND } from "#src/engine/uring/ring/operation-slots.js";
import { UringStream } from "#src/engine/uring/sockets/uring-stream.js";
import { uringAvailability } from "#src/engine/uring/uring-engine.js";
import { selfSignedCertificate } from "#src/testing/index.js";
import type { ListenerProbe } from "../../support/engine-probe.js";
import { turns } from "../../support/engine-wait.js";
import { loopback, PLAIN_STREAM } from "../../support/engine-world.js";
import { until } from "../../support/until.js";
import { withEngine } from "./uring-case.js";

const available = uringAvailability();
const skip = available === true ? false : available;

/** Where user data has the kind of an operation. */
const KIND_MASK = 0x7f00_0000;

/** Foreign calls, counted by name. */
function counted(calls: ForeignFunctions): {
  calls: ForeignFunctions;
  counts: Map<string, number>;
} {
  const counts = new Map<string, number>();
  const wrapped = Object.entries(calls).map(([name, call]) => [
    name,
    (...args: unknown[]): unknown => {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      return (call as (...values: unknown[]) => unknown)(...args);
    },
  ]);
  return { calls: Object.fromEntries(wrapped) as ForeignFunctions, counts };
}

/** One question and its answer over a connection of its own, with a peer that is not the engine's. */
async function shortConnection(listener: ListenerProbe): Promise<void> {
  const before = listener.accepted.length;
  const { port } = listener.address as IpAddress;
  let answer = "";
  let isGone = false;
  const peer = connect({ port, host: "127.0.0.1" });
  peer.on("data", (bytes) => {
    answer += bytes;
  });
  peer.on("close", () => {
    isGone = true;
  });
  peer.write("question");
  await until(() => isGone && listener.accepted[before]?.isClosed === true);
  assert.equal(answer, "question");
}

describe("uring costs", { skip }, () => {
  test("a short connection takes at most 8 foreign calls, the addresses of both ends included", async (context) => {
    const { calls, counts } = counted(loadForeignFunctions());
    await withEngine(
      {},
      async (world) => {
        const listener = await world.listen();
        listener.onAccepted = (stream): boolean => {
          stream.onReceived = (bytes): void => {
            assert.deepEqual(stream.socket.localAddress(), listener.address);
            stream.socket.write(Buffer.from(bytes));
            stream.socket.finish();
          };
          return true;
        };
        const closeAtEnd = (): void => {
          for (const { socket, isEnded, isClosed } of listener.accepted) {
            if (isEnded && !isClosed) socket.close();
          }
        };
        const rounds = 50;
        const closing = setInterval(closeAtEnd, 1);
        await shortConnection(listener);
        await turns(5);
        counts.clear();

        // Half of them, not their mean: on a busy machine some rounds wait once more for the kernel.
        const sums: number[] = [];
        const total = (): number => [...counts.values()].reduce((sum, count) => sum + count, 0);
        for (let round = 0; round < rounds; round++) {
          const before = total();
          await shortConnection(listener);
          sums.push(total() - before);
        }
        clearInterval(closing);

        const text = [...counts].map(([name, count]) => `${name} ${count / rounds}`).join(", ");
        const median = sums.toSorted((a, b) => a - b)[rounds >> 1]!;
        context.diagnostic(`${median} foreign calls for a connection; in the mean ${text}`);
        assert.ok(median <= 8, `${median} foreign calls for a connection; in the mean ${text}`);
        assert.equal(counts.get("localName"), undefined);
        const last = listener.accepted.at(-1)!.socket.remoteAddress() as IpAddress;
        assert.equal(last.host, "127.0.0.1");
        assert.ok(last.port > 0);
      },
      calls,
    );
  });

  test(
    "a secured stream that its peer ends is not watched, and its goodbye is neither waited for nor cancelled",
    {
      skip: opensslAvailability() === true ? false : opensslAvailability(),
    },
    () =>
      withEngine({}, async (world, engine) => {
        const context = engine.createTlsContext("server", selfSignedCertificate());
        const stream = { ...PLAIN_STREAM, mayStartTls: true };
        const listener = await world.listen(loopback(), { stream });
        listener.onAccepted = ({ socket }): boolean => {
          socket.startTls(context);
          return true;
        };
        const { port } = listener.address as IpAddress;
        const peer = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
        peer.on("error", () => {});
        await until(() => listener.accepted[0]?.events.includes("secured") === true);
        const { ring } = engine.loop;
        const claim = ring.claim.bind(ring);
        const claimed: {
          readonly operation: number;
          readonly kind: number;
          readonly at: number;
        }[] = [];
        ring.claim = (operation, descriptor, userLow, userHigh): number => {
          const at = claim(operation, descriptor, userLow, userHigh);
          claimed.push({ operation: operation & 0xff, kind: userLow & KIND_MASK, at });
          return at;
        };
        const [server] = listener.accepted;
        let flags: number[] = [];
        server!.onEnded = (): void => {
          const before = claimed.length;
          server!.socket.close();
          const sends = claimed.slice(before).filter(({ operation }) => operation === OP_SEND);
          flags = sends.map(({ at }) => ring.entries[at + ENTRY_OPERATION_FLAGS]!);
        };

        peer.end();
        await until(() => server!.isClosed);

        const MSG_DONTWAIT = 0x40;
        assert.equal(flags.length, 1);
        assert.equal(flags[0]! & MSG_DONTWAIT, MSG_DONTWAIT);
        assert.equal(claimed.filter(({ operation }) => operation === OP_POLL_ADD).length, 0);
        assert.equal(claimed.filter(({ kind }) => kind === CANCEL_KIND + SEND_KIND).length, 0);
        peer.destroy();
      }),
  );

  test("an idle stream is one object of at most nine fields", () =>
    withEngine({}, async (world, engine) => {
      const { client, server } = await world.pair();
      client.socket.write(Buffer.from("there"));
      await until(() => server.receivedBytes === 5 && client.writtenCount === 1);
      const [stream] = engine.loop.slots.holders().filter((owner) => owner instanceof UringStream);

      const fields = Object.keys(stream!);

      // The head of an object takes three words, and each field one: 96 bytes.
      assert.ok(fields.length <= 9, `fields: ${fields.join(", ")}`);
    }));
});
