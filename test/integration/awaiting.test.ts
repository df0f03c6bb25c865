import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Connection,
  type ConnectionSettings,
  delimiter,
  type EngineName,
  fixedLength,
  type IpAddress,
  lengthPrefix,
  NetError,
  pack,
  pull,
  push,
  TcpClient,
  TcpServer,
  untilClosed,
} from "hp-socket";
import { availableEngines } from "../support/engine-list.js";
import { until } from "../support/until.js";

for (const engine of availableEngines()) {
  describe(`awaiting on ${engine}`, () => awaiting(engine));
}

interface Pair {
  readonly client: TcpClient;
  /** The server's end. Nothing handles its data: it is read. */
  readonly served: Connection;
  stop(): Promise<void>;
}

async function pair(
  engine: EngineName,
  serverSettings: Partial<ConnectionSettings>,
  clientSettings: Partial<ConnectionSettings> = {},
): Promise<Pair> {
  let accepted: (connection: Connection) => void = () => {};
  const served = new Promise<Connection>((resolve) => {
    accepted = resolve;
  });
  const server = new TcpServer<Buffer>({
    engine,
    ...(serverSettings as object),
    onAccept: (connection) => accepted(connection),
  });
  const { port } = (await server.listen({ host: "127.0.0.1" })) as IpAddress;
  const client = new TcpClient<Buffer>({ engine, ...(clientSettings as object) });
  await client.connect({ port });
  const end = await served;
  return {
    client,
    served: end,
    async stop() {
      end.close();
      await client.stop();
      await server.stop();
    },
  };
}

function codeIs(code: string): (error: unknown) => boolean {
  return (error) => error instanceof NetError && error.code === code;
}

