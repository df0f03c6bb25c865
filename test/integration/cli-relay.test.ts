import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { TcpAgent, TcpServer } from "hp-socket";
import { selfSignedCertificate } from "hp-socket/testing";
import { UdpNode } from "hp-socket/udp";
import { type CliRun, runCommand, startCommand } from "../support/cli-run.js";
import { until } from "../support/until.js";

const { cert, key } = selfSignedCertificate({ names: ["a.test", "b.test"] });

describe("hp-socket relay", () => {
  /** A server that says its name first. */
  async function named(test: TestContext, name: string, isSecured = false): Promise<string> {
    const server = new TcpServer({
      ...(isSecured && { tls: { cert, key } }),
      onHandshake: (connection) => void connection.send(`${name}\n`),
      // A check of one that is bad fails at once, and not when its time is over.
      onReceive: (connection, bytes) =>
        void (name === "bad" ? connection.close() : connection.send(bytes)),
    });
    test.after(() => server.stop({ drainMs: 0 }));
    const { port } = await server.listen({ host: "127.0.0.1" });
    return `127.0.0.1:${port}`;
  }

  function start(test: TestContext, ...words: readonly string[]): CliRun {
    return startCommand(test, ["relay", "--port", "0", ...words]);
  }

  async function greeting(test: TestContext, port: number, serverName?: string): Promise<string> {
    const tls = serverName === undefined ? {} : { tls: { ca: cert, serverName } };
    const agent = new TcpAgent(tls);
    test.after(() => agent.stop({ drainMs: 0 }));
    const connection = await agent.connect({ port });
    return (await connection.readUntil("\n", { timeoutMs: 5_000 })).toString().trim();
  }

  function folder(test: TestContext): string {
    const path = mkdtempSync(join(tmpdir(), "hp-socket-relay-"));
    test.after(() => rmSync(path, { recursive: true }));
    return path;
  }

  it("goes to destinations in turn, and to those of a file that is read again", async (test) => {
    const [a, b, c] = [await named(test, "a"), await named(test, "b"), await named(test, "c")];
    const file = join(folder(test), "to.txt");
    writeFileSync(file, `# those of today\n${b} # the second\n\n`);
    const program = start(test, "--to", a, "--to-file", file, "--balance", "roundRobin");
    const port = await program.readyPort();
    assert.deepEqual([await greeting(test, port), await greeting(test, port)].sort(), ["a", "b"]);
    writeFileSync(file, `${c}\n`);
    program.kill("SIGHUP");
    await program.shows("stderr", /were read again/);
    assert.deepEqual([await greeting(test, port), await greeting(test, port)].sort(), ["a", "c"]);
    writeFileSync(file, "nonsense\n");
    program.kill("SIGHUP");
    await program.shows("stderr", /the destinations stay: .*nonsense/);
    assert.match(await greeting(test, port), /[ac]/);
    program.kill("SIGTERM");
    assert.equal(await program.ended, 0);
    assert.match(program.stdout, /^connections - 5 /m);
  });

  it("writes a log of its clients, of datagrams too", async (test) => {
    const a = await named(test, "a");
    const program = start(test, "--to", a, "--access-log", "combined");
    assert.equal(await greeting(test, await program.readyPort()), "a");
    program.kill("SIGTERM");
    assert.equal(await program.ended, 0);
    const time = String.raw`\[[^\]]+ \+0000\]`;
    assert.match(
      program.stdout,
      new RegExp(`^127.0.0.1 - - ${time} "RELAY ${a} tcp" - 2 "-" "-"$`, "m"),
    );

    const server = new UdpNode({ onReceive: (node, bytes, from) => void node.send(from, bytes) });
    test.after(() => server.stop());
    const { port: to } = await server.open({ host: "127.0.0.1" });
    const udp = start(test, "--udp", "--to", `127.0.0.1:${to}`, "--access-log", "json");
    let hasCome = false;
    const client = new UdpNode({
      onReceive: () => {
        hasCome = true;
      },
    });
    test.after(() => client.stop());
    await client.open({ host: "127.0.0.1" });
    client.send({ host: "127.0.0.1", port: await udp.readyPort() }, "hello");
    await until(() => hasCome);
    udp.kill("SIGTERM");
    assert.equal(await udp.ended, 0);
    const line = udp.stdout.split("\n").find((text) => text.startsWith("{")) ?? "";
    const { time: at, durationMs, remotePort, ...rest } = JSON.parse(line);
    assert.deepEqual(
      [typeof at, typeof durationMs, remotePort],
      ["string", "number", client.address?.port],
    );
    assert.deepEqual(rest, {
      remoteAddress: "127.0.0.1",
      destination: `127.0.0.1:${to}`,
      fromClientDatagrams: 1,
      fromClientBytes: 5,
      toClientDatagrams: 1,
      toClientBytes: 5,
      droppedCount: 0,
      error: null,
    });
  });

  it("passes TLS on by name, refuses others, or sends them to --to", async (test) => {
    const [a, b] = [await named(test, "a", true), await named(test, "b", true)];
    const strict = await start(test, "--sni", `a.test=${a}`).readyPort();
    assert.equal(await greeting(test, strict, "a.test"), "a");
    await assert.rejects(greeting(test, strict, "b.test"));
    const open = await start(test, "--sni", `a.test=${a}`, "--to", b).readyPort();
    assert.equal(await greeting(test, open, "a.test"), "a");
    assert.equal(await greeting(test, open, "b.test"), "b");
  });

  it("begins TLS with the authorities and the name that it is told", async (test) => {
    const ca = join(folder(test), "ca.pem");
    writeFileSync(ca, cert);
    const a = await named(test, "a", true);
    const port = await start(
      test,
      "--to",
      a,
      "--to-tls",
      "--to-ca",
      ca,
      "--to-name",
      "a.test",
    ).readyPort();
    assert.equal(await greeting(test, port), "a");
  });

  it("checks destinations, and balances as it is told", { timeout: 20_000 }, async (test) => {
    const [a, b] = [await named(test, "good"), await named(test, "bad")];
    const check = ["--check", "0.05", "--check-send", "x\\r\\n", "--check-expect", "good\\n"];
    const program = start(test, "--to", a, "--to", b, "--balance", "leastUsed", ...check);
    const port = await program.readyPort();
    // At first both are used, until the checks have found what the second says.
    for (let goodCount = 0; goodCount < 6; ) {
      goodCount = (await greeting(test, port)) === "good" ? goodCount + 1 : 0;
    }
  });

  it("relays datagrams", async (test) => {
    const server = new UdpNode({ onReceive: (node, bytes, from) => void node.send(from, bytes) });
    test.after(() => server.stop());
    const { port: to } = await server.open({ host: "127.0.0.1" });
    const program = start(
      test,
      "--udp",
      "--to",
      `127.0.0.1:${to}`,
      "--check",
      "10",
      "--check-send",
      "x",
    );
    const port = await program.readyPort();
    const heard: string[] = [];
    const client = new UdpNode({ onReceive: (_, bytes) => void heard.push(bytes.toString()) });
    test.after(() => client.stop());
    await client.open({ host: "127.0.0.1" });
    client.send({ host: "127.0.0.1", port }, "hello");
    await until(() => heard.length === 1);
    assert.deepEqual(heard, ["hello"]);
    program.kill("SIGTERM");
    assert.equal(await program.ended, 0);
    assert.match(program.stdout, /^Summary: send - 5, recv - 5/m);
  });

  it("says what is wrong with its arguments", async () => {
    for (const [words, text] of [
      [[], /--to HOST:PORT is needed/],
      [["--to", "a"], /host:port/],
      [["--to", "a:1", "--sni", "x"], /NAME=HOST:PORT/],
      [["--to", "a:1", "--sni", "x=y"], /host:port/],
      [["--to", "a:1", "--check-send", "x"], /go with --check/],
      [["--to", "a:1", "--to-ca", "x"], /go with --to-tls/],
      [["--to", "a:1", "--balance", "best"], /roundRobin/],
      [["--to-file", "/nowhere/at-all"], /can't be read/],
      [["--to-file", import.meta.filename], /: --to-file \S+ has ".*", which is no HOST:PORT/],
      [["--to", "a:1", "--udp", "--tls"], /does not go with TLS/],
      [["--to", "a:1", "--udp", "--proxy-header", "1"], /does not go with TLS and PROXY/],
      [["--to", "a:1", "--udp", "--check", "1"], /--check with --udp needs --check-send/],
    ] as const) {
      const { code, stderr } = await runCommand(["relay", "--port", "0", ...words]);
      assert.match(stderr, text, words.join(" "));
      assert.notEqual(code, 0);
    }
  });
});
