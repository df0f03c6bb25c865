/** The package that this program is of. */
import { readFileSync } from "node:fs";

/** Its folder, two above the built program. */
export const PACKAGE_FOLDER: URL = new URL("../../", import.meta.url);

/** The version in its `package.json`. */
export function packageVersion(): string {
  const text = readFileSync(new URL("package.json", PACKAGE_FOLDER), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}
