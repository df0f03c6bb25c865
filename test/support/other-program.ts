/** Programs of others that tests run, where this machine has them. */
import { spawnSync } from "node:child_process";
import process from "node:process";

/** Under `npm run interop` every program must be there. */
export const IS_INTEROP: boolean = process.env["HP_SOCKET_INTEROP"] === "1";

/**
 * Why tests with this program are to be skipped, or false. The reason is printed. `names`: what it may
 * be called; the first that is there is `program`.
 */
export function otherProgram(...names: readonly string[]): {
  readonly program: string;
  readonly skip: string | false;
} {
  for (const program of names) {
    const { error } = spawnSync(program, ["--version"], { stdio: "ignore" });
    if (error === undefined) return { program, skip: false };
  }
  const [program = ""] = names;
  if (IS_INTEROP) throw new Error(`there is no ${program}`);
  const skip = `there is no ${program}; "npm run interop" installs it`;
  console.log(`# tests with ${program} are skipped: ${skip}`);
  return { program, skip };
}
