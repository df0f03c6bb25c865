/** What the documents say of the HTTP server is what the code says. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BODY_HIGH_WATER_BYTES, MAX_WHOLE_BODY_BYTES } from "#src/http/body/body-intake.js";
import { HTTP_HANDLER_NAMES } from "#src/http/server/http-server-handlers.js";
import {
  HTTP_SERVER_LIMITS,
  HTTP_SETTING_NAMES,
  HttpServerConfiguration,
} from "#src/http/server/http-server-settings.js";
import { readProjectFile, tableRows } from "../../support/document.js";

const RESPONDER = `SendResponse SendLocalFile SendChunkData Release ReleaseDelay GetHost GetUrlFieldSet
GetUrlField GetMethod StartHttp HttpAutoStart LocalVersion IsUpgrade GetUpgradeType IsKeepAlive GetVersion
GetContentLength GetContentType GetContentEncoding GetTransferEncoding GetParseErrorCode GetHeader GetHeaders
GetAllHeaders GetAllHeaderNames GetCookie GetAllCookies`;
const EVENTS = `OnMessageBegin OnRequestLine OnHeader OnHeadersComplete OnBody OnChunkHeader OnChunkComplete
OnMessageComplete OnUpgrade OnParseError HPR_OK HPR_SKIP_BODY HPR_UPGRADE HPR_ERROR`;

const numberOf = (cell: string | undefined): number => Number(cell?.replaceAll(",", ""));

describe("docs/limits.md on the HTTP server", () => {
  const rows = tableRows("docs/limits.md", "of an HTTP server");

  it("has every limit, with its default and range", () => {
    const inUse = new HttpServerConfiguration({});
    const values: Readonly<Record<string, number>> = { ...inUse.parserLimits, ...inUse.limits };

    for (const [name = "", , standard, least, greatest] of rows) {
      assert.equal(values[name], numberOf(standard), name);
      for (const [value, by] of [
        [numberOf(least), -1],
        [numberOf(greatest), 1],
      ] as const) {
        assert.ok(new HttpServerConfiguration({ [name]: value }), name);
        assert.throws(() => new HttpServerConfiguration({ [name]: value + by }), {
          code: "INVALID_ARGUMENT",
        });
      }
    }
  });

  it("has no other, and names those that are shared with a TCP server", () => {
    const text = readProjectFile("docs/limits.md");
    const shared = text.slice(text.indexOf("## HTTP server"), text.indexOf("| of an HTTP server"));
    const named = [...rows.map(([name]) => name), ...(shared.match(/(?<=`)[a-z]\w+(?=`)/g) ?? [])];

    assert.deepEqual(named.sort(), [...HTTP_SETTING_NAMES].sort());
    assert.equal(Object.keys(HTTP_SERVER_LIMITS).length, 9);
  });

  it("has the limits of reading", () => {
    const text = readProjectFile("docs/limits.md");

    assert.ok(text.includes(`by default ${MAX_WHOLE_BODY_BYTES.toLocaleString("en-US")}`));
    assert.ok(text.includes(`${BODY_HIGH_WATER_BYTES.toLocaleString("en-US")} bytes are kept`));
  });
});

describe("docs/guide/http-server.md", () => {
  it("has every handler", () => {
    const rows = tableRows("docs/guide/http-server.md", "handler");

    assert.deepEqual(
      rows.map(([name]) => name?.replace(/\(.*/, "")).sort(),
      [...HTTP_HANDLER_NAMES].sort(),
    );
  });
});

describe("docs/from-hp-socket.md on the HTTP server", () => {
  it("has every name of its components in the first column of a table", () => {
    const firstCells = readProjectFile("docs/from-hp-socket.md")
      .split("\n")
      .filter((line) => line.startsWith("| "))
      .map((line) => line.split("|")[1] ?? "");
    const words = new Set(firstCells.join(" ").match(/\w+/g));

    assert.deepEqual(
      `${RESPONDER} ${EVENTS}`.split(/\s+/).filter((name) => !words.has(name)),
      [],
    );
  });
});
