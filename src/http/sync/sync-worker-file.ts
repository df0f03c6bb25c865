/** Where the worker of an `HttpSyncClient` lies: a file of its own, which a bundle of others leaves behind. */
import { existsSync } from "node:fs";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { NetError } from "../../errors.js";
import { lookUpPlaces } from "../../installed.js";

/** Beside this module, or beside the bundle that this module is in. */
const PLACES = ["./sync-worker.js", "./sync/sync-worker.js"] as const;

/** Its name among the package's exports. */
const SPECIFIER = "hp-socket/http/sync-worker";

/**
 * The file, near `module` (the URL of a module; a bundle of CommonJS knows none), or in the installed
 * package. Throws `NOT_SUPPORTED` where there is none, with the path at which it was looked for last:
 * a worker that can't be started would show by nothing but the time that it takes.
 */
export function syncWorkerFile(module: string | undefined): URL {
  const base = module ?? pathToFileURL(`${process.cwd()}/`).href;
  for (const place of PLACES) {
    const file = new URL(place, base);
    if (existsSync(file)) return file;
  }
  const { createRequire } = process.getBuiltinModule("node:module"); // webpack takes an imported one away
  for (const from of lookUpPlaces(module)) {
    try {
      const path = createRequire(from).resolve(SPECIFIER);
      if (existsSync(path)) return pathToFileURL(path);
    } catch {
      // The package is not installed there.
    }
  }
  return none(base);
}

function none(base: string): never {
  const path = fileURLToPath(new URL(PLACES[0], base));
  throw new NetError(
    "NOT_SUPPORTED",
    `the file of HttpSyncClient's worker is missing: ${path} (a bundle needs hp-socket installed beside it)`,
    { operation: "configure" },
  );
}
