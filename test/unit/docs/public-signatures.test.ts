/**
 * Every type that stands in a public signature can be imported where the signature comes from. What is of another
 * protocol comes from the entry point of that: types of HTTP, for those of `hp-socket/websocket`, from `hp-socket/http`.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { entryPoints, keyOf, namedTypes, publicNames } from "../../support/declarations.js";

/** Types that nobody has to name, and why. */
const OPAQUE: Readonly<Record<string, string>> = {
  "protocol/http1/writing/passed-fields.d.ts PassedFields": "a proxy makes them for itself",
  "http/client/fetch/http-fetch.d.ts WebInit":
    "the init of the web's fetch, as the platform has it",
  "protocol/http1/writing/encoded-fields.d.ts FieldNotes": "what is known of fields once encoded",
};

/** An engine is chosen or made, and handed over; what it says to a component is between the two. */
const ENGINES = new Set(["Engine", "MemoryEngine"]);
const ENGINE_FILES = ["engine/", "bytes/", "time/"];

const entries = new Map([...entryPoints()].map(([entry, file]) => [entry, publicNames(file)]));

/** Folders whose types are at home in another one's entry point. */
const HOMES: Readonly<Record<string, string>> = {
  address: "tcp",
  datagram: "udp",
  http1: "http",
  time: "testing",
};

/** The entry point where the types of a file are at home, if another one than `entry`. */
function homeOf(file: string, entry: string): string | undefined {
  const [folder = "", protocol] = file.split("/");
  const home = `hp-socket/${HOMES[folder === "protocol" ? `${protocol}` : folder] ?? folder}`;
  const known = home === "hp-socket/tcp" ? "hp-socket" : home;
  return known !== entry && entries.has(known) ? known : undefined;
}

describe("the types of public signatures", () => {
  for (const [entry, names] of entries) {
    it(`can be imported: ${entry}`, () => {
      const missing = [...names.values()].flatMap((name) =>
        namedTypes(name, (key) => names.has(key))
          .map(keyOf)
          .filter((key) => {
            const [file = ""] = key.split(" ");
            if (key in OPAQUE) return false;
            if (ENGINES.has(name.alias)) return !ENGINE_FILES.some((path) => file.startsWith(path));
            const home = homeOf(file, entry);
            return home === undefined || entries.get(home)?.has(key) !== true;
          })
          .map((key) => `${name.alias}: ${key}`),
      );

      assert.deepEqual(missing, []);
    });
  }

  it("are looked at: each entry point has names, and the list of those that nobody names is in use", () => {
    assert.equal(entries.size, 8);
    for (const names of entries.values()) assert.ok(names.size > 20);
    const all = [...entries.values()].flatMap((names) => [...names.values()]);
    const named = new Set(all.flatMap((name) => namedTypes(name, () => false).map(keyOf)));
    assert.ok(named.size > 100);
    assert.deepEqual(
      Object.keys(OPAQUE).filter((key) => !named.has(key)),
      [],
    );
  });
});
