import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type IpAddress, pack, TcpServer, type TcpServerOptions } from "hp-socket";
import { runCommand, startCommand } from "../support/cli-run.js";
import { NOBODYS_PORT } from "../support/refusing-port.js";

const COUNTED = ["--messages", "100", "--json"];

/** A server in this process; answers `HOST:PORT`. */
async function serverOf(test: TestContext, options: TcpServerOptions): Promise<string> {
  const server = new TcpServer(options);
  test.after(() => server.stop({ drainMs: 0 }));
  const address = (await server.listen({ host: "127.0.0.1" })) as IpAddress;
  return `127.0.0.1:${address.port}`;
}

describe("hp-socket load", () => {
  for (const flags of [
    ["--receive", "push", "--depth", "5"],
    ["--receive", "push", "--size", "100000", "--depth", "3"],
    ["--receive", "pack", "--flag", "7", "--depth", "4"],
    ["--receive", "line", "--delimiter", "ab"],
    ["--receive", "length", "--length-format", "varint"],
  ]) {
    it(`verifies and measures with ${flags.join(" ")}`, async (test) => {
      const model = flags.filter((_, index) => !["--depth", "--size"].includes(flags[index & ~1]!));
      const echo = startCommand(test, ["echo", "--port", "0", ...model]);
      const target = `127.0.0.1:${await echo.readyPort()}`;

      const load = await runCommand(["load", target, "--connections", "10", ...flags, ...COUNTED]);

      assert.equal(load.code, 0, load.stderr);
      const figures = JSON.parse(load.stdout);
      assert.deepEqual(figures.connections, { wanted: 10, opened: 10, failed: 0 });
      assert.deepEqual(figures.errors, {});
      assert.equal(figures.messages, 100);
      assert.equal(figures.verifiedBytes, 100 * figures.messageBytes);
      const { p50, p90, p99, p999, max } = figures.latencyUs;
      assert.ok(0 < p50 && p50 <= p90 && p90 <= p99 && p99 <= p999 && p999 <= max);
    });
  }

  it("lasts --seconds after --warmup", async (test) => {
    let count = 0;
    const target = await serverOf(test, {
      onReceive(connection, bytes) {
        count += 1;
        connection.send(bytes);
      },
    });
    const time = ["--seconds", "0.2", "--warmup", "0.1", "--json"];

    const load = await runCommand(["load", target, "--connections", "2", ...time]);

    assert.equal(load.code, 0, load.stderr);
    const { measuredMs, messages } = JSON.parse(load.stdout);
    assert.ok(measuredMs >= 190 && measuredMs < 30_000);
    assert.ok(messages < count);
  });

  it("prints a table with a histogram without --json", async (test) => {
    const target = await serverOf(test, {
      onReceive: (connection, bytes) => void connection.send(bytes),
    });

    const load = await runCommand(["load", target, ...COUNTED.slice(0, -1)]);

    assert.equal(load.code, 0, load.stderr);
    assert.match(load.stdout, /^connections {2}100 of 100 opened in .*, 0 failed$/m);
    assert.match(load.stdout, /^messages +[\d,]+\/s \([\d,]+ in /m);
    assert.match(load.stdout, /^latency +p50 .* p90 .* p99 .* p99\.9 .* max /m);
    assert.match(load.stdout, /^ +< .* % {2}#{40}$/m);
    assert.match(load.stdout, /^errors +none$/m);
  });

  it("ends with exit code 1 when one byte comes back wrong", async (test) => {
    let receivedCount = 0;
    const target = await serverOf(test, {
      receive: pack(),
      onReceive(connection, packet) {
        receivedCount += 1;
        if (receivedCount === 3) packet[packet.length - 1]! ^= 1;
        connection.send(packet);
      },
    });

    const load = await runCommand([
      "load",
      target,
      "--receive",
      "pack",
      "--connections",
      "4",
      ...COUNTED.slice(0, -1),
    ]);

    assert.equal(load.code, 1);
    assert.match(
      load.stdout,
      /^errors +WRONG_ANSWER 1: byte 0x[0-9a-f]{2} came back, 0x[0-9a-f]{2} was sent$/m,
    );
  });

  it("ends with exit code 1 when more comes back than was sent", async (test) => {
    const target = await serverOf(test, {
      onReceive: (connection, bytes) => void connection.sendAll([bytes, bytes]),
    });

    const load = await runCommand(["load", target, "--connections", "2", ...COUNTED]);

    assert.equal(load.code, 1);
    assert.deepEqual(JSON.parse(load.stdout).errors, { WRONG_ANSWER: 2 });
  });

  it("ends with exit code 1 when answers are missing 2 s after the end", async (test) => {
    const target = await serverOf(test, { onReceive: () => {} });

    const time = ["--seconds", "0.1", "--warmup", "0", "--json"];
    const load = await runCommand(["load", target, "--connections", "3", ...time]);

    assert.equal(load.code, 1);
    const figures = JSON.parse(load.stdout);
    assert.deepEqual(figures.errors, { MISSING_ANSWER: 3 });
    assert.deepEqual(figures.connections, { wanted: 3, opened: 0, failed: 3 });
    assert.equal(figures.messages, 0);
  });

  it("names the code when nobody listens", async () => {
    const load = await runCommand([
      "load",
      `127.0.0.1:${NOBODYS_PORT}`,
      "--connections",
      "5",
      ...COUNTED,
    ]);

    assert.equal(load.code, 1);
    const figures = JSON.parse(load.stdout);
    assert.deepEqual(figures.errors, { CONNECTION_REFUSED: 5 });
    assert.deepEqual(figures.connections, { wanted: 5, opened: 0, failed: 5 });
  });

  it("counts connections that the peer closes, and goes on with the others", async (test) => {
    let count = 0;
    const target = await serverOf(test, {
      onHandshake(connection) {
        count += 1;
        connection.context = count;
      },
      onReceive(connection, bytes) {
        if (connection.context === 1) connection.abort();
        else connection.send(bytes);
      },
    });

    const load = await runCommand(["load", target, "--connections", "3", ...COUNTED]);

    assert.equal(load.code, 1);
    const figures = JSON.parse(load.stdout);
    assert.deepEqual(figures.errors, { CONNECTION_RESET: 1 });
    assert.deepEqual(figures.connections, { wanted: 3, opened: 2, failed: 1 });
    assert.equal(figures.messages, 99);
  });

  for (const [words, message] of [
    [["--messages", "3", "--seconds", "1"], /--messages and --seconds exclude each other/],
    [["--messages", "3", "--warmup", "1"], /--messages and --warmup exclude each other/],
    [["--messages", "0"], /--messages/],
  ] as const) {
    it(`ends with exit code 2 for: ${words.join(" ")}`, async () => {
      for (const kind of [["127.0.0.1:1"], ["ws://127.0.0.1:1/"], ["127.0.0.1:1", "--udp"]]) {
        const load = await runCommand(["load", ...kind, ...words]);

        assert.deepEqual([load.code, load.stdout], [2, ""]);
        assert.match(load.stderr, message);
      }
    });
  }

  it("ends early with its figures at SIGINT", async (test) => {
    let receivedCount = 0;
    const target = await serverOf(test, {
      onReceive(connection, bytes) {
        receivedCount += 1;
        connection.send(bytes);
        if (receivedCount === 1_000) load.kill("SIGINT");
      },
    });
    const load = startCommand(test, ["load", target, "--seconds", "60", "--warmup", "0", "--json"]);

    const ended = await load.ended;

    assert.deepEqual(ended, 0, load.stdout + load.stderr);
    const figures = JSON.parse(load.stdout);
    assert.ok(figures.measuredMs < 30_000);
    assert.ok(figures.messages > 0);
  });
});