function awaiting(engine: EngineName): void {
  it("read(n) takes exactly n bytes, however they come", async () => {
    const { client, served, stop } = await pair(engine, {});

    const first = served.read(5);
    client.send("he");
    await until(() => served.unreadBytes === 2);
    client.send("llo world");

    assert.equal((await first).toString(), "hello");
    assert.equal((await served.read(1)).toString(), " ");
    assert.equal((await served.read()).toString(), "world");
    await stop();
  });

  it("readUntil takes all up to and including the delimiter, cut anywhere", async () => {
    const { client, served, stop } = await pair(engine, {});

    const line = served.readUntil("\r\n");
    for (const part of ["GET", " /\r", "\nHost", ": x\r\n\r\nbody"]) {
      client.send(part);
      await client.drained();
      await new Promise((resolve) => setImmediate(resolve));
    }

    assert.equal((await line).toString(), "GET /\r\n");
    assert.equal((await served.readUntil("\r\n\r\n")).toString(), "Host: x\r\n\r\n");
    assert.equal((await served.read(4)).toString(), "body");
    await stop();
  });

  it("for await gives packet after packet and ends with the connection", async () => {
    const { client, served, stop } = await pair(engine, { receive: pack() }, { receive: pack() });
    const packets: string[] = [];

    client.send("one");
    client.send("two");
    client.send("three");
    client.close();
    for await (const packet of served) packets.push(packet.toString());

    assert.deepEqual(packets, ["one", "two", "three"]);
    assert.equal(served.closeReason?.code, "CLOSED");
    await stop();
  });

  it("what was read last can still be answered when the peer has finished meanwhile", async () => {
    const { client, served, stop } = await pair(engine, { receive: delimiter() });
    const answered = (async () => {
      for await (const line of served) {
        await new Promise((resolve) => setImmediate(resolve));
        await new Promise((resolve) => setImmediate(resolve));
        served.send(`${line.toString().toUpperCase()}!`);
      }
    })();

    client.send("question\n");
    client.close();
    await answered;
    await client.stopped();

    assert.equal(client.closeReason?.code, "CLOSED");
    assert.equal(served.stats.sentBytes, "QUESTION!\n".length);
    await stop();
  });

  it("for await throws when the connection breaks", async () => {
    const { client, served, stop } = await pair(engine, {});
    const reading = (async () => {
      for await (const _ of served) client.abort();
    })();

    client.send("x");

    await assert.rejects(reading, codeIs("CONNECTION_CLOSED"));
    await stop();
  });

  it("a read ends by READ_TIMEOUT, by its signal, and by the end of the connection", async () => {
    const { client, served, stop } = await pair(engine, {});
    const controller = new AbortController();

    await assert.rejects(served.read(1, { timeoutMs: 10 }), codeIs("READ_TIMEOUT"));
    const aborted = served.read(1, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await assert.rejects(
      aborted,
      (error: NetError) => error.code === "ABORTED" && (error.cause as Error).message === "enough",
    );
    await assert.rejects(served.read(1, { signal: AbortSignal.abort() }), codeIs("ABORTED"));
    const last = served.read(9);
    client.send("left");
    client.close();
    await assert.rejects(last, codeIs("CONNECTION_CLOSED"));

    assert.equal((await served.read(4)).toString(), "left");
    await stop();
  });

  it("a second read while one waits is refused, and one above maxUnreadBytes", async () => {
    const { served, stop } = await pair(engine, { maxUnreadBytes: 100 });

    const first = served.read(1, { timeoutMs: 20 });
    await assert.rejects(served.read(1), codeIs("INVALID_STATE"));
    await assert.rejects(first, codeIs("READ_TIMEOUT"));
    await assert.rejects(served.read(101), codeIs("READ_LIMIT"));
    await stop();
  });

  it("a delimiter that does not come within maxUnreadBytes rejects with READ_LIMIT", async () => {
    const { client, served, stop } = await pair(engine, { maxUnreadBytes: 100 });

    const line = served.readUntil("\n");
    client.send("x".repeat(500));

    await assert.rejects(line, codeIs("READ_LIMIT"));
    await stop();
  });

  it("pull: fetch and peek take and look, and onReceive says how much there is", async () => {
    const counts: number[] = [];
    let served: Connection | undefined;
    const server = new TcpServer({
      engine,
      receive: pull(),
      onReceive(connection, available) {
        served = connection;
        counts.push(available);
      },
    });
    const { port } = (await server.listen({ host: "127.0.0.1" })) as IpAddress;
    const client = new TcpClient({ engine });
    await client.connect({ port });

    client.send("abc");
    await until(() => counts.length === 1);
    client.send("def");
    await until(() => counts.length === 2);

    assert.deepEqual(counts, [3, 6]);
    assert.equal(served?.peek(4)?.toString(), "abcd");
    assert.equal(served?.fetch(7), undefined);
    assert.equal(served?.fetch(2)?.toString(), "ab");
    assert.equal((await served?.read(4))?.toString(), "cdef");
    assert.equal(server.fetch(served?.id ?? 0, 1), undefined);
    assert.throws(() => served?.fetch(2 ** 40), codeIs("INVALID_ARGUMENT"));
    await client.stop();
    await server.stop();
  });

  it("untilClosed delivers everything at once when the peer has finished", async () => {
    const whole: string[] = [];
    const server = new TcpServer({
      engine,
      receive: untilClosed(),
      onReceive(connection, bytes) {
        whole.push(bytes.toString());
        connection.send("thanks");
      },
    });
    const { port } = (await server.listen({ host: "127.0.0.1" })) as IpAddress;
    const client = new TcpClient({ engine, halfOpen: true });
    await client.connect({ port });

    client.send("one, ");
    await client.drained();
    await new Promise((resolve) => setImmediate(resolve));
    client.send("two");
    client.close();
    await client.stopped();
    await server.stop();

    assert.deepEqual(whole, ["one, two"]);
  });

  it("a model is exchanged in mid-stream: what follows belongs to the new one", async () => {
    const seen: string[] = [];
    const server = new TcpServer<Buffer>({
      engine,
      receive: delimiter(),
      onReceive(connection, packet) {
        seen.push(packet.toString());
        if (packet.toString() === "binary")
          connection.receive = lengthPrefix({ bytes: 2, format: "uint-be" });
        if (packet.toString() === "fixed") connection.receive = fixedLength({ bytes: 3 });
        if (packet.toString() === "end") connection.receive = push();
      },
    });
    const { port } = (await server.listen({ host: "127.0.0.1" })) as IpAddress;
    const client = new TcpClient({ engine });
    await client.connect({ port });

    client.send(Buffer.from("binary\n\0\x02hi\0\x05fixedabcendrest of it", "latin1"));
    await until(() => seen.join("").endsWith("of it"));
    await client.stop();
    await server.stop();

    assert.deepEqual(seen, ["binary", "hi", "fixed", "abc", "end", "rest of it"]);
  });

  it("a model that is exchanged between events gets the bytes of an incomplete packet", async () => {
    const { client, served, stop } = await pair(engine, { receive: pack() });

    client.send(Buffer.from("0a0000006162", "hex"));
    await until(() => served.stats.receivedBytes === 6);
    served.receive = push();
    client.send("c");

    assert.equal((await served.read(7)).toString("hex"), "0a000000616263");
    await stop();
  });

  it("request resolves with the answer, in the order of the requests", async () => {
    const server = new TcpServer({
      engine,
      receive: pack(),
      onReceive: (connection, packet) => void connection.send(`re: ${packet}`),
    });
    const { port } = (await server.listen({ host: "127.0.0.1" })) as IpAddress;
    const client = new TcpClient({ engine, receive: pack() });
    await client.connect({ port });

    const answers = await Promise.all(["a", "b", "c"].map((text) => client.request(text)));

    assert.deepEqual(answers.map(String), ["re: a", "re: b", "re: c"]);
    await client.stop();
    await server.stop();
  });

  it("a late answer is dropped and never taken for the next one's", async () => {
    const waiting: Connection[] = [];
    const server = new TcpServer({
      engine,
      receive: pack(),
      onReceive(connection, packet) {
        if (packet.toString() === "slow") waiting.push(connection);
        else {
          waiting.pop()?.send("late");
          connection.send("quick answer");
        }
      },
    });
    const { port } = (await server.listen({ host: "127.0.0.1" })) as IpAddress;
    const pushed: string[] = [];
    const client = new TcpClient({
      engine,
      receive: pack(),
      onReceive: (_, packet) => void pushed.push(packet.toString()),
    });
    await client.connect({ port });

    await assert.rejects(client.request("slow", { timeoutMs: 20 }), codeIs("REQUEST_TIMEOUT"));
    const answer = await client.request("quick");

    assert.equal(answer.toString(), "quick answer");
    assert.deepEqual(pushed, []);
    await client.stop();
    await server.stop();
  });

  it("correlate matches answers that come in any order, and the rest goes to onReceive", async () => {
    const held: string[] = [];
    const server = new TcpServer({
      engine,
      receive: delimiter(),
      onReceive(connection, line) {
        held.push(line.toString());
        if (held.length < 3) return;
        connection.send("0 news");
        for (const question of held.reverse()) connection.send(`${question} answered`);
      },
    });
    const { port } = (await server.listen({ host: "127.0.0.1" })) as IpAddress;
    const news: string[] = [];
    const client = new TcpClient({
      engine,
      receive: delimiter(),
      correlate: (packet) => Buffer.from(packet).toString().split(" ")[0],
      onReceive: (_, line) => void news.push(line.toString()),
    });
    await client.connect({ port });

    const answers = await Promise.all(["1 a", "2 b", "3 c"].map((text) => client.request(text)));

    assert.deepEqual(answers.map(String), ["1 a answered", "2 b answered", "3 c answered"]);
    assert.deepEqual(news, ["0 news"]);
    await client.stop();
    await server.stop();
  });

  it("a request in an async onReceive gets its answer, and the handler what came meanwhile", async () => {
    const seen: string[] = [];
    const server = new TcpServer({
      engine,
      receive: delimiter(),
      correlate: (packet) => Buffer.from(packet).toString().split(" ")[0],
      async onReceive(connection, line) {
        seen.push(line.toString());
        if (line.toString() !== "begin") return;
        const answer = await connection.request("1 question", { timeoutMs: 5_000 });
        seen.push(answer.toString());
        const other = await connection.request("2 question", { timeoutMs: 5_000 });
        seen.push(other.toString());
      },
      onEnd: () => void seen.push("end"),
    });
    const { port } = (await server.listen({ host: "127.0.0.1" })) as IpAddress;
    const client = new TcpClient({
      engine,
      receive: delimiter(),
      onReceive(self, line) {
        for (const text of ["news", `${line} answered`, "more news"]) self.send(text);
        if (line.toString().startsWith("2")) self.finish();
      },
    });
    await client.connect({ port });

    client.send("begin");
    await client.stopped();

    const answers = ["1 question answered", "2 question answered"];
    const news = ["news", "more news", "news", "more news"];
    assert.deepEqual(seen, ["begin", ...answers, ...news, "end"]);
    await server.stop();
  });

  it("a handler may await the end of its connection", async () => {
    let code: string | undefined;
    const server = new TcpServer({
      engine,
      async onReceive(connection) {
        code = (await connection.closed()).code;
      },
    });
    const { port } = (await server.listen({ host: "127.0.0.1" })) as IpAddress;
    const client = new TcpClient({ engine });
    await client.connect({ port });

    client.send("x");
    await until(() => server.stats.receivedBytes === 1);
    client.close();
    await until(() => code !== undefined);

    assert.equal(code, "CLOSED");
    await server.stop();
  });

  it("requests end when the connection does, at their limit, and on pull()", async () => {
    const { client, served, stop } = await pair(
      engine,
      {},
      { receive: pack(), maxRequestsInFlight: 1 },
    );

    const waiting = client.request("x");
    await assert.rejects(client.request("y"), codeIs("REQUEST_LIMIT"));
    served.close();
    await assert.rejects(waiting, codeIs("CONNECTION_CLOSED"));
    await assert.rejects(client.request("z"), codeIs("CONNECTION_CLOSED"));
    await stop();

    const pulling = await pair(engine, {}, { receive: pull() });
    await assert.rejects(pulling.client.request("x"), codeIs("INVALID_STATE"));
    await pulling.stop();
  });

  it("finish ends sending, receiving goes on until the peer has finished too", async () => {
    const server = new TcpServer({
      engine,
      receive: untilClosed(),
      onReceive: (connection, whole) => void connection.send(`${whole.length} bytes came`),
    });
    const { port } = (await server.listen({ host: "127.0.0.1" })) as IpAddress;
    const client = new TcpClient({ engine, receive: untilClosed() });
    await client.connect({ port });

    client.send("12345");
    client.finish();
    const sentAfter = client.send("6");
    const answer = await client.read();
    const reason = await client.closed();
    await server.stop();

    assert.equal(answer.toString(), "5 bytes came");
    assert.equal(sentAfter, false);
    assert.equal(reason.code, "CLOSED");
  });

  it("with halfOpen the connection lives until both sides have finished", async () => {
    const events: string[] = [];
    const server = new TcpServer({
      engine,
      halfOpen: true,
      onEnd(connection) {
        events.push("end");
        setImmediate(() => {
          connection.send("late");
          connection.finish();
        });
      },
      onReceive() {},
      onClose: (_, reason) => void events.push(reason.code),
    });
    const { port } = (await server.listen({ host: "127.0.0.1" })) as IpAddress;
    const client = new TcpClient({ engine, receive: untilClosed() });
    await client.connect({ port });

    client.finish();
    const answer = await client.read();
    await client.closed();
    await until(() => server.connectionCount === 0);
    await server.stop();

    assert.equal(answer.toString(), "late");
    assert.deepEqual(events, ["end", "CLOSED"]);
  });

  it("drained resolves when the peer has taken what was sent", async () => {
    const { client, served, stop } = await pair(engine, { maxUnreadBytes: 1_024 });
    client.send(Buffer.alloc(12_000_000));

    await assert.rejects(client.drained({ timeoutMs: 20 }), codeIs("DRAIN_TIMEOUT"));
    const drained = client.drained();
    const reading = (async () => {
      for await (const _ of served);
    })();
    await drained;

    assert.ok(client.pendingBytes <= 262_144);
    await stop();
    await reading;
  });

  it("the context factory makes a context of its own for each connection", async () => {
    const server = new TcpServer({
      engine,
      receive: pack(),
      context: () => ({ count: 0 }),
      onReceive(connection) {
        connection.context.count++;
        connection.send(String(connection.context.count));
      },
    });
    const { port } = (await server.listen({ host: "127.0.0.1" })) as IpAddress;
    const client = new TcpClient({ engine, receive: pack() });
    await client.connect({ port });

    await client.request("a");

    assert.equal((await client.request("b")).toString(), "2");
    await client.stop();
    await server.stop();
  });
}
