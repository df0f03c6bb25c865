/** Contract cases: bytes written and received, and the peer being held back. */
import assert from "node:assert/strict";
import { isPattern, patternBytes, patternView } from "../support/byte-pattern.js";
import type { StreamProbe } from "../support/engine-probe.js";
import { turns, untilQuiet } from "../support/engine-wait.js";
import { until } from "../support/until.js";
import type { ContractCase } from "./engine-case.js";

const MIB = 1_048_576;

/** Writes `total` bytes of the pattern, `size` at a time, the next when the last is written. */
function pour(stream: StreamProbe, total: number, size: number): void {
  let pouredBytes = 0;
  const next = (): void => {
    if (pouredBytes === total) return;
    const bytes = patternView(pouredBytes, Math.min(size, total - pouredBytes));
    pouredBytes += bytes.length;
    stream.socket.write(bytes);
  };
  stream.onWritten = next;
  next();
}

const writeCases: readonly ContractCase[] = [
  {
    title: "carries bytes both ways",
    async run(world) {
      const { client, server } = await world.pair();

      client.socket.write(Buffer.from("question"));
      server.socket.write(Buffer.from("answer"));
      await until(() => client.receivedBytes === 6 && server.receivedBytes === 8);

      assert.equal(server.received().toString(), "question");
      assert.equal(client.received().toString(), "answer");
    },
  },
  {
    title: "carries 1 MiB each way in one write, with one written of its size",
    async run(world) {
      const { client, server } = await world.pair();
      const bytes = patternView(0, MIB);

      client.socket.write(bytes);
      server.socket.write(bytes);
      await until(() => client.receivedBytes === MIB && server.receivedBytes === MIB);
      await until(() => client.writtenCount + server.writtenCount === 2);

      assert.ok(isPattern(client.received(), 0));
      assert.ok(isPattern(server.received(), 0));
      assert.equal(client.writtenBytes, MIB);
      assert.equal(server.writtenBytes, MIB);
    },
  },
  {
    title: "writes many small pieces as one, empty ones too, and leaves the array free",
    async run(world) {
      const { client, server } = await world.pair();
      const pieces: Uint8Array[] = [];
      for (let index = 0; index < 1_500; index++) {
        pieces.push(index % 10 === 0 ? new Uint8Array(0) : patternBytes(0, 3));
      }

      client.socket.writeAll(pieces, 4_050);
      pieces.fill(Buffer.from("overwritten"));
      await until(() => server.receivedBytes === 4_050 && client.writtenCount === 1);

      assert.ok(server.received().equals(Buffer.alloc(4_050, patternBytes(0, 3))));
      assert.equal(client.writtenBytes, 4_050);
    },
  },
  {
    title: "writes large pieces as one",
    async run(world) {
      const { client, server } = await world.pair();
      const pieces = Array.from({ length: 7 }, (_, index) => patternView(index * 200_000, 200_000));

      client.socket.writeAll(pieces, 1_400_000);
      await until(() => server.receivedBytes === 1_400_000 && client.writtenCount === 1);

      assert.ok(isPattern(server.received(), 0));
      assert.equal(client.writtenBytes, 1_400_000);
    },
  },
  {
    title: "writes one piece with writeAll",
    async run(world) {
      const { client, server } = await world.pair();

      client.socket.writeAll([Buffer.from("alone")], 5);
      await until(() => server.receivedBytes === 5 && client.writtenCount === 1);

      assert.equal(server.received().toString(), "alone");
    },
  },
  {
    title: "completes each write once, with its count, the next one started in the call",
    async run(world) {
      const { client, server } = await world.pair();
      const sizes = Array.from({ length: 100 }, (_, index) => 1 + index * 37);
      const total = sizes.reduce((sum, size) => sum + size, 0);
      const left = [...sizes];
      let sentBytes = 0;
      const next = (): void => {
        const size = left.shift();
        if (size === undefined) return;
        client.socket.write(patternBytes(sentBytes, size));
        sentBytes += size;
      };

      client.onWritten = next;
      next();
      await until(() => client.writtenCount === 100 && server.receivedBytes === total);

      const written = client.events.filter((event) => event.startsWith("written"));
      assert.deepEqual(
        written,
        sizes.map((size) => `written ${size}`),
      );
      assert.ok(isPattern(server.received(), 0));
    },
  },
  {
    title: "completes an empty write with a count of 0",
    async run(world) {
      const { client } = await world.pair();

      client.socket.write(new Uint8Array(0));
      await until(() => client.writtenCount === 1);

      assert.deepEqual(client.events, ["opened", "written 0"]);
    },
  },
  {
    title: "leaves bytes free to be changed once they are written",
    async run(world) {
      const { client, server } = await world.pair();
      server.socket.pause();
      const bytes = patternBytes(0, 1_000);

      client.socket.write(bytes);
      await until(() => client.writtenCount === 1);
      bytes.fill(0);
      server.socket.resume();
      await until(() => server.receivedBytes === 1_000);

      assert.ok(isPattern(server.received(), 0));
    },
  },
  {
    title: "leaves received bytes to the sink where they are not lent",
    async run(world, context) {
      const { client, server } = await world.pair();
      const { client: from, server: to } = server.socket.lendsBytes
        ? { client: server, server: client }
        : { client, server };
      if (to.socket.lendsBytes) {
        context.skip("both ends lend their bytes");
        return;
      }
      const kept: Buffer[] = [];
      to.onReceived = (bytes): void => {
        kept.push(bytes);
      };

      pour(from, 4 * MIB, 65_536);
      await until(() => to.receivedBytes === 4 * MIB);

      assert.ok(isPattern(Buffer.concat(kept), 0));
    },
  },
];

