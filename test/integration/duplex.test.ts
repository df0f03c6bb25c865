import assert from "node:assert/strict";
import { Readable, Transform } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { describe, it } from "node:test";
import {
  type CloseReason,
  type Connection,
  type EngineName,
  pack,
  type SlowConsumer,
  TcpClient,
  TcpServer,
} from "hp-socket";
import { availableEngines } from "../support/engine-list.js";
import { until } from "../support/until.js";

const host = "127.0.0.1";
const upper = (): Transform =>
  new Transform({
    transform: (chunk, _, done) => done(null, `${chunk}`.toUpperCase()),
  });

interface Pair {
  readonly client: TcpClient;
  readonly served: Connection;
  readonly reasons: CloseReason[];
  stop(): Promise<void>;
}

async function pair(engine: EngineName, slowConsumer: SlowConsumer = "close"): Promise<Pair> {
  let served: Connection | undefined;
  const reasons: CloseReason[] = [];
  const server = new TcpServer({
    engine,
    slowConsumer,
    onAccept(connection) {
      served = connection;
    },
    onClose: (_, reason) => reasons.push(reason),
  });
  const client = new TcpClient({ engine, onClose: (_, reason) => reasons.push(reason) });
  await client.connect(await server.listen({ host }));
  await until(() => served !== undefined);
  const stop = async (): Promise<void> => {
    await client.stop({ drainMs: 0 });
    await server.stop({ drainMs: 0 });
  };
  return { client, served: served as Connection, reasons, stop };
}

function views(engine: EngineName): void {
  it("goes through pipelines both ways, and ends in good order with them", async () => {
    const { client, served, reasons, stop } = await pair(engine);
    const there = served.toDuplex();
    const here = client.toDuplex();

    const echoing = pipeline(there, upper(), there);
    const answer = text(here);
    await pipeline(Readable.from(["many ", "small ", "words"]), here, { end: true });
    await echoing;

    assert.equal(await answer, "MANY SMALL WORDS");
    await until(() => reasons.length === 2);
    assert.deepEqual(
      reasons.map(({ code }) => code),
      ["CLOSED", "CLOSED"],
    );
    await stop();
  });

  it("holds the writer back while the peer does not read, and loses nothing", async () => {
    const { client, served, reasons, stop } = await pair(engine);
    const block = Buffer.alloc(1_000_000, 7);
    let writtenCount = 0;
    const source = Readable.from(
      (function* blocks() {
        for (; writtenCount < 64; writtenCount++) yield block;
      })(),
    );
    served.pause();
    const there = served.toDuplex();
    const here = client.toDuplex();
    here.resume();
    there.end();
    const sending = pipeline(source, here);
    await until(() => client.pendingBytes >= 1_048_576);
    const heldAt = writtenCount;
    served.resume();

    let receivedBytes = 0;
    for await (const chunk of there) receivedBytes += (chunk as Buffer).length;
    await sending;
    await until(() => reasons.length === 2);

    assert.ok(heldAt < 64, `${heldAt} of 64 blocks were written`);
    assert.equal(receivedBytes, 64_000_000);
    await stop();
  });

  it("gets what was unread first, and sends bytes as they are", async () => {
    const { client, served, stop } = await pair(engine);
    served.receive = pack();
    client.send(Buffer.from([5, 0]));
    await until(() => served.stats.receivedBytes === 2);

    const there = served.toDuplex();
    client.send("rest");
    there.write("raw");
    const head = await client.read(3);
    client.finish();
    there.end();

    assert.equal(`${head}`, "raw");
    assert.deepEqual(Buffer.concat(await there.toArray()), Buffer.from("\x05\0rest"));
    await stop();
  });

  it("aborts when it is destroyed, and is destroyed by an abort", async () => {
    const { client, served, reasons, stop } = await pair(engine);
    const there = served.toDuplex();
    const here = client.toDuplex();
    const errors: unknown[] = [];
    there.on("error", (error) => errors.push((error as { code?: string }).code));
    there.resume();

    here.destroy();
    await until(() => reasons.length === 2 && errors.length === 1);

    assert.deepEqual(errors, ["CONNECTION_RESET"]);
    assert.deepEqual(reasons.map(({ code }) => code).sort(), ["ABORTED", "CONNECTION_RESET"]);
    assert.throws(() => served.toDuplex(), { code: "INVALID_STATE" });
    await stop();
  });

  it("is there as streams of the web", async () => {
    const { client, served, stop } = await pair(engine);
    const there = served.toWeb();
    const here = client.toWeb();

    const echoing = there.readable.pipeTo(there.writable);
    const writer = here.writable.getWriter();
    await writer.write(Buffer.from("round trip"));
    await writer.close();
    const chunks: Uint8Array[] = [];
    for await (const chunk of here.readable) chunks.push(chunk);
    await echoing;

    assert.equal(`${Buffer.concat(chunks)}`, "round trip");
    await stop();
  });
}

for (const engine of availableEngines()) {
  describe(`connections as streams on the engine ${engine}`, () => views(engine));
}
