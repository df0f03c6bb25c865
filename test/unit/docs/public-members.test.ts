/** The public members of what the entry exports, so that none is added or lost unnoticed. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

/** Members of a class or interface as its declaration has them, without private ones. */
function membersOf(file: string, name: string): string[] {
  const text = readFileSync(new URL(`../../../../dist/${file}.d.ts`, import.meta.url), "utf8");
  const start = text.search(new RegExp(`(class|interface) ${name}\\b`));
  assert.ok(start >= 0, `${name} is declared in ${file}`);
  const body = text.slice(text.indexOf("{\n", start), text.indexOf("\n}", start));
  const names = body.match(/^ {4}(?:readonly |get |set )*([\w.[\]]+)(?=[?(:<])/gm) ?? [];
  const plain = names.map((line) => line.replace(/^ +(?:readonly |get |set )*/, ""));
  return [...new Set(plain)].sort();
}

const GROUP = `[Symbol.asyncDispose] abort broadcast byKey close closeOlderThan closeSilent configure connection
connectionCount connectionIds constructor fetch finish pause peek request resume send sendAll sendSmallFile
setDeadline setIdleTimeout settings state stats stop stopped`;

const CONNECTION = `abort close closeReason closed connectedAt context drained fetch finish id isOpen isPaused key
localAddress pause peek pendingBytes read readUntil receive remoteAddress remoteHost request resume send sendAll
sendSmallFile setDeadline setIdleTimeout setKeepAlive setNoDelay silentForMs startTls state stats tcpInfo tls
toDuplex toWeb unreadBytes`;

const CLIENT = `[Symbol.asyncDispose] [Symbol.asyncIterator] abort close closeReason closed configure connect
connectedAt connection connectionCount connectionStats constructor context drained fetch finish id isOpen isPaused
localAddress pause peek pendingBytes read readUntil receive ref remoteAddress remoteHost request resume send sendAll
sendSmallFile setDeadline setIdleTimeout setKeepAlive setNoDelay settings silentForMs startTls state stats stop stopped
tcpInfo tls toDuplex toWeb unreadBytes unref`;

const MEMBERS: readonly [file: string, name: string, members: string][] = [
  ["connection/connection-group", "ConnectionGroup", GROUP],
  ["connection/connection", "Connection", CONNECTION],
  ["tcp/tcp-server", "TcpServer", "address constructor listen port ref unref"],
  ["tcp/tcp-agent", "TcpAgent", "connect constructor ref unref"],
  ["tcp/tcp-client", "TcpClient", CLIENT],
];

describe("the public members", () => {
  for (const [file, name, members] of MEMBERS) {
    it(`of ${name} are these`, () => {
      assert.deepEqual(membersOf(file, name), members.split(/\s+/));
    });
  }
});
