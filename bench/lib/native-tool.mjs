// The C programs of native/, built when first needed into a folder that is not committed.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** What a program needs beside the C library, with its headers. */
const LIBRARIES = { tlsload: ["-lssl", "-lcrypto"] };

/** Path of the built program; throws when there is no C compiler. */
export function nativeTool(name) {
  const source = here(`native/${name}.c`);
  const program = here(`results/native/${name}`);
  if (!existsSync(program) || statSync(program).mtimeMs < statSync(source).mtimeMs) {
    mkdirSync(here("results/native"), { recursive: true });
    const libraries = LIBRARIES[name] ?? [];
    execFileSync("cc", ["-O2", "-pthread", "-o", program, source, ...libraries], {
      stdio: "inherit",
    });
  }
  return program;
}
