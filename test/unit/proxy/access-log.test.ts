import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AccessRecord, accessLog, type RelayRecord } from "hp-socket/proxy";

const START = Date.UTC(2026, 10, 29, 12, 34, 56);

const RECORD: AccessRecord = {
  protocol: "http",
  client: "192.0.2.1",
  user: undefined,
  method: "GET",
  target: "http://a.example/",
  status: 200,
  isReused: false,
  fromClientBytes: 1,
  toClientBytes: 2,
  startedAt: START,
  durationMs: 1.23456,
  error: undefined,
};

describe("a log of a proxy", () => {
  function lines(format: "combined" | "json", ...records: AccessRecord[]): string[] {
    const all: string[] = [];
    const log = accessLog({ format, write: (line) => void all.push(line), maxPartLength: 32 });
    for (const record of records) log(record);
    return all;
  }

  it("has a line for each record that nothing of the client's can end or forge", () => {
    const evil = 'a" b\\\n\x1b[31mé';
    const [one] = lines("combined", { ...RECORD, user: evil, target: evil });
    const escaped = String.raw`a\" b\\\x0a\x1b[31m\xe9`;
    assert.equal(
      one,
      `192.0.2.1 - ${escaped.replaceAll(" ", "\\x20")} [29/Nov/2026:12:34:56 +0000] "GET ${escaped} http" 200 2 "-" "-"\n`,
    );
    const [json = ""] = lines("json", { ...RECORD, user: evil, target: evil });
    assert.match(json, /^[\x20-\x7e]+\n$/);
    assert.deepEqual([JSON.parse(json).user, JSON.parse(json).durationMs], [evil, 1.235]);
  });

  it("cuts long parts, and has a dash for what there is not", () => {
    const [one = ""] = lines("combined", {
      ...RECORD,
      protocol: "socks5",
      client: undefined,
      method: undefined,
      status: undefined,
      target: "x".repeat(100),
    });
    assert.ok(one.startsWith("- - - ["));
    assert.ok(one.endsWith(`"CONNECT ${"x".repeat(29)}... socks5" - 2 "-" "-"\n`));
    const [json = ""] = lines("json", { ...RECORD, client: undefined, target: "x".repeat(100) });
    const { remoteAddress, target } = JSON.parse(json);
    assert.deepEqual([remoteAddress, target.length], [null, 32]);
  });

  it("names a client of a relay that reached nobody", () => {
    const all: string[] = [];
    const record: RelayRecord = {
      client: "192.0.2.1",
      serverName: undefined,
      destination: undefined,
      fromClientBytes: 0,
      toClientBytes: 0,
      startedAt: START,
      durationMs: 1,
      error: undefined,
    };
    accessLog({ write: (line) => void all.push(line) })(record);
    assert.match(all.join(""), /"RELAY - tcp" - 0 /);
  });

  it("is refused with options that can't be", () => {
    for (const options of [{ format: "common" }, { write: 1 }, { maxPartLength: 1 }, { x: 1 }]) {
      assert.throws(() => accessLog(options as never), { code: "INVALID_ARGUMENT" });
    }
  });
});
