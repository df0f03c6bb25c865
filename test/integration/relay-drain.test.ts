/** What goes through a relay, spliced where the engine can, when one side or the relay itself ends. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import type { EngineName, StopResult } from "hp-socket";
import { Relay, type RelayOptions, type RelayRecord } from "hp-socket/proxy";
import { selfSignedCertificate } from "hp-socket/testing";
import { patternBytes } from "../support/byte-pattern.js";
import { availableEngines } from "../support/engine-list.js";
import { turns, untilQuiet } from "../support/engine-wait.js";
import { until } from "../support/until.js";

const MIB = 1_048_576;

const CERTIFICATE = selfSignedCertificate();

/** Both ends of a tunnel, each of which may finish alone. */
interface Ends {
  readonly relay: Relay;
  readonly client: Socket;
  readonly destination: Socket;
  readonly records: readonly RelayRecord[];
}

async function ends(
  test: TestContext,
  engine: EngineName,
  options: Partial<RelayOptions> = {},
): Promise<Ends> {
  const isTls = options.toTls !== undefined;
  const server = isTls
    ? createTlsServer({ ...CERTIFICATE, allowHalfOpen: true })
    : createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  test.after(() => void server.close());
  await once(server, "listening");
  const records: RelayRecord[] = [];
  const relay = new Relay({
    engine,
    to: [`127.0.0.1:${(server.address() as AddressInfo).port}`],
    onRelayed: (record) => records.push(record),
    ...options,
  });
  test.after(() => relay.stop({ drainMs: 0 }));
  const { port } = await relay.listen();
  const accepted = once(server, isTls ? "secureConnection" : "connection");
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const [destination] = (await accepted) as [Socket];
  for (const socket of [client, destination]) {
    socket.on("error", () => {});
    test.after(() => void socket.destroy());
  }
  return { relay, client, destination, records };
}

/** What comes until the end, or until the connection breaks. */
function gathered(socket: Socket): {
  readonly pieces: Buffer[];
  readonly bytes: () => Buffer;
  isEnded: boolean;
} {
  const pieces: Buffer[] = [];
  const all = { pieces, bytes: () => Buffer.concat(pieces), isEnded: false };
  socket.on("data", (piece: Buffer) => void pieces.push(piece));
  socket.on("end", () => {
    all.isEnded = true;
  });
  return all;
}

const PATTERN = patternBytes(0, 24 * MIB);