const pauseCases: readonly ContractCase[] = [
  {
    title: "holds the peer back during a pause, and goes on without losing a byte",
    async run(world) {
      const { client, server } = await world.pair();
      const total = world.engine.name === "memory" ? 4 * MIB : 32 * MIB;
      let isIntact = true;
      let checkedBytes = 0;
      server.onReceived = (bytes): void => {
        isIntact &&= isPattern(bytes, checkedBytes);
        checkedBytes += bytes.length;
        server.forget();
      };
      server.socket.pause();

      pour(client, total, MIB);
      const heldBytes = await untilQuiet(() => client.writtenBytes, 100);
      assert.ok(heldBytes < total, `${heldBytes} of ${total} bytes were written in the pause`);
      assert.ok(server.receivedBytes <= MIB, "what came in the pause was on its way already");
      server.socket.resume();
      await until(() => server.receivedBytes === total, 30_000);

      assert.ok(isIntact);
      await until(() => client.writtenBytes === total);
    },
  },
  {
    title: "pauses and resumes at every call of the sink without losing a byte",
    async run(world) {
      const { client, server } = await world.pair();
      const total = 2 * MIB;
      server.onReceived = (): void => {
        server.socket.pause();
        server.socket.pause();
        world.engine.afterTurn(() => server.socket.resume());
      };

      pour(client, total, 50_000);
      await until(() => server.receivedBytes === total, 30_000);

      assert.ok(isPattern(server.received(), 0));
    },
  },
  {
    title: "pauses the end that connected, in the call that opened it",
    async run(world) {
      const listener = await world.listen();
      listener.onAccepted = (server): boolean => {
        server.socket.write(patternBytes(0, 5_000));
        return true;
      };
      const client = world.startConnect(listener.address!);
      client.onOpened = () => client.socket.pause();
      await until(() => client.isOpened && listener.accepted[0]?.writtenCount === 1);
      await turns(20);
      const early = client.receivedBytes;

      client.socket.resume();
      await until(() => client.receivedBytes === 5_000);

      assert.equal(early, 0, "nothing was on its way when the pause began");
      assert.ok(isPattern(client.received(), 0));
    },
  },
  {
    title: "tells the end of the peer behind its bytes after a pause",
    async run(world) {
      const { client, server } = await world.pair();
      client.socket.pause();
      server.socket.write(patternBytes(0, 10_000));
      server.socket.finish();
      await until(() => server.writtenCount === 1);
      await turns(20);

      client.socket.resume();
      client.socket.resume();
      await until(() => client.isEnded);

      assert.equal(client.receivedBytes, 10_000);
      assert.equal(client.events.at(-1), "ended");
    },
  },
];

/** Writing, receiving and pausing. */
export const byteCases: readonly ContractCase[] = [...writeCases, ...pauseCases];
