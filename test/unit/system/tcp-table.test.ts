import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import process from "node:process";
import { describe, it, type TestContext } from "node:test";
import { type TcpTableEntry, tcpConnections } from "hp-socket";
import { parseProcTable, readByProc } from "#src/system/proc-net-tcp.js";
import { type Netlink, readByNetlink } from "#src/system/sock-diag.js";
import { processesOfSockets } from "#src/system/socket-owners.js";
import { CliRun } from "../../support/cli-run.js";
import { until } from "../../support/until.js";

const isLinux = process.platform === "linux";
const skip = isLinux ? false : "the table is read on Linux only";
const ALL = 0x1ffe;

/** A listener with one connection, both ends of this process. */
async function pair(
  test: TestContext,
  host = "127.0.0.1",
): Promise<{ port: number; peer: Socket }> {
  const accepted: Socket[] = [];
  const server = createServer((socket) => void accepted.push(socket.pause()));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  const peer = connect(port, host);
  test.after(() => {
    server.close();
    for (const socket of [peer, ...accepted]) socket.destroy();
  });
  await until(() => accepted.length === 1);
  return { port, peer };
}

const byPort = (port: number, entries: readonly TcpTableEntry[]): TcpTableEntry[] =>
  entries.filter(({ local, remote }) => local.port === port || remote.port === port);

describe("the table of TCP connections", { skip }, () => {
  it("has listeners and both ends of connections, with addresses, states and owners", async (test) => {
    const { port, peer } = await pair(test);

    const { connections, isConsistent } = tcpConnections({
      port,
      states: ["LISTEN", "ESTABLISHED"],
      processes: true,
    });

    assert.equal(isConsistent, true);
    assert.deepEqual(connections.map(({ state }) => state).sort(), [
      "ESTABLISHED",
      "ESTABLISHED",
      "LISTEN",
    ]);
    const listener = connections.find(({ state }) => state === "LISTEN");
    assert.deepEqual(listener?.local, { host: "127.0.0.1", port, family: "IPv4" });
    assert.equal(listener?.remote.port, 0);
    const ours = connections.find(({ local }) => local.port === peer.localPort);
    assert.deepEqual(ours?.remote, { host: "127.0.0.1", port, family: "IPv4" });
    assert.equal(ours?.userId, process.getuid?.());
    for (const { processes } of connections) {
      assert.ok(processes?.some(({ pid, name }) => pid === process.pid && name !== ""));
    }
  });

  it("tells what waits to be read", async (test) => {
    const { port, peer } = await pair(test);
    peer.write(Buffer.alloc(1_000));
    const waiting = (): number =>
      tcpConnections({ port, states: ["ESTABLISHED"] })
        .connections.filter(({ local }) => local.port === port)
        .reduce((sum, { receiveQueue }) => sum + receiveQueue, 0);
    // Node reads a chunk ahead of a pause at most.
    await until(() => waiting() === 1_000 || peer.bytesWritten === 1_000);
    assert.ok(waiting() === 1_000 || waiting() === 0);
  });

  it("is chosen by state, by port and by process", async (test) => {
    const { port } = await pair(test);
    const of = (states: TcpTableEntry["state"][]): string[] =>
      tcpConnections({ port, states }).connections.map(({ state }) => state);
    assert.deepEqual(of(["LISTEN"]), ["LISTEN"]);
    // Connections that others had on this port before may be waiting still.
    assert.ok(of(["TIME-WAIT"]).every((state) => state === "TIME-WAIT"));
    assert.equal(tcpConnections({ port, pid: process.pid }).connections.length, 3);
    assert.equal(tcpConnections({ port, pid: 2 ** 31 - 1 }).connections.length, 0);
    const others = tcpConnections({ port: port === 65_535 ? 1 : port + 1 }).connections;
    assert.equal(byPort(port, others).length, 0);
  });

  it("has IPv6 too, where there is some", async (test) => {
    const { port } = await pair(test, "::1").catch(() => ({ port: 0 }));
    if (port === 0) return test.skip("there is no IPv6 here");
    const [entry] = tcpConnections({ port, states: ["LISTEN"] }).connections;
    assert.deepEqual(entry?.local, { host: "::1", port, family: "IPv6" });
  });

  it("is the same from /proc", async (test) => {
    const { port } = await pair(test);
    const fromProc = byPort(port, readByProc((1 << 1) | (1 << 10)));
    const { connections, source } = tcpConnections({ port, states: ["LISTEN", "ESTABLISHED"] });
    if (source === "proc") return test.skip("there is no netlink here");
    const plain = (entries: readonly TcpTableEntry[]): unknown[] =>
      entries
        .map(({ sendQueue: _, receiveQueue: __, ...entry }) => entry)
        .sort((one, other) => one.inode - other.inode);
    assert.deepEqual(plain(connections), plain(fromProc));
  });

  it("is that of a process's own network namespace", async (test) => {
    const listens =
      'const s = require("node:net").createServer().listen(0, () => console.log(s.address().port))';
    const child = spawn("unshare", ["-rn", process.execPath, "-e", listens]);
    test.after(() => child.kill("SIGKILL"));
    const port = await new Promise<number>((resolve) => {
      child.on("error", () => resolve(0));
      child.on("exit", () => resolve(0));
      child.stdout.once("data", (line) => resolve(Number(line)));
    });
    if (port === 0) return test.skip("the system makes no network namespaces");
    const { pid = 0 } = child;

    const { connections, source } = tcpConnections({ pid });

    assert.equal(source, "proc");
    assert.deepEqual(
      connections.map(({ state, local, processes }) => [state, local.port, processes?.[0]?.pid]),
      [["LISTEN", port, pid]],
    );
  });

  it("refuses what can't be asked", () => {
    const bad = { code: "INVALID_ARGUMENT" };
    for (const options of [
      { port: 0 },
      { port: "80" },
      { states: ["OPEN"] },
      { pid: 0 },
      { processes: 1 },
      { ports: 1 },
      null,
    ]) {
      assert.throws(() => tcpConnections(options as never), bad);
    }
  });
});