for (const engine of availableEngines()) {
  describe(`what goes through a relay on ${engine}`, () => {
    for (const isToDestination of [true, false]) {
      const way = isToDestination ? "to the destination" : "to the client";
      it(`arrives whole ${way}, and then the end, when the relay stops meanwhile`, async (test) => {
        const { relay, client, destination } = await ends(test, engine);
        const [from, to] = isToDestination ? [client, destination] : [destination, client];
        // The other direction has ended, so that this one is half of a tunnel.
        to.end();
        from.resume();
        await once(from, "end");
        from.end(PATTERN);
        await until(() => relay.stats.receivedBytes > 0 || relay.stats.sentBytes > 0);
        const stopping = relay.stop({ drainMs: 20_000 });
        const all = gathered(to);
        await until(() => to.destroyed || all.isEnded);

        assert.ok(all.isEnded);
        const came = all.bytes();
        assert.ok(came.equals(PATTERN), `${came.length} bytes`);
        assert.deepEqual(await stopping, { drainedCount: 1, cutCount: 0 });
      });
    }

    leftBehind(engine, "over TLS", { toTls: { ca: CERTIFICATE.cert } });
    // uring carries what is plain, and tells of a client's end when nothing waits any more.
    if (engine !== "uring") leftBehind(engine, "plain", {});

    it("counts exactly, whatever the size of the pieces", async (test) => {
      const { client, destination, records } = await ends(test, engine);
      destination.pipe(destination);
      const back = gathered(client);
      let at = 0;
      for (const [byteCount, pieceBytes] of [
        [20_000, 1_000],
        [4 * MIB, 131_072],
        [20_000, 1_000],
      ] as const) {
        for (let sentBytes = 0; sentBytes < byteCount; sentBytes += pieceBytes) {
          client.write(PATTERN.subarray(at, at + pieceBytes));
          at += pieceBytes;
          await until(() => back.pieces.reduce((sum, { length }) => sum + length, 0) === at);
        }
      }
      client.end();
      await until(() => records.length === 1);

      assert.ok(back.bytes().equals(PATTERN.subarray(0, at)));
      const [record] = records as [RelayRecord];
      assert.deepEqual([record.fromClientBytes, record.toClientBytes], [at, at]);
    });

    it("keeps a tunnel open as long as something comes, and silence ends it", async (test) => {
      const { client, destination, records } = await ends(test, engine, {
        tunnelIdleTimeoutMs: 1_000,
      });
      destination.resume();
      const beginMs = performance.now();
      let wroteMs = beginMs;
      while (wroteMs - beginMs < 1_500 && records.length === 0) {
        wroteMs = performance.now();
        client.write(PATTERN.subarray(0, STEP_BYTES));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assert.equal(records.length, 0);
      await until(() => records.length === 1);

      assert.equal(records[0]?.error?.code, "IDLE_TIMEOUT");
      assert.ok(performance.now() - wroteMs > 900);
    });
  });
}

/** How many bytes more or less are tried where too many or too few wait. */
const STEP_BYTES = 65_536;

/**
 * A client that has gone, and of whose bytes some still wait in the relay, while the destination reads nothing. How much the
 * kernel takes is not the same each time: it is sought.
 */
async function lastWords(
  test: TestContext,
  engine: EngineName,
  options: Partial<RelayOptions>,
): Promise<Ends & { readonly bytes: Buffer }> {
  const stalled = await ends(test, engine, options);
  stalled.client.write(PATTERN);
  await untilQuiet(() => stalled.relay.stats.receivedBytes, 50);
  let byteCount = stalled.relay.stats.receivedBytes - STEP_BYTES;
  for (let attempt = 0; attempt < 40; attempt++) {
    const bytes = PATTERN.subarray(0, byteCount);
    const all = await ends(test, engine, options);
    const { relay, client, destination, records } = all;
    destination.end();
    client.resume();
    await once(client, "end");
    client.end(bytes);
    await untilQuiet(() => relay.stats.receivedBytes + relay.connectionCount, 50);
    if (relay.connectionCount === 0 && records.length === 0) return { ...all, bytes };
    byteCount += relay.connectionCount === 0 ? STEP_BYTES : -STEP_BYTES;
    destination.destroy();
    client.destroy();
  }
  throw new Error(`nothing waits, or too much, at ${byteCount} bytes`);
}

function leftBehind(engine: EngineName, way: string, options: Partial<RelayOptions>): void {
  it(`still goes to the destination, ${way}, when the client has gone before the drain is over`, async (test) => {
    const { relay, destination, bytes, stopping } = await stoppedLate(test, engine, options);

    await assert.rejects(relay.listen(), { code: "INVALID_STATE" });
    await assert.rejects(relay.stopped({ timeoutMs: 1 }), { code: "CLOSE_TIMEOUT" });
    const all = gathered(destination);
    await until(() => destination.destroyed || all.isEnded);

    assert.ok(all.isEnded);
    const came = all.bytes();
    assert.ok(came.equals(bytes), `${came.length} bytes`);
    assert.deepEqual(await stopping, { drainedCount: 1, cutCount: 0 });
    await relay.stopped();
  });

  it(`counts a client as cut, ${way}, whose last bytes did not reach the destination`, async (test) => {
    let counts: unknown;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { relay, records } = await lastWords(test, engine, options);
      const result = await relay.stop({ drainMs: 50 });
      counts = [result, records.length];
      if (result.cutCount > 0) break;
    }

    assert.deepEqual(counts, [{ drainedCount: 0, cutCount: 1 }, 1]);
  });
}

/** How often it is tried to find something that waits: the kernel may take it at any moment. */
const ATTEMPTS = 5;

/** {@link lastWords}, at a relay that is told to stop, and waits for them. */
async function stoppedLate(
  test: TestContext,
  engine: EngineName,
  options: Partial<RelayOptions>,
): Promise<Awaited<ReturnType<typeof lastWords>> & { readonly stopping: Promise<StopResult> }> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const all = await lastWords(test, engine, options);
    const stopping = all.relay.stop({ drainMs: 20_000 });
    let isStopped = false;
    void stopping.then(() => {
      isStopped = true;
    });
    // Time for a stop that looks at clients alone to be over.
    await turns(5);
    if (!isStopped) return { ...all, stopping };
  }
  throw new Error("the relay stopped at once, each time");
}
