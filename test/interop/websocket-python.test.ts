/** Our WebSockets with two libraries of Python, websockets and Autobahn, in both roles, compressed or not. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { describe, it, type TestContext } from "node:test";
import type { EngineName } from "hp-socket";
import { WebSocketClient } from "hp-socket/websocket";
import { availableEngines } from "../support/engine-list.js";
import { IS_INTEROP } from "../support/other-program.js";
import { until } from "../support/until.js";
import { webSocketServer } from "../support/websocket-world.js";

/** Debian's own, where others may come first. */
const PYTHON = "/usr/bin/python3";

/** Why the tests with a module are skipped, or false. */
function skipWithout(module: string): string | false {
  const { status } = spawnSync(PYTHON, ["-c", `import ${module}`], { stdio: "ignore" });
  if (status === 0) return false;
  if (IS_INTEROP) throw new Error(`Python has no ${module}`);
  const skip = `Python has no ${module}; "npm run interop" installs it`;
  console.log(`# tests with ${module} are skipped: ${skip}`);
  return skip;
}

/** Sends text and bytes of all sizes to a server that echoes them, pings, and closes with 4000. */
const WEBSOCKETS_CLIENT = `
import asyncio, sys, websockets
async def main(url, compression):
    async with websockets.connect(url, compression=compression, max_size=None, subprotocols=["b", "a"]) as socket:
        for size in [0, 1, 125, 126, 65535, 65536, 200000]:
            for message in ["ä" * (size // 2), bytes(size)]:
                await socket.send(message)
                assert await socket.recv() == message, size
        await socket.send(iter(["one ", "two ", "three"]))
        assert await socket.recv() == "one two three"
        await asyncio.gather(*[socket.send(str(n)) for n in range(500)])
        assert [await socket.recv() for n in range(500)] == [str(n) for n in range(500)]
        await asyncio.wait_for(await socket.ping(), 5)
        print(socket.subprotocol, [e.name for e in socket.extensions])
        await socket.close(4000, "done")
        print(socket.close_code)
asyncio.run(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None))`;

const WEBSOCKETS_SERVER = `
import asyncio, sys, websockets
async def echo(socket, path=None):
    try:
        async for message in socket:
            await socket.send(message)
    finally:
        print("closed", socket.close_code, socket.close_reason, flush=True)
async def main(compression):
    async with websockets.serve(echo, "127.0.0.1", 0, compression=compression, max_size=None) as server:
        print("port", server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()
asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None))`;

const AUTOBAHN = `
import asyncio, sys
from autobahn.asyncio import websocket as w
from autobahn.websocket.compress import *
role, compress = sys.argv[1], sys.argv[3] == "deflate"
sizes = [1, 125, 126, 65535, 65536, 200000]
class Server(w.WebSocketServerProtocol):
    def onMessage(self, payload, isBinary):
        self.sendMessage(payload, isBinary)
    def onClose(self, wasClean, code, reason):
        print("closed", code, reason, flush=True)
class Client(w.WebSocketClientProtocol):
    def onOpen(self):
        self.wanted = [(bytes(s), True) for s in sizes] + [(("ö" * s).encode(), False) for s in sizes]
        self.next()
    def next(self):
        if self.wanted:
            self.sendMessage(*self.wanted[0])
        else:
            print(self.websocket_extensions_in_use, flush=True)
            self.sendClose(4000, "done")
    def onMessage(self, payload, isBinary):
        assert (payload, isBinary) == self.wanted.pop(0)
        self.next()
    def onClose(self, wasClean, code, reason):
        print("closed", wasClean, code, reason, flush=True)
        asyncio.get_event_loop().stop()
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
if role == "server":
    factory = w.WebSocketServerFactory()
    factory.protocol = Server
    if compress:
        def accept(offers):
            for offer in offers:
                if isinstance(offer, PerMessageDeflateOffer):
                    return PerMessageDeflateOfferAccept(offer)
        factory.setProtocolOptions(perMessageCompressionAccept=accept)
    server = loop.run_until_complete(loop.create_server(factory, "127.0.0.1", 0))
    print("port", server.sockets[0].getsockname()[1], flush=True)
else:
    port = int(sys.argv[2])
    factory = w.WebSocketClientFactory(f"ws://127.0.0.1:{port}/")
    factory.protocol = Client
    # Its own second is over at once where the machine is busy.
    factory.setProtocolOptions(closeHandshakeTimeout=20)
    if compress:
        factory.setProtocolOptions(
            perMessageCompressionOffers=[PerMessageDeflateOffer()],
            perMessageCompressionAccept=lambda response: PerMessageDeflateResponseAccept(response))
    loop.run_until_complete(loop.create_connection(factory, "127.0.0.1", port))
loop.run_forever()`;

