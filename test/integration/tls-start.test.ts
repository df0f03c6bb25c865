/** TLS that begins in mid-stream (STARTTLS), on both sides. */
import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import {
  type Connection,
  delimiter,
  NetError,
  TcpClient,
  type TcpClientOptions,
  TcpServer,
  type TcpServerOptions,
} from "hp-socket";
import { describeTls } from "../support/tls-certificates.js";
import { plainPeer, readBytes, type SecureServer, secureServer } from "../support/tls-world.js";
import { rounds, until } from "../support/until.js";

describeTls("startTls", ({ ca, server }) => {
  const serverTls = { ...server, start: "manual" } as const;
  const clientTls = { ca, start: "manual", serverName: "localhost" } as const;
  const failures: unknown[] = [];

  /** Says `go on` to STARTTLS and begins, echoes everything else with what it knows of TLS. */
  function answer(connection: Connection, line: Buffer): void {
    if (String(line) !== "STARTTLS") {
      connection.send(`${connection.tls?.protocol ?? "plain"}: ${line}`);
      return;
    }
    connection.send("go on");
    connection.startTls().catch((error: unknown) => failures.push(error));
  }

  async function lineServer(test: TestContext, more: TcpServerOptions = {}): Promise<SecureServer> {
    failures.length = 0;
    const options = { receive: delimiter(), onReceive: answer, ...more };
    return await secureServer(test, serverTls, options);
  }

  async function lineClient(
    test: TestContext,
    port: number,
    more: TcpClientOptions = {},
  ): Promise<TcpClient> {
    const client = new TcpClient({ receive: delimiter(), tls: clientTls, ...more });
    test.after(() => client.stop({ drainMs: 0 }));
    return await client.connect({ host: "127.0.0.1", port });
  }

  async function upgraded(test: TestContext, port: number): Promise<TcpClient> {
    const client = await lineClient(test, port);
    assert.equal(String(await client.request("STARTTLS")), "go on");
    await client.startTls();
    return client;
  }

  it("secures a connection that has talked in plain text", async (test) => {
    const world = await lineServer(test);
    const client = await lineClient(test, world.port);

    const answers = [await client.request("one"), await client.request("STARTTLS")];
    const before = [client.tls, world.secured.length];
    const info = await client.startTls();
    answers.push(await client.request("two"));

    assert.deepEqual(answers.map(String), ["plain: one", "go on", "TLSv1.3: two"]);
    assert.deepEqual(before, [undefined, 0]);
    assert.equal(info, client.tls);
    assert.equal(info.isAuthorized, true);
    assert.equal(world.secured.length, 1);
    assert.deepEqual(failures, []);
  });

  it("calls onHandshake when TLS is done, before startTls resolves", async (test) => {
    const world = await lineServer(test);
    const events: string[] = [];
    const client = await lineClient(test, world.port, {
      onConnect: () => void events.push("connect"),
      onHandshake: (one) => void events.push(`handshake ${one.tls?.protocol}`),
    });

    await client.request("STARTTLS");
    await client.startTls().then(() => events.push("secured"));

    assert.deepEqual(events, ["connect", "handshake TLSv1.3", "secured"]);
  });

  it("keeps what was sent before in plain text and in order, and refuses sends during it", async (test) => {
    const world = await lineServer(test, { onReceive: () => {} });
    const peer = await plainPeer(test, world.port);
    await until(() => world.accepted.length === 1);
    const [connection] = world.accepted as [Connection];

    connection.send("before");
    const secured = connection.startTls();
    secured.catch(() => {});
    const during = connection.send("during");
    const plain = await readBytes(peer, 7);
    const waiting = connection.request("during").catch((error: NetError) => error.code);
    peer.destroy();

    assert.equal(String(plain), "before\n");
    assert.equal(during, false);
    assert.equal(await waiting, "INVALID_STATE");
    await assert.rejects(secured, { code: "TLS_FAILED" });
  });

  it("lets sends of onHandshake go out secured, before others", async (test) => {
    const world = await lineServer(test, {
      onHandshake: (connection) => void connection.send("secured greeting"),
    });
    const client = await upgraded(test, world.port);

    const greeting = await client.read();
    const answered = await client.request("x");

    assert.equal(String(greeting), "secured greeting");
    assert.equal(String(answered), "TLSv1.3: x");
  });

  it("refuses plain bytes behind STARTTLS in the same segment, and never delivers them", async (test) => {
    const received: string[] = [];
    const world = await lineServer(test, {
      onReceive: (connection, line) => {
        received.push(String(line));
        answer(connection, line);
      },
    });
    const peer = await plainPeer(test, world.port);
    peer.resume();

    peer.write("STARTTLS\ninjected\n");
    await until(() => world.reasons.length === 1 && failures.length === 1);

    assert.deepEqual(received, ["STARTTLS"]);
    assert.equal(world.reasons[0]?.code, "TLS_PLAINTEXT");
    assert.equal(world.reasons[0]?.operation, "handshake");
    assert.equal((failures[0] as NetError).code, "TLS_PLAINTEXT");
    assert.equal(world.secured.length, 0);
  });

  it("refuses plain bytes behind STARTTLS that are no whole packet", async (test) => {
    const world = await lineServer(test);
    const peer = await plainPeer(test, world.port);
    peer.resume();

    peer.write("STARTTLS\ninj");
    await until(() => world.reasons.length === 1);

    assert.equal(world.reasons[0]?.code, "TLS_PLAINTEXT");
  });

  it("takes plain bytes that come in a later segment for no TLS, and never delivers them", async (test) => {
    const received: string[] = [];
    const world = await lineServer(test, {
      onReceive: (connection, line) => {
        received.push(String(line));
        answer(connection, line);
      },
    });
    const peer = await plainPeer(test, world.port);

    peer.write("STARTTLS\n");
    await readBytes(peer, 6);
    peer.write("injected\n");
    await until(() => world.reasons.length === 1);

    assert.deepEqual(received, ["STARTTLS"]);
    assert.equal(world.reasons[0]?.code, "TLS_PLAINTEXT");
  });

  it("refuses, on a client, plain bytes behind the server's answer", async (test) => {
    const injecting = new TcpServer({
      onReceive: (connection) => void connection.send("go on\ninjected\n"),
    });
    test.after(() => injecting.stop({ drainMs: 0 }));
    await injecting.listen({ host: "127.0.0.1" });
    const client = await lineClient(test, injecting.port);

    await client.request("STARTTLS");
    const secured = client.startTls();

    await assert.rejects(secured, { code: "TLS_PLAINTEXT" });
    assert.equal((await client.closed()).code, "TLS_PLAINTEXT");
  });

  it("works with reads that are awaited on both sides", async (test) => {
    const world = await secureServer(test, serverTls, {
      onAccept: (connection) => void serve(connection),
    });
    async function serve(connection: Connection): Promise<void> {
      await connection.readUntil("STARTTLS\r\n");
      connection.send("220\r\n");
      await connection.startTls();
      connection.send(`secret: ${await connection.readUntil("\r\n")}`);
    }
    const client = new TcpClient({ tls: clientTls });
    test.after(() => client.stop({ drainMs: 0 }));
    await client.connect({ host: "127.0.0.1", port: world.port });

    client.send("STARTTLS\r\n");
    await client.readUntil("220\r\n");
    await client.startTls();
    client.send("hi\r\n");

    assert.equal(String(await client.readUntil("\r\n")), "secret: hi\r\n");
  });

  it("fails where TLS has begun already, on either kind of start", async (test) => {
    const world = await lineServer(test);
    const client = await lineClient(test, world.port);
    await client.request("STARTTLS");
    const first = client.startTls();

    await assert.rejects(client.startTls(), { code: "INVALID_STATE", message: /has begun/ });
    await first;
    await assert.rejects(client.startTls(), { code: "INVALID_STATE", message: /has begun/ });
    const immediate = await secureServer(test, server);
    const other = new TcpClient({ tls: { ca } });
    test.after(() => other.stop({ drainMs: 0 }));
    await other.connect({ host: "127.0.0.1", port: immediate.port });

    await assert.rejects(other.startTls(), { code: "INVALID_STATE", message: /has begun/ });
    assert.equal(String(await client.request("goes on")), "TLSv1.3: goes on");
  });

  it("fails on a component without the option tls, and on one that is not connected", async (test) => {
    const world = await lineServer(test);
    const plain = await lineClient(test, world.port, {});
    const without = new TcpClient();
    test.after(() => without.stop({ drainMs: 0 }));
    await without.connect({ host: "127.0.0.1", port: world.port });

    await assert.rejects(without.startTls(), { code: "INVALID_STATE", message: /option tls/ });
    plain.abort();
    await plain.stopped();
    await assert.rejects(plain.startTls(), { code: "INVALID_STATE", message: /open connection/ });
  });

  it("ends with HANDSHAKE_TIMEOUT when the peer does not begin", async (test) => {
    const world = await lineServer(test, { handshakeTimeoutMs: 40 });
    const peer = await plainPeer(test, world.port);

    peer.write("STARTTLS\n");
    await until(() => world.reasons.length === 1 && failures.length === 1);

    assert.equal(world.reasons[0]?.code, "HANDSHAKE_TIMEOUT");
    assert.equal((failures[0] as NetError).code, "HANDSHAKE_TIMEOUT");
    assert.equal(world.underWayCount, 0);
  });

  it("takes timeoutMs and signal of its own", async (test) => {
    const world = await lineServer(test, { onReceive: () => {} });
    const one = await lineClient(test, world.port);
    const other = await lineClient(test, world.port);
    const abort = new AbortController();

    const timedOut = one.startTls({ timeoutMs: 30 });
    const aborted = other.startTls({ signal: abort.signal });
    abort.abort();

    await Promise.all([
      assert.rejects(timedOut, { code: "HANDSHAKE_TIMEOUT" }),
      assert.rejects(aborted, { code: "ABORTED" }),
    ]);
    assert.equal((await one.closed()).code, "HANDSHAKE_TIMEOUT");
    assert.equal((await other.closed()).code, "ABORTED");
    await assert.rejects(other.startTls({ signal: abort.signal }), { code: "ABORTED" });
  });

  it("does not take an idle deadline for its own", async (test) => {
    const world = await lineServer(test, { idleTimeoutMs: 50, handshakeTimeoutMs: 0 });
    const peer = await plainPeer(test, world.port);
    peer.write("STARTTLS\n");
    await until(() => world.underWayCount === 1);
    const startMs = performance.now();

    await until(() => performance.now() - startMs > 120);

    assert.deepEqual(world.reasons, []);
  });

  it("is refused above maxHandshakes", async (test) => {
    const world = await lineServer(test, { maxHandshakes: 1 });
    const stalled = await plainPeer(test, world.port);
    stalled.write("STARTTLS\n");
    await until(() => world.underWayCount === 1);
    // One that has sent nothing of its handshake would give way.
    stalled.write(Buffer.from([22, 3, 1]));
    await rounds();

    const client = await lineClient(test, world.port);
    const plain = await client.request("plain is no handshake");
    client.send("STARTTLS");
    await until(() => world.reasons.length === 1);

    assert.equal(String(plain), "plain: plain is no handshake");
    assert.equal(world.reasons[0]?.code, "HANDSHAKE_LIMIT");
    assert.equal(world.reasons[0]?.operation, "handshake");
    assert.equal((failures[0] as NetError).code, "HANDSHAKE_LIMIT");
    assert.equal(world.underWayCount, 1);
  });

  it("gives up when the connection is closed before it begins", async (test) => {
    const world = await lineServer(test, {
      onReceive: (connection) => {
        connection.send("bye");
        connection.startTls().catch((error: unknown) => failures.push(error));
        connection.close();
      },
    });
    const client = await lineClient(test, world.port);

    const answered = await client.request("x");
    const reason = await client.closed();
    await until(() => world.reasons.length === 1);

    assert.equal(String(answered), "bye");
    assert.equal(reason.code, "CLOSED");
    assert.equal(world.reasons[0]?.code, "CLOSED");
    assert.ok(failures[0] instanceof NetError && failures[0].code === "CONNECTION_CLOSED");
    assert.equal(world.underWayCount, 0);
  });

  it("leaves connections plain that don't ask for it", async (test) => {
    const world = await lineServer(test);
    const peer = await plainPeer(test, world.port);

    peer.write("hello\n");
    const bytes = await readBytes(peer, 13);

    assert.equal(String(bytes), "plain: hello\n");
    assert.equal(world.secured.length, 0);
  });
});
