import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  plainServerName,
  ServerNameTable,
  sendableServerName,
} from "#src/engine/tls/server-name.js";

function tableOf(...names: readonly string[]): ServerNameTable<string> {
  return new ServerNameTable(names.map((name) => [name, name] as const));
}

/** RFC 6125 §6.4. */
describe("a table of server names", () => {
  it("finds a name whatever its case and its final dot", () => {
    const table = tableOf("WWW.Example.com.");

    assert.equal(table.find("www.example.COM"), "WWW.Example.com.");
    assert.equal(table.find("www.example.com."), "WWW.Example.com.");
  });

  it("takes the exact name before a wildcard, whatever their order", () => {
    const table = tableOf("*.example.com", "www.example.com");

    assert.equal(table.find("www.example.com"), "www.example.com");
    assert.equal(table.find("mail.example.com"), "*.example.com");
  });

  it("takes a wildcard for exactly one label (§6.4.3)", () => {
    const table = tableOf("*.example.com");

    assert.equal(table.find("a.example.com"), "*.example.com");
    assert.equal(table.find("A.EXAMPLE.com."), "*.example.com");
    for (const name of ["example.com", "a.b.example.com", ".example.com", "aexample.com"]) {
      assert.equal(table.find(name), undefined, name);
    }
  });

  it("does not take a star that a client sends for the wildcard itself", () => {
    assert.equal(tableOf("*.example.com").find("*.example.com"), undefined);
  });

  it("finds nothing for other names, parts of names and the empty name", () => {
    const table = tableOf("www.example.com", "localhost");

    for (const name of ["", ".", "com", "example.com", "ww.example.com", "localhost.com"]) {
      assert.equal(table.find(name), undefined, name);
    }
    assert.equal(table.find("localhost"), "localhost");
  });

  it("finds a name beyond ASCII by what clients send of it (§6.4.2)", () => {
    const table = tableOf("bücher.example", "*.straße.example");

    assert.equal(table.find("xn--bcher-kva.example"), "bücher.example");
    assert.equal(table.find("www.xn--strae-oqa.example"), "*.straße.example");
  });

  it("refuses what can't be a name", () => {
    const bad = ["", ".", "*", "*.", "a..b", "f*.example.com", "www.*.com", "*.*.com", "a b.com"];
    for (const name of [...bad, "127.0.0.1", "::1", "-a.com", `${"a".repeat(64)}.com`]) {
      assert.throws(() => tableOf(name), { code: "INVALID_ARGUMENT" }, name);
    }
  });

  it("refuses a name that is there twice", () => {
    assert.throws(() => tableOf("a.example", "A.example."), {
      code: "INVALID_ARGUMENT",
      message: /"A\.example\." is there twice/,
    });
  });

  it("says whether it is empty", () => {
    assert.equal(tableOf().isEmpty, true);
    assert.equal(tableOf("a.example").isEmpty, false);
  });
});

describe("a server name", () => {
  it("is compared in lower case without a final dot", () => {
    assert.equal(plainServerName("A.b."), "a.b");
  });

  it("is sent in ASCII", () => {
    assert.equal(sendableServerName("Bücher.example."), "xn--bcher-kva.example");
    assert.equal(sendableServerName("www.example.com"), "www.example.com");
  });
});
