/**
 * What a real network does to datagrams: a slow link, a firewall, a path with a smaller MTU, routers that refuse, an
 * interface that goes down, an address that goes away, a burst. Three network namespaces in a row; whatever does not
 * arrive is told, nobody else is ended for it, and clients and servers go on when the network does.
 */
import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { EngineName } from "hp-socket";
import { availableEngines } from "../support/engine-list.js";
import { IS_INTEROP } from "../support/other-program.js";
import { until } from "../support/until.js";

const CHILD = fileURLToPath(new URL("../support/datagram-path-child.js", import.meta.url));
const SERVER_CHILD = fileURLToPath(new URL("../support/datagram-server-child.js", import.meta.url));
const HERE = `hp-sender-${process.pid}`;
const ROUTER = `hp-router-${process.pid}`;
const THERE = `hp-receiver-${process.pid}`;
const PORT = "7000";
const PEERS = { IPv4: "10.213.9.2", IPv6: "fd00:9::2" } as const;
/** Prints the numbers of what came since the last line of its input, then the lengths. */
const RECEIVER = `
  const s = require("node:dgram").createSocket({ type: "udp6", recvBufferSize: 1 << 20 });
  let got = [];
  s.on("message", (b) => b.length === 16 || b.length === 0 || got.push([b.readUInt32LE(0), b.length]));
  s.bind(${PORT}, () => console.log("READY"));
  process.stdin.on("data", () => { console.log(JSON.stringify(got)); got = []; });`;

const run = (...words: readonly string[]): number | null =>
  spawnSync(words[0] ?? "", words.slice(1), { stdio: "ignore" }).status;
const must = (line: string): void => assert.equal(run(...line.split(" ")), 0, line);

/** Why it can't be done here, or false. */
function whyNot(): string | false {
  if (!IS_INTEROP) return 'it takes half a minute; "npm run interop" does it';
  if (process.platform !== "linux" || process.getuid?.() !== 0)
    return "network namespaces need Linux and root";
  for (const tool of ["ip", "tc"]) if (run(tool, "-V") !== 0) return `there is no ${tool}`;
  if (run("nft", "--version") !== 0) return "there is no nft";
  if (run("ip", "netns", "add", HERE) !== 0) return "the system makes no network namespaces";
  run("ip", "netns", "del", HERE);
  return false;
}

const skip = whyNot();
if (skip !== false) console.log(`# paths of datagrams are not tested: ${skip}`);

/** A process that answers lines by lines. */
class Asked {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: string[] = [];
  #error = "";

