/** Contract cases: paths of Unix-domain sockets. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { until } from "../support/until.js";
import type { ContractCase } from "./engine-case.js";

/** Paths that no engine may take. */
const BAD_ENDS: readonly [string, string][] = [
  ["a zero byte inside", "with\0inside"],
  ["108 bytes", "x".repeat(108)],
  ["300 bytes", "x".repeat(300)],
];

/** Cases that need files, which an engine in memory has none of. */
export const FILE_TITLES = {
  missing: "says that the folder of a path is not there",
  successor: "leaves the file of a successor at its path alone",
  folder: "removes the file of a relative path also from another folder",
} as const;

/** The cases of paths. */
export const pathCases: readonly ContractCase[] = [
  ...BAD_ENDS.map(
    ([what, end]): ContractCase => ({
      title: `refuses a path with ${what}, and makes nothing`,
      needs: "pathAddress",
      async run(world) {
        const folder = dirname(world.path());
        const path = join(folder, end);

        assert.throws(() => world.startListen({ path }), { code: "INVALID_ARGUMENT" });
        assert.throws(() => world.startConnect({ path }), { code: "INVALID_ARGUMENT" });

        assert.deepEqual(readdirSync(folder), []);
      },
    }),
  ),
  {
    title: "connects to a path where nobody listens: refused",
    needs: "pathAddress",
    async run(world) {
      const client = world.startConnect({ path: world.path("nobody") });

      await until(() => client.isClosed);

      assert.deepEqual(client.events, ["closed CONNECTION_REFUSED"]);
    },
  },
  {
    title: FILE_TITLES.missing,
    needs: "pathAddress",
    async run(world) {
      const listener = world.startListen({ path: join(world.path("missing"), "socket") });

      await until(() => listener.isClosed);

      assert.equal(listener.error?.code, "ADDRESS_NOT_AVAILABLE");
      assert.equal(listener.error?.systemCode, "ENOENT");
    },
  },
  {
    title: FILE_TITLES.successor,
    needs: "pathAddress",
    async run(world) {
      const path = world.path();
      const first = await world.listen({ path });
      unlinkSync(path);
      const second = await world.listen({ path });

      first.listener!.close();
      await until(() => first.isClosed);
      const { client } = await world.pair(second);
      assert.deepEqual(readdirSync(dirname(path)).length, 1);
      second.listener!.close();
      await until(() => second.isClosed && !existsSync(path));

      assert.deepEqual(client.events, ["opened"]);
      assert.deepEqual(readdirSync(dirname(path)), []);
    },
  },
  {
    title: FILE_TITLES.folder,
    needs: "pathAddress",
    async run(world) {
      const before = process.cwd();
      const folder = mkdtempSync(join(tmpdir(), "relative-"));
      try {
        process.chdir(folder);
        const listener = await world.listen({ path: "a.sock" });
        process.chdir(before);
        const { client } = await world.pair(listener);
        assert.deepEqual(readdirSync(folder), ["a.sock"]);

        listener.listener!.close();
        await until(() => listener.isClosed);

        assert.deepEqual(client.events, ["opened"]);
        assert.deepEqual(readdirSync(folder), []);
      } finally {
        process.chdir(before);
        rmSync(folder, { recursive: true, force: true });
      }
    },
  },
  {
    title: "leaves a path alone that its file was moved away from",
    needs: "pathAddress",
    async run(world) {
      const path = world.path();
      const listener = await world.listen({ path });
      if (!existsSync(path)) return;
      renameSync(path, `${path}.moved`);

      listener.listener!.close();
      await until(() => listener.isClosed);

      assert.deepEqual(existsSync(`${path}.moved`), true);
    },
  },
];
