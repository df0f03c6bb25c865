/** What the documents say of the HTTP sync client is what the code says. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SYNC_CLIENT_NUMBERS, syncSettings } from "#src/http/sync/sync-client-options.js";
import { LISTENER_NAMES } from "#src/http/sync/sync-listener.js";
import { readProjectFile, tableRows } from "../../support/document.js";

const NAMES = `IHttpSyncClient CHttpSyncClient CHttpsSyncClient IHttpSyncRequester ConnectTimeout RequestTimeout
OpenUrl GetResponseBody CleanupRequestResult Create_HP_HttpSyncClient Create_HP_HttpsSyncClient`;

const numberOf = (cell: string | undefined): number => Number(cell?.replaceAll(",", ""));

/** Options with one number, whose name may be that of an option within an option. */
function optionsWith(name: string, value: number): object {
  const [outer = "", inner] = name.split(".");
  return { [outer]: inner === undefined ? value : { [inner]: value } };
}

describe("docs/limits.md on the HTTP sync client", () => {
  const rows = tableRows("docs/limits.md", "of an HTTP sync client");

  it("has every number, with its default and range", () => {
    const inDocument = rows.map(([name, , ...cells]) => [name, ...cells.slice(0, 3).map(numberOf)]);
    const inCode = Object.entries(SYNC_CLIENT_NUMBERS).map(([name, { standard, min, max }]) => [
      name,
      standard,
      min,
      max,
    ]);

    assert.deepEqual(inDocument, inCode);
  });

  it("has ranges that hold", () => {
    for (const [name = "", , , least, greatest] of rows) {
      assert.ok(syncSettings(optionsWith(name, numberOf(least))));
      assert.ok(syncSettings(optionsWith(name, numberOf(greatest))));
      for (const value of [numberOf(least) - 1, numberOf(greatest) + 1]) {
        assert.throws(() => syncSettings(optionsWith(name, value)), { code: "INVALID_ARGUMENT" });
      }
    }
  });
});

describe("docs/guide/http-sync-client.md", () => {
  it("names every event of a listener", () => {
    const guide = readProjectFile("docs/guide/http-sync-client.md");

    assert.deepEqual(
      LISTENER_NAMES.filter((name) => !guide.includes(`\`${name}\``)),
      [],
    );
  });
});

describe("docs/from-hp-socket.md on the HTTP sync client", () => {
  it("has every name of its component in the first column of a table", () => {
    const firstCells = readProjectFile("docs/from-hp-socket.md")
      .split("\n")
      .filter((line) => line.startsWith("| "))
      .map((line) => line.split("|")[1] ?? "");
    const words = new Set(firstCells.join(" ").match(/\w+/g));

    assert.deepEqual(
      NAMES.split(/\s+/).filter((name) => !words.has(name)),
      [],
    );
  });
});
