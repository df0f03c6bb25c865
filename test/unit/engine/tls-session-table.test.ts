/** Which sessions a client keeps. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SessionTable } from "#src/engine/tls/tls-client-context.js";

const ONE = Buffer.from("one");
const LARGEST = Buffer.alloc(32_768);

describe("sessions that a client keeps", () => {
  it("are the last one of each peer", () => {
    const table = new SessionTable();
    table.keep("a", ONE);
    table.keep("a", LARGEST);

    assert.equal(table.get("a")?.bytes, LARGEST);
    assert.equal(table.get("b"), undefined);
  });

  it("are none for a peer whose last one is too large to be shown again", () => {
    const table = new SessionTable();
    table.keep("a", ONE);
    table.keep("a", Buffer.alloc(LARGEST.length + 1));

    assert.equal(table.get("a"), undefined);
  });

  it("are not resumed once the certificate of the peer has expired", (test) => {
    let nowMs = 2_000;
    test.mock.method(Date, "now", () => nowMs);
    const table = new SessionTable();
    table.keep("a", ONE, { validUntilMs: 2_000 });
    table.keep("b", ONE);

    const inTime = table.get("a")?.bytes;
    nowMs = 2_001;

    assert.equal(inTime, ONE);
    assert.equal(table.get("a"), undefined);
    assert.equal(table.get("b")?.bytes, ONE);
  });

  it("are of 1,000 peers", () => {
    const table = new SessionTable();
    for (let peer = 0; peer <= 1_000; peer++) table.keep(`${peer}`, ONE);

    assert.equal(table.get("0"), undefined);
    assert.notEqual(table.get("1"), undefined);
    assert.notEqual(table.get("1000"), undefined);
  });
});
