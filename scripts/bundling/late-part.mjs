// Part of what is published, where a chunk is loaded late. It is bundled by late-chunk.mjs.
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/**
 * What the chunk `file` makes of what `give` gives. The chunk lies beside `module`, the URL of a module of the package. A
 * bundle of others leaves it behind: then it is that of the installed package, if that is the same, which `stamp` says.
 * `places` are the files from which that is looked up. Undefined where there is none.
 */
export function latePart(module, file, stamp, places, give) {
  // webpack puts undefined in the place of an imported createRequire.
  const { createRequire } = process.getBuiltinModule("node:module");
  if (module?.startsWith("file:")) {
    const made = madeOf(join(fileURLToPath(module), "..", file));
    if (made !== undefined) return made;
  }
  for (const place of places(module)) {
    const found = installed(place);
    const made = found && madeOf(join(found, "../dist/chunks", file));
    if (made !== undefined) return made;
  }
  return undefined;

  function madeOf(path) {
    if (!existsSync(path)) return undefined;
    const chunk = createRequire(path)(path);
    return chunk.stamp === stamp ? chunk.make(give()) : undefined;
  }

  function installed(from) {
    try {
      return createRequire(from).resolve("hp-socket/package.json");
    } catch {
      return undefined; // The package is not installed there.
    }
  }
}
