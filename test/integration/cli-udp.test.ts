import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UdpServer } from "hp-socket/udp";
import { runCommand, startCommand } from "../support/cli-run.js";
import { NOBODYS_PORT } from "../support/refusing-port.js";
import { UdpPeer } from "../support/udp-peer.js";
import { until } from "../support/until.js";

const HOST = "127.0.0.1";

describe("hp-socket over UDP", () => {
  it("echo answers each datagram, and says at its end what it has done", async (test) => {
    const program = startCommand(test, ["echo", "--udp", "--port", "0"]);
    const port = await program.readyPort();
    const peer = await UdpPeer.open();
    test.after(() => peer.close());

    peer.send({ host: HOST, port, family: "IPv4" }, "hello", "world");
    await until(() => peer.received.length === 2);
    program.kill("SIGTERM");
    const ended = await program.ended;

    assert.deepEqual(peer.texts.slice(0, 2), ["hello", "world"]);
    assert.equal(ended, 0);
    assert.match(program.stdout, /^READY 127\.0\.0\.1:\d+ engine=\w+ receive=udp$/m);
    assert.match(program.stdout, /^connections - 1 .* messages - 2$/m);
  });

  it("cat sends lines as datagrams and shows what comes", async (test) => {
    const program = startCommand(test, ["echo", "--udp", "--port", "0"]);
    const port = await program.readyPort();
    const cat = startCommand(test, ["cat", "--udp", `${HOST}:${port}`, "--wait", "0.2"]);

    cat.stdin.end("one\ntwo\n");
    const ended = await cat.ended;

    assert.equal(cat.stdout, "one\ntwo\n");
    assert.equal(ended, 0);
  });

  it("cat says when nobody is there", async (test) => {
    const cat = startCommand(test, ["cat", "--udp", `${HOST}:${NOBODYS_PORT}`, "--wait", "5"]);

    cat.stdin.write("anyone?\n");
    const ended = await cat.ended;

    assert.equal(ended, 1);
    assert.match(cat.stderr, /CONNECTION_REFUSED/);
  });

  it("load verifies what comes back, and counts what does not", async (test) => {
    let count = 0;
    const server = new UdpServer({
      maxNewPerSecond: 0,
      onReceive: (connection, datagram) => {
        count += 1;
        if (count % 50 !== 0) connection.send(datagram);
      },
    });
    test.after(() => server.stop({ drainMs: 0 }));
    const { port } = await server.listen({ host: HOST });

    const target = `${HOST}:${port}`;
    const options = ["--connections", "4", "--messages", "500", "--json"];
    const { code, stdout } = await runCommand(["load", "--udp", target, ...options]);

    const result = JSON.parse(stdout);
    assert.equal(code, 0);
    assert.equal(result.connections.opened, 4);
    assert.deepEqual([result.messages, result.lost], [490, 10], stdout);
  });

  it("load fails where nobody answers, or answers something else", async (test) => {
    const server = new UdpServer({
      maxNewPerSecond: 0,
      onReceive: (connection, datagram) => {
        const changed = Buffer.from(datagram);
        changed[20]! ^= 1;
        connection.send(changed);
      },
    });
    test.after(() => server.stop({ drainMs: 0 }));
    const { port } = await server.listen({ host: HOST });
    const options = ["--connections", "2", "--messages", "10"];

    const wrong = await runCommand(["load", "--udp", `${HOST}:${port}`, ...options]);

    assert.equal(wrong.code, 1);
    assert.match(wrong.stdout, /WRONG_ANSWER 2: a datagram came back changed/);
  });

  it("refuses options that don't go together", async () => {
    const wrong = [
      ["echo", "--udp", "--websocket"],
      ["echo", "--udp", "--receive", "pack"],
      ["echo", "--udp", "--path", "/tmp/x"],
      ["echo", "--udp", "--max-packet", "65508"],
      ["cat", "--udp", "127.0.0.1:1", "--receive", "line"],
      ["cat", "--udp"],
      ["load", "--udp", "127.0.0.1:1", "--size", "7"],
      ["load", "--udp", "nowhere"],
    ];
    for (const argv of wrong) {
      const { code, stderr } = await runCommand(argv);
      assert.equal(code, 2, argv.join(" "));
      assert.match(stderr, /^hp-socket \w+: .*\n$/);
    }
  });
});