describe("a table of /proc", () => {
  it("is read line by line, in the machine's order of bytes", {
    skip: isLinux ? false : skip,
  }, () => {
    const text = [
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000  1000        0 12345 1 0",
      "   1: 0100007F:1F90 0200007F:ABCD 01 0000000A:00000000 00:00000000 00000000     0        0 0 1 0",
      "junk",
      "",
    ].join("\n");
    const entries = parseProcTable(text, ALL);
    assert.equal(entries.length, 2);
    assert.deepEqual(entries[0]?.local, { host: "127.0.0.1", port: 8_080, family: "IPv4" });
    assert.deepEqual(
      [entries[0]?.state, entries[0]?.receiveQueue, entries[0]?.userId, entries[0]?.inode],
      ["LISTEN", 3, 1_000, 12_345],
    );
    assert.deepEqual(entries[1]?.remote, { host: "127.0.0.2", port: 0xabcd, family: "IPv4" });
    assert.equal(entries[1]?.sendQueue, 10);
    assert.equal(parseProcTable(text, 1 << 10).length, 1);
  });
});

/** A netlink socket that answers with what it is given. */
function scripted(...answers: readonly Buffer[]): Netlink {
  const left = [...answers];
  return {
    send: () => {},
    receive: (into) => {
      const answer = left.shift();
      assert.ok(answer, "nothing more was sent");
      return answer.copy(into);
    },
    close: () => {},
  };
}

function message(type: number, flags: number, body: Buffer): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(16 + body.length, 0);
  head.writeUInt16LE(type, 4);
  head.writeUInt16LE(flags, 6);
  return Buffer.concat([head, body]);
}

const DONE = message(3, 0, Buffer.alloc(4));

describe("the answer of netlink", () => {
  it("may come in several messages, and say that it is not of one moment", () => {
    const entry = Buffer.alloc(72);
    entry[0] = 2;
    entry[1] = 1;
    const torn = message(20, 0x10, entry);
    const table = readByNetlink(scripted(Buffer.concat([torn, torn]), DONE, DONE), ALL);
    assert.equal(table.connections.length, 2);
    assert.equal(table.isConsistent, false);
    assert.equal(readByNetlink(scripted(DONE, DONE), ALL).isConsistent, true);
  });

  it("may be an error, cut off, or none", () => {
    const error = Buffer.alloc(20);
    error.writeInt32LE(-1, 0);
    const bad = { code: "SYSTEM_ERROR" };
    assert.throws(() => readByNetlink(scripted(message(2, 0, error)), ALL), bad);
    assert.throws(() => readByNetlink(scripted(Buffer.alloc(0)), ALL), bad);
    assert.throws(() => readByNetlink(scripted(Buffer.alloc(16)), ALL), bad);
    const long = message(20, 0, Buffer.alloc(72));
    long.writeUInt32LE(1_000, 0);
    assert.throws(() => readByNetlink(scripted(long), ALL), bad);
  });
});

describe("owners of sockets", { skip }, () => {
  it("are nobody where there is no /proc", () => {
    assert.equal(processesOfSockets("/nowhere").size, 0);
  });
});

describe("hp-socket netstat", { skip }, () => {
  it("shows connections as text and as JSON", async (test) => {
    const { port } = await pair(test);
    const text = new CliRun([
      "netstat",
      String(port),
      "--processes",
      "--state",
      "LISTEN",
      "--state",
      "ESTABLISHED",
    ]);
    assert.equal(await text.ended, 0);
    assert.match(text.stdout, /^state +receive +send +local +remote +process$/m);
    assert.match(
      text.stdout,
      new RegExp(`^LISTEN +\\d+ +\\d+ +127\\.0\\.0\\.1:${port} +0\\.0\\.0\\.0:\\* +\\S`, "m"),
    );
    assert.match(text.stdout, /^3 sockets: .*2 ESTABLISHED/m);

    const json = new CliRun(["netstat", String(port), "--state", "listen", "--json"]);
    assert.equal(await json.ended, 0);
    const lines = json.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.equal(lines[0].state, "LISTEN");
    assert.equal(lines.at(-1).count, 1);
  });

  it("watches until a signal comes", async () => {
    const run = new CliRun(["netstat", "1", "--watch"]);
    await run.shows("stdout", /sockets/);
    run.kill("SIGINT");
    assert.equal(await run.ended, 0);
  });

  for (const argv of [["0"], ["x"], ["1", "2"], ["--state", "OPEN"], ["--pid", "0"], ["--all"]]) {
    it(`refuses ${argv.join(" ")}`, async () => {
      assert.equal(await new CliRun(["netstat", ...argv]).ended, 2);
    });
  }
});
