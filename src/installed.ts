/** Where what is installed beside a program is found: a bundle leaves packages behind, and may not know where it lies. */
import { realpathSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** How this package names itself to others. */
const PACKAGE = "hp-socket/package.json";

/**
 * Files from whose folders packages are looked up, the likeliest first: `module` (the URL of one; in a bundle of CommonJS no
 * module has a URL), the program that was started, the working directory; after each the hp-socket that is
 * installed there, since with pnpm only that has koffi beside it.
 */
export function* lookUpPlaces(module: string | undefined): Generator<string> {
  const { createRequire } = process.getBuiltinModule("node:module"); // not imported: webpack puts undefined in its place
  const seen = new Set<string>();
  for (const find of [() => ownFile(module), startedFile, fileInWorkingDirectory]) {
    const place = unlessItThrows(find);
    if (place === undefined || seen.has(place)) continue;
    seen.add(place);
    yield place;
    const installed = unlessItThrows(() => createRequire(place).resolve(PACKAGE));
    if (installed === undefined || seen.has(installed)) continue;
    seen.add(installed);
    yield installed;
  }
}

function ownFile(module: string | undefined): string | undefined {
  return module?.startsWith("file:") ? fileURLToPath(module) : undefined;
}

function startedFile(): string | undefined {
  const started = process.argv[1];
  return started === undefined ? undefined : realpathSync(started);
}

function fileInWorkingDirectory(): string {
  return join(process.cwd(), "program.js");
}

/** Undefined where it throws: the package is not installed there, or the folder is no more. */
function unlessItThrows(find: () => string | undefined): string | undefined {
  try {
    return find();
  } catch {
    return undefined;
  }
}
