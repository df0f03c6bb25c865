/** docs/limits.md says what the tables of options say. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { delimiter, fixedLength, lengthPrefix, pack, startEnd, untilClosed } from "hp-socket";
import { MAX_SMALL_FILE_BYTES } from "#src/connection/sending/small-file.js";
import { CONNECTION_SETTINGS, connectionSettings } from "#src/connection/settings.js";
import { ATTEMPT_DELAY_MS, CONNECT_TIMEOUT_MS } from "#src/dial/connect-options.js";
import { readProjectFile, tableRows } from "../../support/document.js";
import { LIMIT_TABLES, withLimits } from "../../support/limit-tables.js";

const FOUR = { format: "uint-be", bytes: 4 } as const;
const MARKS = { start: "<", end: ">" } as const;

const numberOf = (cell: string | undefined): number => Number(cell?.replaceAll(",", ""));

describe("docs/limits.md", () => {
  it("has the name, unit, default and range of every number (npm run docs writes them)", () => {
    const document = readProjectFile("docs/limits.md");

    assert.equal(document, withLimits(document));
  });

  it("says of every number what happens when it is reached", () => {
    for (const heading of Object.keys(LIMIT_TABLES)) {
      const rows = tableRows("docs/limits.md", heading);

      assert.ok(rows.length >= 2, heading);
      assert.deepEqual(
        rows.filter((cells) => cells.some((cell, index) => cell === "" && index !== 2)),
        [],
      );
    }
  });

  it("has every setting of a connection, and no other", () => {
    const inDocument = tableRows("docs/limits.md", "setting").map(([name]) => name);

    assert.deepEqual(inDocument.sort(), Object.keys(CONNECTION_SETTINGS).sort());
  });

  it("has the defaults of the settings that are no numbers", () => {
    const standard = connectionSettings({});
    const rows = tableRows("docs/limits.md", "setting").filter((cells) => cells.length === 3);

    for (const [name, value, choices] of rows) {
      const inCode: unknown = standard[name as keyof typeof standard];
      if (typeof inCode === "string") assert.ok(choices?.includes(inCode));
      if (typeof inCode === "string" || typeof inCode === "boolean") {
        assert.equal(value, String(inCode));
      }
    }
    assert.equal(rows.length, 10);
    assert.deepEqual(standard.keepAlive, { idleMs: 60_000, intervalMs: 20_000, count: 5 });
  });

  it("has the defaults and the greatest values of the receive models", () => {
    const makers = new Map([
      ["pack", (maxPacketBytes: number) => pack({ maxPacketBytes })],
      ["lengthPrefix", (maxPacketBytes: number) => lengthPrefix({ ...FOUR, maxPacketBytes })],
      ["delimiter", (maxPacketBytes: number) => delimiter({ maxPacketBytes })],
      ["startEnd", (maxPacketBytes: number) => startEnd({ ...MARKS, maxPacketBytes })],
      ["untilClosed", (maxPacketBytes: number) => untilClosed({ maxPacketBytes })],
      ["fixedLength", (bytes: number) => fixedLength({ bytes })],
    ]);
    const standards = [pack(), lengthPrefix(FOUR), delimiter(), startEnd(MARKS), untilClosed()];

    const rows = tableRows("docs/limits.md", "model");

    assert.equal(rows.length, makers.size);
    for (const [name, , , standard, greatest] of rows) {
      const make = makers.get(`${name}`);
      assert.equal(make?.(numberOf(greatest)).maxPacketBytes, numberOf(greatest));
      assert.throws(() => make?.(numberOf(greatest) + 1), { code: "INVALID_ARGUMENT" });
      const model = standards.find((one) => one.name === name);
      assert.equal(String(model?.maxPacketBytes ?? "none"), `${standard}`.replaceAll(",", ""));
    }
  });

  it("has the limits of connect and of small files", () => {
    const calls = tableRows("docs/limits.md", "call");
    const connect = calls.filter(([call]) => call === "connect");
    const smallFile = calls.find(([call]) => call === "sendSmallFile");

    assert.deepEqual(
      connect.map(([, limit, standard]) => [limit?.replace(/,.*/, ""), numberOf(standard)]),
      [
        ["timeoutMs", CONNECT_TIMEOUT_MS],
        ["attemptDelayMs", ATTEMPT_DELAY_MS.standard],
      ],
    );
    assert.ok(smallFile?.[1]?.includes(MAX_SMALL_FILE_BYTES.toLocaleString("en-US")));
  });
});
