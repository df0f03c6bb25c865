import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { byteText, connectionsText, countText, timeText } from "#src/cli/choices/quantity.js";

describe("quantities", () => {
  it("mark the thousands of a count", () => {
    assert.equal(countText(1_234_567.4), "1,234,567");
  });

  it("know one connection from several", () => {
    assert.equal(connectionsText(1), "1 connection");
    assert.equal(connectionsText(1_000), "1,000 connections");
  });

  for (const [bytes, text] of [
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1.00 kB"],
    [9_996, "10.0 kB"],
    [99_960, "100 kB"],
    [999_600, "1.00 MB"],
    [1.5e18, "1500 PB"],
  ] as const) {
    it(`show ${bytes} bytes as ${text}`, () => {
      assert.equal(byteText(bytes), text);
    });
  }

  for (const [ms, text] of [
    [0.000_5, "500 ns"],
    [0.012_34, "12.3 µs"],
    [1.234, "1.23 ms"],
    [90_000, "90.0 s"],
  ] as const) {
    it(`show ${ms} ms as ${text}`, () => {
      assert.equal(timeText(ms), text);
    });
  }
});
