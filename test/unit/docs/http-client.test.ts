/** What the documents say of the HTTP clients is what the code says. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AGENT_NUMBERS,
  agentNumbers,
  CLIENT_NUMBER_NAMES,
} from "#src/http/client/client-options.js";
import { CLIENT_HANDLER_NAMES } from "#src/http/client/http-client-handlers.js";
import { createLimits } from "#src/protocol/http1/limits.js";
import { readProjectFile, tableRows } from "../../support/document.js";

const REQUESTER = `SendRequest SendPost SendPut SendPatch SendGet SendDelete SendHead SendTrace SendOptions
SendConnect SendLocalFile SendChunkData UseCookie GetStatusCode IsUpgrade GetHeader GetHeaders GetAllHeaders
GetAllHeaderNames GetContentLength GetContentEncoding GetVersion GetCookie GetAllCookies GetParseErrorCode
HttpAutoStart StartHttp LocalVersion OnStatusLine IHttpAgent IHttpClient`;

const numberOf = (cell: string | undefined): number => Number(cell?.replaceAll(",", ""));

describe("docs/limits.md on the HTTP clients", () => {
  const rows = tableRows("docs/limits.md", "of an HTTP client");

  it("has every number, with its default and range", () => {
    const inDocument = rows.map(([name, , standard, min, max]) => [
      name,
      ...[standard, min, max].map(numberOf),
    ]);
    const inCode = Object.entries(AGENT_NUMBERS).map(([name, { standard, min, max }]) => [
      name,
      ...[standard, min, max],
    ]);

    assert.deepEqual(inDocument.sort(), inCode.sort());
  });

  it("has ranges that hold", () => {
    for (const [name = "", , , least, greatest] of rows) {
      assert.ok(agentNumbers({ [name]: numberOf(least) }));
      assert.throws(() => agentNumbers({ [name]: numberOf(least) - 1 }));
      assert.ok(agentNumbers({ [name]: numberOf(greatest) }));
      assert.throws(() => agentNumbers({ [name]: numberOf(greatest) + 1 }));
    }
  });

  it("says which of them an HttpClient has", () => {
    const text = readProjectFile("docs/limits.md");
    const [, shared = ""] = /An `HttpClient` has ([^;]*);/.exec(text) ?? [];

    assert.deepEqual(
      [...shared.matchAll(/`(\w+)`/g)].map(([, name]) => name).sort(),
      [...CLIENT_NUMBER_NAMES].sort(),
    );
  });

  it("has the limit of interim responses", () => {
    const { maxInterimResponses } = createLimits();

    assert.ok(
      readProjectFile("docs/limits.md").includes(`\`maxInterimResponses\`, ${maxInterimResponses}`),
    );
  });
});

describe("docs/guide/http-client.md", () => {
  it("has every handler", () => {
    const rows = tableRows("docs/guide/http-client.md", "handler");

    assert.deepEqual(
      rows.map(([name]) => name?.replace(/\(.*/, "")).sort(),
      [...CLIENT_HANDLER_NAMES].sort(),
    );
  });

  it("has the defaults of the times", () => {
    for (const [name, , standard] of tableRows("docs/guide/http-client.md", "time")) {
      const inCode = AGENT_NUMBERS[name as keyof typeof AGENT_NUMBERS].standard;
      assert.equal(numberOf(standard?.replace(/:.*/, "")), inCode);
    }
  });
});

describe("docs/from-hp-socket.md on the HTTP clients", () => {
  it("has every name of the requesters in the first column of a table", () => {
    const text = readProjectFile("docs/from-hp-socket.md");
    const section = text.slice(text.indexOf("## HTTP clients"), text.indexOf("## Cookies"));
    const firstCells = section.split("\n").map((line) => line.split("|")[1] ?? "");
    const words = new Set(firstCells.join(" ").match(/\w+/g));

    assert.deepEqual(
      REQUESTER.split(/\s+/).filter((name) => !words.has(name)),
      [],
    );
  });
});