/** A program of Python that runs, and what it prints. */
class PythonRun {
  output = "";
  errors = "";
  code: number | null | undefined = undefined;

  constructor(test: TestContext, program: string, words: readonly string[]) {
    const child = spawn(PYTHON, ["-c", program, ...words], { stdio: ["ignore", "pipe", "pipe"] });
    test.after(() => child.kill("SIGKILL"));
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.errors += text;
    });
    child.on("close", (code) => {
      this.code = code;
    });
  }

  /** Resolves when it has printed this. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    await until(() => this.code !== undefined || pattern.test(this.output), 30_000);
    const match = pattern.exec(this.output);
    assert.ok(match !== null, `${this.output}\n${this.errors}`);
    return match;
  }

  async ended(): Promise<void> {
    await until(() => this.code !== undefined, 60_000);
    assert.equal(this.code, 0, this.errors);
  }
}

const MESSAGES = [0, 1, 125, 126, 65_535, 65_536, 200_000].flatMap((size) => [
  "ä".repeat(size),
  Buffer.alloc(size, 7),
]);

/** Has a server of theirs echo messages of ours. */
async function talk(
  test: TestContext,
  engine: EngineName,
  port: string | undefined,
  compression: boolean,
): Promise<void> {
  const client = new WebSocketClient({
    engine,
    compression: compression && { minBytes: 0, keepContext: true },
  });
  test.after(() => client.stop({ drainMs: 0 }));
  await client.connect(`ws://127.0.0.1:${port}/`);
  assert.equal(client.socket.isCompressed, compression);
  for (const message of MESSAGES) {
    client.send(message);
    assert.deepEqual(await client.read({ timeoutMs: 20_000 }), message);
  }
  await client.sendStream(["one ", "two ", "three"]);
  assert.equal(await client.read(), "one two three");
  client.close(4_000, "done");
  assert.equal((await client.socket.closed()).isClean, true);
}

const withoutWebsockets = skipWithout("websockets");
const withoutAutobahn = skipWithout("autobahn");

for (const engine of availableEngines()) {
  for (const compression of [false, true]) {
    const name = `${engine}, ${compression ? "compressed" : "plain"}`;
    const closes: string[] = [];
    const serverOf = (test: TestContext) =>
      webSocketServer(test, {
        engine,
        compression: compression && { minBytes: 0, keepContext: true },
        protocols: ["a", "b"],
        onMessage: (socket, data) => void socket.send(data),
        onClose: (_socket, code, reason) => void closes.push(`${code} ${reason}`),
      });

    describe(`websockets of Python, ${name}`, { skip: withoutWebsockets }, () => {
      it("talks to a server of ours", async (test) => {
        const { port } = await serverOf(test);
        const words = [`ws://127.0.0.1:${port}/`, ...(compression ? ["deflate"] : [])];

        const run = new PythonRun(test, WEBSOCKETS_CLIENT, words);
        await run.ended();

        const extensions = compression ? "['permessage-deflate']" : "[]";
        assert.equal(run.output, `b ${extensions}\n4000\n`);
        await until(() => closes.pop() === "4000 done");
      });

      it("echoes messages of a client of ours", async (test) => {
        const run = new PythonRun(test, WEBSOCKETS_SERVER, compression ? ["deflate"] : []);
        const [, port] = await run.prints(/port (\d+)/);

        await talk(test, engine, port, compression);

        await run.prints(/closed 4000 done/);
      });
    });

    describe(`Autobahn, ${name}`, { skip: withoutAutobahn }, () => {
      const deflate = compression ? "deflate" : "plain";

      it("talks to a server of ours", async (test) => {
        const { port } = await serverOf(test);

        const run = new PythonRun(test, AUTOBAHN, ["client", String(port), deflate]);
        await run.ended();

        assert.match(run.output, /closed True 4000/);
        assert.equal(/PerMessageDeflate/.test(run.output), compression, run.output);
      });

      it("echoes messages of a client of ours", async (test) => {
        const run = new PythonRun(test, AUTOBAHN, ["server", "0", deflate]);
        const [, port] = await run.prints(/port (\d+)/);

        await talk(test, engine, port, compression);

        await run.prints(/closed 4000 done/);
      });
    });
  }
}
