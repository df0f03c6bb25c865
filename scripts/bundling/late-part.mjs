// Part of what is published, where a chunk is loaded late. It is bundled by late-chunk.mjs.
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/**
 * What the chunk `file` makes of what `give` gives. The chunk lies beside `module`, the URL of a module of the package. A
 * bundle of others leaves it behind: then it is that of the installed package, if that is the same, which `stamp` says.
 * Undefined where there is none.
 */
export function latePart(module, file, stamp, give) {
  // webpack puts undefined in the place of an imported createRequire.
  const { createRequire } = process.getBuiltinModule("node:module");
  const own = module?.startsWith("file:") ? fileURLToPath(module) : undefined;
  for (const find of [
    () => own && join(own, "..", file),
    () => installed(own),
    () => installed(),
  ]) {
    const path = find();
    if (path === undefined || !existsSync(path)) continue;
    const chunk = createRequire(path)(path);
    if (chunk.stamp === stamp) return chunk.make(give());
  }
  return undefined;

  function installed(from = join(process.cwd(), "bundle.js")) {
    try {
      const found = createRequire(from).resolve("hp-socket/package.json");
      return join(found, "../dist/chunks", file);
    } catch {
      return undefined; // The package is not installed there.
    }
  }
}
