/** `echo --websocket`, `cat ws:`, `load ws:` of the program. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WebSocketClient } from "hp-socket/websocket";
import { type CliRun, runCommand, startCommand } from "../support/cli-run.js";
import { availableEngines } from "../support/engine-list.js";
import { describeTls } from "../support/tls-certificates.js";
import { webSocketServer } from "../support/websocket-world.js";

const COUNTED = ["--connections", "5", "--json", "--messages"];
const SOON = ["--wait", "0.5"];

async function urlOf(server: CliRun, scheme = "ws"): Promise<string> {
  return `${scheme}://127.0.0.1:${await server.readyPort()}/`;
}

for (const engine of availableEngines()) {
  describe(`hp-socket load of a WebSocket on ${engine}`, () => {
    for (const [name, words] of [
      ["binary messages", ["200", "--depth", "1"]],
      ["16 text messages in flight", ["800", "--depth", "16", "--text"]],
      ["messages above 64 KiB", ["20", "--size", "70000", "--depth", "2"]],
      ["compressed messages", ["200", "--size", "1024", "--depth", "4", "--deflate", "--text"]],
      [
        "more compressed bytes than a turn inflates",
        ["20", "--size", "300000", "--depth", "2", "--deflate", "--text"],
      ],
      [
        "more in flight than there are different ones",
        ["15", "--size", "600000", "--depth", "5", "--connections", "1"],
      ],
    ] as const) {
      it(`verifies ${name}`, async (test) => {
        const server = startCommand(test, ["echo", "--websocket", "--port", "0"]);
        const url = await urlOf(server);

        const run = await runCommand(["load", url, "--engine", engine, ...COUNTED, ...words]);

        assert.equal(run.code, 0, run.stdout + run.stderr);
        const figures = JSON.parse(run.stdout);
        const { wanted, opened, failed } = figures.connections;
        assert.deepEqual([opened, failed], [wanted, 0]);
        assert.deepEqual([figures.errors, figures.engine], [{}, engine]);
        assert.equal(figures.messages, Number(words[0]));
        assert.equal(figures.verifiedBytes, figures.messages * figures.messageBytes);
        assert.ok(figures.latencyUs.p50 > 0);
      });
    }
  });
}

describe("hp-socket load of a WebSocket", () => {
  it("tells of a server that answers something else", async (test) => {
    const { port } = await webSocketServer(test, {
      onMessage: (socket, data) => void socket.send(Buffer.from(data).reverse()),
    });

    const run = await runCommand(["load", `ws://127.0.0.1:${port}/`, ...COUNTED, "20"]);

    assert.equal(run.code, 1);
    assert.deepEqual(JSON.parse(run.stdout).errors, { WRONG_ANSWER: 5 });
  });

  it("tells text from binary messages", async (test) => {
    const { port } = await webSocketServer(test, {
      onMessage: (socket, data) => void socket.send(data, { isText: true }),
    });

    const run = await runCommand([
      "load",
      `ws://127.0.0.1:${port}/`,
      "--size",
      "1",
      ...COUNTED,
      "20",
    ]);

    assert.equal(run.code, 1);
  });

  it("tells of a server that closes, or grants no upgrade", async (test) => {
    const closing = await webSocketServer(test, {
      onMessage: (socket) => void socket.close(4_000, "enough"),
    });
    const refusing = await webSocketServer(test, { onUpgrade: () => ({ status: 401 }) });

    const closed = await runCommand(["load", `ws://127.0.0.1:${closing.port}/`, ...COUNTED, "20"]);
    const refused = await runCommand([
      "load",
      `ws://127.0.0.1:${refusing.port}/`,
      ...COUNTED,
      "20",
    ]);

    assert.deepEqual([closed.code, refused.code], [1, 1]);
    assert.deepEqual(JSON.parse(closed.stdout).errors, { CLOSED: 5 });
    const figures = JSON.parse(refused.stdout);
    assert.deepEqual(figures.errors, { WEBSOCKET_HANDSHAKE: 5 });
    assert.deepEqual(figures.connections, { wanted: 5, opened: 0, failed: 5 });
  });

  it("asks with fields, subprotocols, origin and credentials, and closes with 1000", async (test) => {
    const seen = new Set<string>();
    const codes: number[] = [];
    const { port } = await webSocketServer(test, {
      onUpgrade({ exchange, protocols, origin }) {
        const { headers, target } = exchange;
        seen.add(
          `${target} ${protocols} ${origin} ${headers.get("a")} ${headers.get("authorization")}`,
        );
        return {};
      },
      onMessage: (socket, data) => void socket.send(data),
      onClose: (_socket, code) => void codes.push(code),
    });
    const words = ["--protocol", "x", "--protocol", "y", "--origin", "http://o", "-H", "A: b"];

    const run = await runCommand([
      "load",
      `ws://u:p@127.0.0.1:${port}/p?q`,
      ...COUNTED,
      "20",
      ...words,
    ]);

    assert.equal(run.code, 0, run.stdout);
    assert.deepEqual([...seen], ["/p?q x,y http://o b Basic dTpw"]);
    assert.deepEqual(codes, Array(5).fill(1_000));
  });

  it("answers pings", async (test) => {
    let pongs = 0;
    const { port } = await webSocketServer(test, {
      onMessage(socket, data) {
        socket.ping("are you there");
        socket.send(data);
      },
      onPong() {
        pongs++;
      },
    });

    const run = await runCommand(["load", `ws://127.0.0.1:${port}/`, ...COUNTED, "20"]);

    assert.equal(run.code, 0, run.stdout);
    assert.equal(pongs, 20);
  });

  for (const [words, message] of [
    [["ws://x/", "--receive", "line"], /--receive goes with HOST:PORT, not with a URL/],
    [["ws://x/", "--requests", "3"], /--requests goes with a URL of http:/],
    [["http://x/", "--deflate"], /--deflate goes with a URL of ws:/],
    [["127.0.0.1:1", "--text"], /--text goes with a URL of ws:/],
    [["ws://x/#y"], /has a fragment/],
    [["ws://x/", "--ca", "file"], /--ca goes with wss:, not with ws:/],
    [["ws://x/", "--size", "67108864", "--depth", "17"], /--size × --depth/],
    [["ws://x/", "--protocol", "a b"], /--protocol must be a token/],
  ] as const) {
    it(`refuses ${words.join(" ")}`, async () => {
      const run = await runCommand(["load", ...words]);

      assert.equal(run.code, 2);
      assert.match(run.stderr, message);
    });
  }
});

describe("hp-socket echo --websocket", () => {
  it("sends back text, bytes and messages above 16 MiB, compressed where that was agreed on", async (test) => {
    const server = startCommand(test, ["echo", "--websocket", "--port", "0"]);
    const limits = { maxMessageBytes: 2 ** 26, maxPendingBytes: 2 ** 26 };
    const client = new WebSocketClient({ compression: true, ...limits });
    test.after(() => client.stop({ drainMs: 0 }));
    const large = Buffer.alloc(17 * 2 ** 20, "large ");

    const { socket } = await client.connect(`${await urlOf(server)}any/path`);
    client.send("text");
    client.send(Buffer.from("bytes"));
    client.send(large);

    assert.equal(await client.read(), "text");
    assert.deepEqual(await client.read(), Buffer.from("bytes"));
    assert.ok(large.equals((await client.read()) as Buffer));
    assert.ok(socket.isCompressed);
    assert.ok(socket.stats.receivedBytes < 2 ** 20);
  });

  it("keeps to --max-packet and --no-compression", async (test) => {
    const words = ["--max-packet", "5", "--no-compression"];
    const server = startCommand(test, ["echo", "--websocket", "--port", "0", ...words]);
    const client = new WebSocketClient({ compression: true });
    test.after(() => client.stop({ drainMs: 0 }));

    await client.connect(await urlOf(server));
    client.send("123456");
    const { code } = await client.socket.closed();

    assert.deepEqual([code, client.socket.isCompressed], [1_009, false]);
    assert.match(server.stdout, / receive=websocket$/m);
  });

  for (const [words, message] of [
    [["--websocket", "--receive", "line"], /--websocket and --receive exclude each other/],
    [["--websocket", "--flag", "1"], /--flag goes with --receive pack/],
    [["--no-compression"], /--no-compression goes with --websocket/],
  ] as const) {
    it(`refuses ${words.join(" ")}`, async () => {
      const run = await runCommand(["echo", ...words]);

      assert.equal(run.code, 2);
      assert.match(run.stderr, message);
    });
  }
});

describe("hp-socket cat of a WebSocket", () => {
  it("sends each line as a message, and shows each message on its line", async (test) => {
    const seen: string[] = [];
    const { port } = await webSocketServer(test, {
      compression: true,
      onMessage(socket, data, isText) {
        seen.push(`${isText} ${socket.isCompressed} ${data}`);
        socket.send(data);
      },
    });
    const url = `ws://127.0.0.1:${port}/`;

    const text = await runCommand(["cat", url, ...SOON], "hällo\r\nwörld");
    const bytes = await runCommand(["cat", url, "--binary", "--compression", ...SOON], "x\n");

    assert.deepEqual(seen, ["true false hällo", "true false wörld", "false true x"]);
    assert.deepEqual([text.stdout, text.code], ["hällo\nwörld\n", 0]);
    assert.equal(text.stderr, "hp-socket cat: closed after the end of the input\n");
    assert.deepEqual([bytes.stdout, bytes.code], ["x\n", 0]);
  });

  it("ends with the peer while the input is open, and tells with which code", async (test) => {
    const { port } = await webSocketServer(test, {
      onMessage: (socket) => void socket.close(4_001, "go away"),
    });
    const cat = startCommand(test, ["cat", `ws://127.0.0.1:${port}/`]);

    cat.stdin.write("bye\n");
    const code = await cat.ended;

    assert.equal(code, 0);
    assert.equal(cat.stderr, 'hp-socket cat: the peer closed the WebSocket: 4001, "go away"\n');
  });

  it("fails where there is no WebSocket", async (test) => {
    const { port } = await webSocketServer(test, { path: "/ws" });

    const run = await runCommand(["cat", `ws://127.0.0.1:${port}/other`]);

    assert.equal(run.code, 1);
    assert.match(run.stderr, /WEBSOCKET_HANDSHAKE: .*responded 404/);
  });

  it("ends in good order at a signal", async (test) => {
    const server = startCommand(test, ["echo", "--websocket", "--port", "0"]);
    const cat = startCommand(test, ["cat", await urlOf(server)]);
    cat.stdin.write("hello\n");
    await cat.shows("stdout", /hello\n/);

    cat.kill("SIGINT");

    assert.equal(await cat.ended, 0);
  });

  it("refuses options of the other kind", async () => {
    const line = await runCommand(["cat", "ws://x/", "--receive", "line"]);
    const binary = await runCommand(["cat", "127.0.0.1:1", "--binary"]);

    assert.deepEqual([line.code, binary.code], [2, 2]);
    assert.match(line.stderr, /--receive goes with HOST:PORT, not with a URL/);
    assert.match(binary.stderr, /--binary goes with a URL, not with HOST:PORT/);
  });
});

describeTls("hp-socket with wss:", () => {
  it("loads and talks, and knows the certificate by its fingerprint", async (test) => {
    const server = startCommand(test, ["echo", "--websocket", "--tls", "--port", "0"]);
    const url = await urlOf(server, "wss");
    const [, print = ""] = await server.shows("stdout", /fingerprint=(\S+)/);
    const pinned = ["--fingerprint", print];

    const load = await runCommand(["load", url, ...COUNTED, "20", ...pinned]);
    const cat = await runCommand(["cat", url, ...SOON, ...pinned], "hello");
    const unknown = await runCommand(["cat", url], "hello");

    assert.deepEqual([load.code, cat.code, unknown.code], [0, 0, 1], load.stdout + cat.stderr);
    assert.equal(cat.stdout, "hello\n");
    assert.match(unknown.stderr, /TLS_CERTIFICATE/);
  });
});
