/** The tables of the documents say what the code says. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { delimiter, fixedLength, lengthPrefix, pack, startEnd, untilClosed } from "hp-socket";
import { CONNECTION_TRANSITIONS } from "#src/connection/connection-state.js";
import { HANDLER_NAMES } from "#src/connection/handlers.js";
import { connectionSettings, NUMBER_LIMITS, SETTING_NAMES } from "#src/connection/settings.js";
import { MAX_SMALL_FILE_BYTES } from "#src/connection/small-file.js";
import { ERROR_CODES } from "#src/errors.js";
import { CONNECT_TIMEOUT_MS } from "#src/tcp/connect-options.js";
import { readProjectFile, tableRows } from "../../support/document.js";

const numberOf = (cell: string | undefined): number => Number(cell?.replaceAll(",", ""));

describe("docs/errors.md", () => {
  const inUse = tableRows("docs/errors.md", "code");
  const toCome = tableRows("docs/errors.md", "code, to come");

  it("has every code once, with its fault", () => {
    const inDocument = [...inUse, ...toCome].map(([code, fault]) => [code, fault]);
    const inCode = Object.entries(ERROR_CODES).map(([code, { fault }]) => [code, fault]);
    const known = inDocument.filter(([code]) => `${code}` in ERROR_CODES);

    assert.deepEqual(known.sort(), inCode.sort());
  });

  it("has no code as in use that is not there", () => {
    const unknown = inUse.map(([code]) => `${code}`).filter((code) => !(code in ERROR_CODES));

    assert.deepEqual(unknown, []);
  });

  it("says of each code what it means, where it appears and what to do", () => {
    assert.ok(inUse.length > 30);
    assert.ok(inUse.every((cells) => cells.length === 5 && cells.every((cell) => cell !== "")));
  });
});

describe("docs/limits.md", () => {
  const settings = tableRows("docs/limits.md", "setting");

  const toCome = tableRows("docs/limits.md", "setting, to come");

  it("has every number among the settings, with its default and range", () => {
    const inDocument = [...settings, ...toCome]
      .filter(([name, ...cells]) => cells.length === 5 && `${name}` in NUMBER_LIMITS)
      .map(([name, , standard, min, max]) => [name, ...[standard, min, max].map(numberOf)]);
    const inCode = Object.entries(NUMBER_LIMITS).map(([name, limit]) => [
      name,
      ...[limit.standard, limit.min, limit.max],
    ]);

    assert.deepEqual(inDocument.sort(), inCode.sort());
  });

  it("has every setting, and no other", () => {
    const inCode: readonly string[] = SETTING_NAMES;
    const inUse = settings.map(([name]) => `${name}`);
    const all = [...inUse, ...toCome.map(([name]) => `${name}`)];

    assert.deepEqual(
      inCode.filter((name) => !all.includes(name)),
      [],
    );
    assert.deepEqual(
      inUse.filter((name) => !inCode.includes(name)),
      [],
    );
  });

  it("has the defaults of the other settings", () => {
    const standard = connectionSettings({});

    for (const [name, value, choices] of settings.filter((cells) => cells.length === 3)) {
      const inCode: unknown = standard[name as keyof typeof standard];
      if (typeof inCode === "string") assert.ok(choices?.includes(inCode));
      if (typeof inCode === "string" || typeof inCode === "boolean") {
        assert.equal(value, String(inCode));
      }
    }
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

    assert.equal(numberOf(calls.find(([call]) => call === "connect")?.[2]), CONNECT_TIMEOUT_MS);
    const smallFile = calls.find(([call]) => call === "sendSmallFile");
    assert.ok(smallFile?.[1]?.includes(MAX_SMALL_FILE_BYTES.toLocaleString("en-US")));
  });
});

const FOUR = { format: "uint-be", bytes: 4 } as const;
const MARKS = { start: "<", end: ">" } as const;

describe("ARCHITECTURE.md", () => {
  it("has every transition of a connection's state", () => {
    const inCode = Object.entries(CONNECTION_TRANSITIONS).flatMap(([state, events]) =>
      Object.entries(events).map(([event, next]) => [state, event, next]),
    );

    assert.deepEqual(tableRows("ARCHITECTURE.md", "state").sort(), inCode.sort());
  });
});

describe("docs/guide/connections-and-events.md", () => {
  it("has every event", () => {
    const rows = tableRows("docs/guide/connections-and-events.md", "event");

    assert.deepEqual(
      rows.map(([event]) => event?.replace(/\(.*/, "")).sort(),
      [...HANDLER_NAMES].sort(),
    );
  });

  it("names as reasons only codes that there are", () => {
    const text = readProjectFile("docs/guide/connections-and-events.md");
    const named = text.match(/`[A-Z]+(_[A-Z]+)+`/g) ?? [];

    assert.ok(named.length > 10);
    assert.deepEqual(
      named.filter((code) => !(code.replaceAll("`", "") in ERROR_CODES)),
      [],
    );
  });
});
