import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  delimiter,
  type IpAddress,
  lengthPrefix,
  pack,
  push,
  type ReceiveModel,
  TcpClient,
  TcpServer,
} from "hp-socket";
import { runCommand, startCommand } from "../support/cli-run.js";

const MODELS: Readonly<Record<string, ReceiveModel<Buffer>>> = {
  push: push(),
  pull: push(),
  pack: pack(),
  line: delimiter(),
  length: lengthPrefix({ format: "uint-be", bytes: 4 }),
};

async function echoed(port: number, receive: ReceiveModel<Buffer>): Promise<string> {
  const client = new TcpClient({ receive });
  await client.connect({ host: "127.0.0.1", port });
  const answer = await client.request("hello", { timeoutMs: 5_000 });
  await client.stop();
  return answer.toString();
}

/** Asks once, on a connection of its own. */
async function overHttp(port: number, method: string, body?: string): Promise<string> {
  const options = {
    method,
    headers: { Connection: "close" },
    ...(body !== undefined && { body }),
  };
  return await (await fetch(`http://127.0.0.1:${port}/`, options)).text();
}

describe("hp-socket serve", () => {
  it("runs an echo server of each kind, says what to try, and drains at SIGINT", async (test) => {
    const program = startCommand(test, ["serve", "--port", "0"]);
    await program.shows("stdout", /^Try.*\n(?: {2}.*\n)+/m);
    const all = [
      ...program.stdout.matchAll(
        /^READY 127\.0\.0\.1:(\d+) service=\w+ engine=\w+ receive=(\w+)$/gm,
      ),
    ];
    const ready = all.filter(([, , name]) => Object.hasOwn(MODELS, name!));
    const [, httpPort] = all.find(([, , name]) => name === "http") ?? [];

    const answers = await Promise.all(
      ready.map(async ([, port, name]) => [name, await echoed(Number(port), MODELS[name!]!)]),
    );
    const shown = await overHttp(Number(httpPort), "GET");
    const sentBack = await overHttp(Number(httpPort), "POST", "hello");
    program.kill("SIGINT");
    const ended = await program.ended;

    assert.match(shown, /^GET \/ HTTP\/1\.1\nhost: 127\.0\.0\.1/);
    assert.equal(sentBack, "hello");
    assert.deepEqual(
      answers,
      Object.keys(MODELS).map((name) => [name, "hello"]),
    );
    assert.match(
      program.stdout,
      new RegExp(`printf hello \\| npx hp-socket cat 127.0.0.1:${ready[0]?.[1]}\n`),
    );
    assert.match(program.stdout, /npx hp-socket cat 127\.0\.0\.1:\d+ --receive line\n/);
    assert.match(program.stdout, /curl http:\/\/127\.0\.0\.1:\d+\/ -d hello\n/);
    assert.match(
      program.stdout,
      /^Summary: send - \d+, recv - \d+\nconnections - 7 .* messages - 7$/m,
    );
    assert.deepEqual(ended, 0);
  });

  it("names its services in JSON", async (test) => {
    const serve = startCommand(test, ["serve", "--port", "0", "--json"]);
    const [line] = await serve.shows("stdout", /^{.*}$/m);

    const names = JSON.parse(line).services.map(({ service }: { service: string }) => service);
    assert.deepEqual(names, [
      "push",
      "pull",
      "pack",
      "line",
      "length",
      "tls",
      "http",
      "websocket",
      "udp",
      "arq",
    ]);
  });

  it("starts nothing and says so when one of its ports is taken", async (test) => {
    const taken = new TcpServer();
    test.after(() => taken.stop());
    const { port } = (await taken.listen({ host: "127.0.0.1" })) as IpAddress;

    const program = await runCommand(["serve", "--port", String(port - 1)]);

    assert.equal(program.code, 1);
    assert.match(program.stderr, /^hp-socket serve: ADDRESS_IN_USE: .*\n$/);
    assert.equal(program.stdout, "");
  });
});
