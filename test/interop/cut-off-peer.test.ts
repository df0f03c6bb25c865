/**
 * A peer that is cut off without a word: two network namespaces, and a firewall between them that drops all
 * packets, or a link that goes down on one of its ends. What is configured finds it, each with a reason of its own.
 */
import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { EngineName } from "hp-socket";
import { selfSignedCertificate } from "hp-socket/testing";
import { availableEngines } from "../support/engine-list.js";
import { IS_INTEROP } from "../support/other-program.js";
import { until } from "../support/until.js";

const CHILD = fileURLToPath(new URL("../support/cut-off-child.js", import.meta.url));
const HERE = `hp-here-${process.pid}`;
const THERE = `hp-there-${process.pid}`;
/** All that is configured is below 2.1 s; the rest is for a busy machine. */
const LONGEST_MS = 5_000;
const PEER = "10.213.7.2";
const PORTS = { plain: 7_000, tls: 7_001, full: 7_002 };
const SERVER = `
  const echo = (s) => s.on("data", (d) => s.write(d)).on("error", () => {});
  const { CERT: cert, KEY: key } = process.env;
  require("node:net").createServer((s) => s.pause().on("error", () => {})).listen(${PORTS.full});
  require("node:tls").createServer({ cert, key }, echo).listen(${PORTS.tls});
  require("node:net").createServer(echo).listen(${PORTS.plain}, () => console.log("READY"))`;

function portFor(kind: string): number {
  if (kind.startsWith("tls")) return PORTS.tls;
  return kind.startsWith("full") ? PORTS.full : PORTS.plain;
}

const run = (...words: readonly string[]): number | null =>
  spawnSync(words[0] ?? "", words.slice(1), { stdio: "ignore" }).status;

/** Why it can't be done here, or false. */
function whyNot(): string | false {
  if (!IS_INTEROP) return 'it takes half a minute; "npm run interop" does it';
  if (process.platform !== "linux" || process.getuid?.() !== 0)
    return "network namespaces need Linux and root";
  if (run("ip", "-V") !== 0 || run("nft", "--version") !== 0) return "there is no ip, or no nft";
  if (run("ip", "netns", "add", HERE) !== 0) return "the system makes no network namespaces";
  run("ip", "netns", "del", HERE);
  return false;
}

const skip = whyNot();
if (skip !== false) console.log(`# peers that are cut off are not tested: ${skip}`);

describe("a peer that is cut off", { skip }, () => {
  let server: ChildProcessWithoutNullStreams;

  before(async () => {
    const must = (...words: readonly string[]): void =>
      assert.equal(run(...words), 0, words.join(" "));
    must("ip", "netns", "add", HERE);
    must("ip", "netns", "add", THERE);
    must(
      "ip",
      "link",
      "add",
      "hp0",
      "netns",
      HERE,
      "type",
      "veth",
      "peer",
      "name",
      "hp1",
      "netns",
      THERE,
    );
    must("ip", "-n", HERE, "addr", "add", "10.213.7.1/24", "dev", "hp0");
    must("ip", "-n", THERE, "addr", "add", `${PEER}/24`, "dev", "hp1");
    must("ip", "-n", HERE, "link", "set", "hp0", "up");
    must("ip", "-n", THERE, "link", "set", "hp1", "up");
    const { cert, key } = selfSignedCertificate();
    const env = { ...process.env, CERT: cert, KEY: key };
    server = spawn("ip", ["netns", "exec", THERE, process.execPath, "-e", SERVER], { env });
    await new Promise((resolve) => createInterface({ input: server.stdout }).once("line", resolve));
  });

  after(() => {
    server?.kill("SIGKILL");
    run("ip", "netns", "del", HERE);
    run("ip", "netns", "del", THERE);
  });

  /** Ways to cut it off. A link that is down here has no way out; one that is down there answers no ARP. */
  const CUTS: Readonly<Record<string, () => void>> = {
    "a firewall": () => {
      run("ip", "netns", "exec", THERE, "nft", "add", "table", "inet", "cut");
      const chain = "{ type filter hook input priority 0; policy drop; }";
      const words = ["nft", "add", "chain", "inet", "cut", "in", chain];
      assert.equal(run("ip", "netns", "exec", THERE, ...words), 0);
    },
    "its own link": () => link(THERE, "hp1", "down"),
    "our link": () => link(HERE, "hp0", "down"),
  };
  const link = (space: string, device: string, state: string): void =>
    assert.equal(run("ip", "-n", space, "link", "set", device, state), 0);
  const mend = (): void => {
    run("ip", "netns", "exec", THERE, "nft", "delete", "table", "inet", "cut");
    link(HERE, "hp0", "up");
    link(THERE, "hp1", "up");
  };

  /** A client in its namespace, and what it says. */
  function client(
    engine: EngineName,
    kind: string,
  ): { lines: string[]; child: ChildProcessWithoutNullStreams } {
    const port = String(portFor(kind));
    const words = ["netns", "exec", HERE, process.execPath, CHILD, engine, PEER, port, kind];
    const child = spawn("ip", words);
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
    return { lines, child };
  }

  async function findingOf(
    engine: EngineName,
    kind: string,
    cut: () => void,
  ): Promise<readonly [code: string, ms: number]> {
    mend();
    const { lines, child } = client(engine, kind);
    try {
      await until(() => lines.includes("open"), 10_000);
      cut();
      child.stdin.write("cut\n");
      await until(() => lines.some((line) => line.startsWith("closed")), 10_000);
      const [, code = "", ms = ""] = (lines.find((line) => line.startsWith("closed")) ?? "").split(
        " ",
      );
      return [code, Number(ms)];
    } finally {
      child.kill("SIGKILL");
      mend();
    }
  }

  const WAYS = [
    ["heartbeat", "HEARTBEAT_TIMEOUT", Object.keys(CUTS)],
    ["idle", "IDLE_TIMEOUT", ["a firewall"]],
    ["keepAlive", "KEEPALIVE_TIMEOUT", Object.keys(CUTS)],
    ["pausedKeepAlive", "KEEPALIVE_TIMEOUT", ["a firewall"]],
    ["tlsKeepAlive", "KEEPALIVE_TIMEOUT", ["a firewall"]],
    ["userTimeout", "USER_TIMEOUT", Object.keys(CUTS)],
    ["tlsUserTimeout", "USER_TIMEOUT", ["a firewall", "our link"]],
    ["muchUserTimeout", "USER_TIMEOUT", Object.keys(CUTS)],
    ["fullUserTimeout", "USER_TIMEOUT", ["a firewall", "our link"]],
  ] as const;

  for (const engine of availableEngines()) {
    for (const [kind, code, cuts] of WAYS) {
      for (const name of cuts) {
        it(`by ${name} is found by ${kind} on ${engine}, with ${code}`, async () => {
          const [found, ms] = await findingOf(engine, kind, CUTS[name] as () => void);
          assert.equal(found, code);
          assert.ok(ms < LONGEST_MS, `it took ${ms} ms`);
        });
      }
    }

    for (const [name, cut] of Object.entries(CUTS)) {
      it(`by ${name} is met again by a client on ${engine} that reconnects, when the way is mended`, async () => {
        mend();
        const { lines, child } = client(engine, "reconnect");
        try {
          await until(() => lines.includes("open"), 10_000);
          cut();
          await until(
            () => lines.some((line) => line.startsWith("closed HEARTBEAT_TIMEOUT")),
            10_000,
          );
          const { length } = lines;
          mend();
          await until(() => lines.slice(length).includes("open"), 20_000);
        } finally {
          child.kill("SIGKILL");
          mend();
        }
      });
    }
  }
});
