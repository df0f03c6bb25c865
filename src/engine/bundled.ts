/** Whether this module lies in its package, or in the bundle of a program. */
import { readFileSync } from "node:fs";

/** From the deepest folder of the package's modules to its top. */
const MAX_PARENTS = 8;
const NAME = "hp-socket";

/**
 * Whether `module`, the URL of this module, lies outside of the package. A bundle of CommonJS knows no URL,
 * others keep one at which the package is no more.
 */
export function isBundled(module: string | undefined = import.meta.url): boolean {
  if (module === undefined || !module.startsWith("file:")) return true;
  let folder = new URL(".", module);
  for (let count = 0; count < MAX_PARENTS; count++) {
    const name = packageNameIn(folder);
    if (name !== undefined) return name !== NAME;
    folder = new URL("..", folder);
  }
  return true;
}

function packageNameIn(folder: URL): unknown {
  try {
    const text = readFileSync(new URL("package.json", folder), "utf8");
    return (JSON.parse(text) as { readonly name?: unknown }).name;
  } catch {
    return undefined; // none here, or none that can be read: the next one counts
  }
}
