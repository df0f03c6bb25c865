import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { delimiter, type IpAddress, pack, TcpServer, type TcpServerOptions } from "hp-socket";
import { runCommand, startCommand } from "../support/cli-run.js";
import { NOBODYS_PORT } from "../support/refusing-port.js";

const SOON = ["--wait", "0.5"];

async function serverOf(test: TestContext, options: TcpServerOptions): Promise<string> {
  const server = new TcpServer(options);
  test.after(() => server.stop({ drainMs: 0 }));
  const address = (await server.listen({ host: "127.0.0.1" })) as IpAddress;
  return `127.0.0.1:${address.port}`;
}

const ECHO: TcpServerOptions = {
  onReceive: (connection, bytes) => void connection.send(bytes),
};

describe("hp-socket cat", () => {
  it("sends what is typed as it is and shows the answer, with push", async (test) => {
    const target = await serverOf(test, ECHO);

    const cat = await runCommand(["cat", target, ...SOON], "hällo\nwörld");

    assert.equal(cat.stdout, "hällo\nwörld\n");
    assert.equal(cat.stderr, "hp-socket cat: closed after the end of the input\n");
    assert.equal(cat.code, 0);
  });

  it("sends each line as one packet and shows each packet on its line", async (test) => {
    const receive = pack({ flag: 5 });
    const seen: string[] = [];
    const target = await serverOf(test, {
      receive,
      onReceive(connection, packet) {
        seen.push(packet.toString());
        connection.send(`got ${packet}`);
      },
    });

    const flags = ["--receive", "pack", "--flag", "5", ...SOON];
    const cat = await runCommand(["cat", target, ...flags], "one\r\ntwo");

    assert.deepEqual(seen, ["one", "two"]);
    assert.equal(cat.stdout, "got one\ngot two\n");
    assert.equal(cat.code, 0);
  });

  it("shows in hexadecimal what is not printable", async (test) => {
    const target = await serverOf(test, {
      receive: delimiter(),
      onHandshake(connection) {
        connection.send(Buffer.of(0x1b, 0x5b, 0x32, 0x4a, 0xff));
        connection.close();
      },
    });

    const cat = await runCommand(["cat", target, "--receive", "line"]);

    const hex = "00000000  1b 5b 32 4a ff                                    |.[2J.|\n";
    assert.equal(cat.stdout, hex);
  });

  it("ends with the peer while the input is open", async (test) => {
    const target = await serverOf(test, {
      onReceive(connection, bytes) {
        connection.send(bytes);
        connection.close();
      },
    });
    const cat = startCommand(test, ["cat", target]);

    cat.stdin.write("bye\n");
    const ended = await cat.ended;

    assert.deepEqual(ended, 0);
    assert.equal(cat.stdout, "bye\n");
    assert.equal(cat.stderr, "hp-socket cat: the peer closed the connection\n");
  });

  it("ends with exit code 1 when the connection breaks", async (test) => {
    const target = await serverOf(test, { onReceive: (connection) => void connection.abort() });

    const cat = await runCommand(["cat", target], "x");

    assert.equal(cat.code, 1);
    assert.match(cat.stderr, /^hp-socket cat: CONNECTION_RESET: .*\n$/);
  });

  it("ends with exit code 1 when it can't connect", async () => {
    const cat = await runCommand(["cat", `127.0.0.1:${NOBODYS_PORT}`], "x");

    assert.equal(cat.code, 1);
    assert.match(cat.stderr, /^hp-socket cat: CONNECTION_REFUSED: .*\n$/);
  });

  it("says which line can't be sent, goes on, and ends with exit code 1", async (test) => {
    const target = await serverOf(test, { ...ECHO, receive: pack() });

    const cat = await runCommand(["cat", target, "--receive", "pack", ...SOON], "a\n\nb\n");

    assert.equal(cat.stdout, "a\nb\n");
    assert.match(cat.stderr, /^hp-socket cat: not sent: .* 0 bytes/);
    assert.equal(cat.code, 1);
  });

  it("gives its input up behind a line that is too long for the model", async (test) => {
    const target = await serverOf(test, { ...ECHO, receive: delimiter() });
    const flags = ["--receive", "line", "--max-packet", "10", ...SOON];

    const cat = await runCommand(["cat", target, ...flags], "a\nelevenbytes\nb\n");

    assert.equal(cat.stdout, "a\n");
    assert.match(cat.stderr, /^hp-socket cat: not sent: .* more than 10 bytes/);
    assert.equal(cat.code, 1);
  });

  it("carries more than any buffer holds, in both directions", async (test) => {
    const target = await serverOf(test, { ...ECHO, slowConsumer: "pause" });
    const text = "0123456789abcdef\n".repeat(300_000);

    const cat = await runCommand(["cat", target, ...SOON], text);

    assert.ok(cat.stdout === text, `${cat.stdout.length} of ${text.length} characters came back`);
    assert.equal(cat.code, 0);
  });
});
