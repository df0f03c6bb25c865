import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";

const ROOT = new URL("../../../", import.meta.url).pathname;

const SCRIPT = join(ROOT, "scripts/check-layers.mjs");

/** What is wrong, the rule that catches it, and a source tree with it. */
const WRONG: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
  [
    "a receive model that imports a socket",
    "pure-code-has-no-node-modules",
    {
      "src/receive/x.ts":
        'import { connect } from "node:net";\nexport const x: unknown = connect;\n',
    },
  ],
  [
    "a component that imports node:net",
    "network-modules-under-engine-only",
    {
      "src/tcp/x.ts": 'import { connect } from "node:net";\nexport const x: unknown = connect;\n',
    },
  ],
  [
    "an engine that imports a connection",
    "engine-on-the-ground",
    {
      "src/engine/x.ts": 'import { y } from "../connection/y.js";\nexport const x: unknown = y;\n',
      "src/connection/y.ts": "export const y: number = 1;\n",
    },
  ],
  [
    "two engines that know each other, by a type only",
    "engines-are-strangers",
    {
      "src/engine/node/x.ts": 'import type { Y } from "../memory/y.js";\nexport type X = Y;\n',
      "src/engine/memory/y.ts": "export type Y = number;\n",
    },
  ],
  [
    "a component that takes the types of entry points",
    "types-in-common-for-entries",
    {
      "src/tcp/x.ts": 'import type { Y } from "../public-types.js";\nexport type X = Y;\n',
      "src/public-types.ts": "export type Y = number;\n",
    },
  ],
  [
    "an HTTP client that knows the server",
    "http-clients-know-no-server",
    {
      "src/http/client/x.ts": 'import type { Y } from "../server/y.js";\nexport type X = Y;\n',
      "src/http/server/y.ts": "export type Y = number;\n",
    },
  ],
  [
    "a store of cookies that knows who uses it",
    "http-cookies-stand-alone",
    {
      "src/http/cookie/x.ts": 'import type { Y } from "../client/y.js";\nexport type X = Y;\n',
      "src/http/client/y.ts": "export type Y = number;\n",
    },
  ],
  [
    "an entry that loads HTTP, by a file between",
    "the-entry-reaches-no-http",
    {
      "src/index.ts": 'export { x } from "./tcp/x.js";\n',
      "src/tcp/x.ts": 'export { y as x } from "../http/y.js";\n',
      "src/http/y.ts": "export const y: number = 1;\n",
    },
  ],
  [
    "a circle of types",
    "no-circle",
    {
      "src/bytes/x.ts": 'import type { Y } from "./y.js";\nexport type X = Y;\n',
      "src/bytes/y.ts": 'import type { X } from "./x.js";\nexport type Y = X[];\n',
    },
  ],
];

/** Source trees in folders of their own. */
class Trees {
  readonly #root: string = mkdtempSync(join(tmpdir(), "layers-"));
  readonly folders: string[] = [];

  add(files: Readonly<Record<string, string>>): void {
    const folder = join(this.#root, String(this.folders.length));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(folder, dirname(name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    this.folders.push(folder);
  }

  /** Checks all of them, in one process; what is said of each. */
  check(): { readonly status: number | null; readonly lines: string[][] } {
    const { status, stdout } = spawnSync(process.execPath, [SCRIPT, ...this.folders], {
      encoding: "utf8",
    });
    const all = stdout.split("\n");
    const lines = this.folders.map((folder) =>
      all.filter((line) => line.startsWith(`${folder}: `)).map((line) => line.slice(folder.length)),
    );
    return { status, lines };
  }

  remove(): void {
    rmSync(this.#root, { recursive: true });
  }
}

describe("import rules", () => {
  it("catch what breaks them, each by its rule, and don't pass for a tree without modules", (test) => {
    const trees = new Trees();
    test.after(() => trees.remove());
    for (const [, , files] of WRONG) trees.add(files);
    trees.add({ "src/empty.txt": "" });

    const { status, lines } = trees.check();

    assert.equal(status, 1);
    for (const [at, [what, rule]] of WRONG.entries()) {
      const said = lines[at] ?? [];
      assert.ok(
        said.some((line) => line.startsWith(`: ${rule}: `)),
        `${what}: ${said.join()}`,
      );
    }
    assert.deepEqual(lines.at(-1), [": no module was found"]);
  });
});