  constructor(namespace: string, ...args: readonly string[]) {
    this.#child = spawn("ip", ["netns", "exec", namespace, process.execPath, ...args]);
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#lines.push(line));
    this.#child.stderr.on("data", (bytes: Buffer) => {
      this.#error += bytes.toString();
    });
  }

  async line(): Promise<string> {
    await until(() => this.#lines.length > 0 || this.#child.exitCode !== null, 20_000);
    const line = this.#lines.shift();
    assert.ok(line !== undefined, this.#error);
    return line;
  }

  async ask(text: string): Promise<unknown> {
    this.#child.stdin.write(`${text}\n`);
    return JSON.parse(await this.line());
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    await until(() => this.#child.exitCode !== null || this.#child.signalCode !== null, 10_000);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

function makeNetwork(): void {
  for (const namespace of [HERE, ROUTER, THERE]) {
    must(`ip netns add ${namespace}`);
    must(`ip -n ${namespace} link set lo up`);
  }
  must(`ip link add left0 netns ${HERE} type veth peer name left1 netns ${ROUTER}`);
  must(`ip link add right0 netns ${ROUTER} type veth peer name right1 netns ${THERE}`);
  const addresses = [
    [ROUTER, "left1", "10.213.8.2/24", "fd00:8::2/64"],
    [ROUTER, "right0", "10.213.9.1/24", "fd00:9::1/64"],
    [THERE, "right1", "10.213.9.2/24", "fd00:9::2/64"],
  ];
  for (const [namespace, device, fourth, sixth] of addresses) {
    must(`ip -n ${namespace} addr add ${fourth} dev ${device}`);
    must(`ip -n ${namespace} addr add ${sixth} dev ${device} nodad`);
    must(`ip -n ${namespace} link set ${device} up`);
  }
  must(`ip -n ${HERE} link set left0 up`);
  addAddresses();
  must(`ip -n ${THERE} route add default via 10.213.9.1`);
  must(`ip -n ${THERE} route add default via fd00:9::1`);
  // Without a limit on how often it says what does not arrive.
  const settings = [
    "net.ipv4.ip_forward=1",
    "net.ipv6.conf.all.forwarding=1",
    "net.ipv4.icmp_ratelimit=0",
    "net.ipv6.icmp.ratelimit=0",
  ];
  for (const setting of settings) must(`ip netns exec ${ROUTER} sysctl -qw ${setting}`);
  must(`ip netns exec ${THERE} sysctl -qw net.ipv4.icmp_ratelimit=0`);
}

/** What this end has, as long as its link is up. */
function addAddresses(): void {
  must(`ip -n ${HERE} addr replace 10.213.8.1/24 dev left0`);
  must(`ip -n ${HERE} addr replace fd00:8::1/64 dev left0 nodad`);
  must(`ip -n ${HERE} route replace default via 10.213.8.2`);
  must(`ip -n ${HERE} route replace default via fd00:8::2`);
}

/** Rules of a firewall that are there while `body` runs. */
async function withRule(
  namespace: string,
  hook: string,
  rule: string,
  body: () => Promise<void>,
): Promise<void> {
  const nft = `ip netns exec ${namespace} nft`;
  must(`${nft} add table inet test`);
  must(`${nft} add chain inet test rules { type filter hook ${hook} priority 0; }`);
  must(`${nft} add rule inet test rules udp dport ${PORT} ${rule}`);
  try {
    await body();
  } finally {
    must(`${nft} delete table inet test`);
  }
}

describe("the path of datagrams", { skip }, () => {
  let receiver: Asked;

  before(async () => {
    makeNetwork();
    receiver = new Asked(THERE, "-e", RECEIVER);
    assert.equal(await receiver.line(), "READY");
  });

  after(() => {
    receiver?.kill();
    for (const namespace of [HERE, ROUTER, THERE]) run("ip", "netns", "del", namespace);
  });

  for (const engine of availableEngines()) {
    for (const family of ["IPv4", "IPv6"] as const) paths(engine, family, () => receiver);
    serves(engine);
  }
});

function paths(engine: EngineName, family: "IPv4" | "IPv6", there: () => Asked): void {
  const nothing = { failed: {}, refused: {} };

  async function withClient(
    body: (client: Asked, got: () => Promise<number[][]>) => Promise<void>,
    port = PORT,
  ): Promise<void> {
    const got = async (): Promise<number[][]> => (await there().ask("?")) as number[][];
    const client = new Asked(HERE, CHILD, engine, PEERS[family], port);
    try {
      assert.equal(await client.line(), "open");
      await body(client, got);
      await client.end();
      await got();
    } finally {
      client.kill();
    }
  }

  it(`is slow: what waits for room leaves in its order (${engine}, ${family})`, async () => {
    must(`tc -n ${HERE} qdisc add dev left0 root tbf rate 10mbit burst 10kb limit 10mb`);
    try {
      await withClient(async (client, got) => {
        assert.deepEqual(await client.ask("600 1000"), nothing);
        const numbers = (await got()).filter(([, length]) => length !== 4).map(([n]) => n ?? -1);
        assert.equal(new Set(numbers).size, 600);
        // Where room comes while several are tried, one may overtake another.
        let last = Number.POSITIVE_INFINITY;
        const overtakers = numbers.reduceRight((count, number) => {
          const overtakes = number > last;
          last = Math.min(last, number);
          return overtakes ? count + 1 : count;
        }, 0);
        assert.ok(overtakers <= 60, `${overtakers} of 600`);
      });
    } finally {
      must(`tc -n ${HERE} qdisc del dev left0 root`);
    }
  });

  it(`is closed by a firewall of this host, and opened again (${engine}, ${family})`, async () => {
    await withClient(async (client, got) => {
      await withRule(HERE, "output", "drop", async () => {
        const told = await client.ask("130 500");
        assert.deepEqual(told, { failed: { ACCESS_DENIED: 132 }, refused: {} });
      });
      assert.deepEqual(await got(), []);
      assert.deepEqual(await client.ask("130 500"), nothing);
      assert.equal((await got()).length, 132);
    });
  });

  it(`has a smaller MTU, and what was too long for it is told (${engine}, ${family})`, async () => {
    for (const [namespace, device] of [
      [ROUTER, "right0"],
      [THERE, "right1"],
    ]) {
      must(`ip -n ${namespace} link set ${device} mtu 1290`);
    }
    try {
      await withClient(async (client, got) => {
        const told = await client.ask("1 1400");
        assert.deepEqual(told, { failed: {}, refused: { DATAGRAM_TOO_LONG: 1 } });
        assert.deepEqual(await got(), []);
        // From now on they are cut on their way, and runs of them by us.
        assert.deepEqual(await client.ask("130 1400"), nothing);
        assert.equal((await got()).length, 132);
      });
    } finally {
      must(`ip -n ${ROUTER} link set right0 mtu 1500`);
      must(`ip -n ${THERE} link set right1 mtu 1500`);
      run("ip", "-n", HERE, "route", "flush", "cache");
      run("ip", "-n", HERE, "-6", "route", "flush", "cache");
    }
  });

  it(`has a router that refuses, and a peer that is not there (${engine}, ${family})`, async () => {
    await withClient(async (client, got) => {
      await withRule(ROUTER, "forward", "reject with icmpx admin-prohibited", async () => {
        const told = await client.ask("1 100");
        assert.deepEqual(told, { failed: {}, refused: { HOST_UNREACHABLE: 1 } });
      });
      assert.deepEqual(await client.ask("1 100"), nothing);
      assert.equal((await got()).length, 1);
    });
    await withClient(async (client) => {
      const told = await client.ask("1 100");
      assert.deepEqual(told, { failed: {}, refused: { CONNECTION_REFUSED: 1 } });
    }, "7001");
  });

  it(`goes down and comes back (${engine}, ${family})`, async () => {
    await withClient(async (client, got) => {
      must(`ip -n ${HERE} link set left0 down`);
      const told = await client.ask("130 500");
      must(`ip -n ${HERE} link set left0 up`);
      addAddresses();
      assert.deepEqual(told, { failed: { HOST_UNREACHABLE: 132 }, refused: {} });
      assert.deepEqual(await client.ask("130 500"), nothing);
      assert.equal((await got()).length, 132);
    });
  });

  it(`loses our address, and gets it back (${engine}, ${family})`, async () => {
    await withClient(async (client, got) => {
      must(`ip -n ${HERE} addr flush dev left0 scope global`);
      const told = (await client.ask("130 500")) as { failed: Record<string, number> };
      addAddresses();
      const failedCount = Object.values(told.failed).reduce((sum, count) => sum + count, 0);
      assert.equal(failedCount + (await got()).length, 132, JSON.stringify(told));
      assert.deepEqual(await client.ask("130 500"), nothing);
      assert.equal((await got()).length, 132);
    });
  });
}

/** A server with two peers, one of which is at the router, and the other behind it. */
function serves(engine: EngineName): void {
  const SERVER_PORT = "7100";
  /** Says hello to the server; for a line `COUNT` it says so many more, and answers how many came. */
  const PEER = `
    const s = require("node:dgram").createSocket({ type: "udp4", recvBufferSize: 1 << 20 });
    let got = 0;
    s.on("message", (b) => { if (b.length !== 16) got++; });
    const say = (done) => s.send("hello", ${SERVER_PORT}, "10.213.8.1", done);
    s.bind(0, () => say(() => console.log("READY")));
    process.stdin.on("data", (text) => {
      let left = Number(text);
      const next = () => left-- > 0 ? say(next) : setTimeout(() => { console.log(got); got = 0; }, 100);
      next();
    });`;

  interface Told {
    readonly failed: Record<string, number>;
    readonly heard: number;
    readonly dropped: number;
    readonly sessions: number;
  }

  async function withServer(
    body: (server: Asked, near: Asked, far: Asked) => Promise<void>,
  ): Promise<void> {
    const children = [new Asked(HERE, SERVER_CHILD, engine, SERVER_PORT)];
    try {
      assert.equal(await children[0]!.line(), "open");
      for (const namespace of [ROUTER, THERE]) {
        const peer = new Asked(namespace, "-e", PEER);
        children.push(peer);
        assert.equal(await peer.line(), "READY");
      }
      const [server, near, far] = children as [Asked, Asked, Asked];
      const told = (await server.ask("0 0")) as Told;
      assert.equal(told.sessions, 2);
      await body(server, near, far);
      await server.end();
    } finally {
      for (const child of children) child.kill();
    }
  }

  async function heardMoreThan(server: Asked, count: number): Promise<Told> {
    const endMs = performance.now() + 10_000;
    for (;;) {
      const told = (await server.ask("0 0")) as Told;
      if (told.heard > count) return told;
      assert.ok(performance.now() < endMs, `${told.heard}`);
    }
  }

  /** What fails for one peer is told of that one; the other gets everything, and both go on. */
  async function failsForOne(code: string, fail: () => void, mend: () => void): Promise<void> {
    await withServer(async (server, near, far) => {
      fail();
      let told: Told;
      try {
        told = (await server.ask("70 300")) as Told;
      } finally {
        mend();
      }
      assert.deepEqual(told.failed, { [`10.213.9.2 ${code}`]: 70 });
      assert.equal(told.sessions, 2);
      assert.deepEqual([await near.ask("0"), await far.ask("0")], [70, 0]);

      told = (await server.ask("70 300")) as Told;
      assert.deepEqual(told.failed, {});
      assert.deepEqual([await near.ask("0"), await far.ask("0")], [70, 70]);
    });
  }

  it(`rejects what a server sends to one of two peers (${engine})`, async () => {
    const nft = `ip netns exec ${HERE} nft`;
    await failsForOne(
      "ACCESS_DENIED",
      () => {
        must(`${nft} add table inet test`);
        must(`${nft} add chain inet test rules { type filter hook output priority 0; }`);
        must(`${nft} add rule inet test rules ip daddr 10.213.9.2 reject`);
      },
      () => must(`${nft} delete table inet test`),
    );
  });

  it(`has no way to one of a server's two peers for a while (${engine})`, async () => {
    await failsForOne(
      "HOST_UNREACHABLE",
      () => must(`ip -n ${HERE} route del default via 10.213.8.2`),
      addAddresses,
    );
  });

  it(`goes down under a server, which goes on when it is back (${engine})`, async () => {
    await withServer(async (server, near, far) => {
      must(`ip -n ${HERE} link set left0 down`);
      const { failed, sessions } = (await server.ask("70 300")) as Told;
      must(`ip -n ${HERE} link set left0 up`);
      addAddresses();
      assert.equal(sessions, 2);
      assert.equal(
        Object.values(failed).reduce((sum, count) => sum + count, 0),
        140,
        JSON.stringify(failed),
      );
      assert.deepEqual(((await server.ask("70 300")) as Told).failed, {});
      assert.deepEqual([await near.ask("0"), await far.ask("0")], [70, 70]);
    });
  });

  it(`brings more than a server that stands still has room for (${engine})`, async () => {
    await withServer(async (server, near, far) => {
      server.signal("SIGSTOP");
      await near.ask("2000");
      server.signal("SIGCONT");
      const before = await heardMoreThan(server, 2);
      // The kernel tells its count with the next that it has room for.
      await far.ask("1");
      const { heard, dropped, sessions } = await heardMoreThan(server, before.heard);
      assert.equal(sessions, 2);
      assert.ok(heard < 2_003, `${heard}`);
      // node:dgram does not tell.
      assert.equal(dropped, engine === "uring" ? 2_003 - heard : 0);
    });
  });
}
