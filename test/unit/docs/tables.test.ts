/** The tables of the documents say what the code says. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CONNECTION_TRANSITIONS } from "#src/connection/connection-state.js";
import { HANDLER_NAMES } from "#src/connection/events/handlers.js";
import { ERROR_CODES } from "#src/errors.js";
import { readProjectFile, tableRows } from "../../support/document.js";

describe("docs/errors.md", () => {
  const inUse = tableRows("docs/errors.md", "code");

  it("has every code once, with its fault", () => {
    const inDocument = inUse.map(([code, fault]) => [code, fault]);
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
