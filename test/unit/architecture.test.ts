import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";

const ROOT = new URL("../../../", import.meta.url).pathname;

/** Runs the check of import rules over a source tree of these files. */
function check(files: Record<string, string>): { status: number | null; text: string } {
  const folder = mkdtempSync(join(tmpdir(), "layers-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(folder, dirname(name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const run = spawnSync(process.execPath, [join(ROOT, "scripts/check-layers.mjs"), folder]);
    return { status: run.status, text: `${run.stdout}${run.stderr}` };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("import rules", () => {
  it("hold for the sources as they are", () => {
    const run = spawnSync(process.execPath, [join(ROOT, "scripts/check-layers.mjs")]);

    assert.equal(run.status, 0, String(run.stderr));
    assert.match(String(run.stdout), /layers: \d{2,} modules, 0 forbidden imports/);
  });

  for (const [what, rule, files] of [
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
        "src/engine/x.ts":
          'import { y } from "../connection/y.js";\nexport const x: unknown = y;\n',
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
  ] as [string, string, Record<string, string>][]) {
    it(`catch ${what}`, () => {
      const { status, text } = check(files);

      assert.equal(status, 1, text);
      assert.ok(text.includes(rule), text);
    });
  }

  it("don't pass for a tree in which nothing was found", () => {
    assert.equal(check({ "src/empty.txt": "" }).status, 1);
  });
});
