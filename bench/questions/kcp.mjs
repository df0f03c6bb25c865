// How many segments does KCP carry in one thread, without sockets? Ours, beside the reference in C where its source is
// at hand: in the folder KCP_SOURCE, or from GitHub where that can be reached. Nothing of it is kept in the project.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { pairedRounds } from "../lib/paired-rounds.mjs";
import { run } from "../lib/pinned-process.mjs";
import { server } from "../lib/subjects.mjs";

export const title =
  "KCP from one end to the other in one thread: segments in a second of processor time";

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const REFERENCE = "https://github.com/skywind3000/kcp";

/** Path of the built program, or undefined where the source can't be had. */
function reference() {
  const fetched = here("results/kcp");
  const folder = process.env.KCP_SOURCE ?? fetched;
  if (!existsSync(`${folder}/ikcp.c`)) {
    try {
      execFileSync("git", ["clone", "--depth", "1", REFERENCE, fetched], { stdio: "ignore" });
    } catch {
      console.log("  the reference in C is left out: its source can't be had (KCP_SOURCE)");
      return undefined;
    }
  }
  const program = here("results/native/kcp-loop");
  mkdirSync(here("results/native"), { recursive: true });
  const sources = [here("native/kcp-loop.c"), `${folder}/ikcp.c`];
  execFileSync("cc", ["-O2", `-I${folder}`, "-o", program, ...sources], { stdio: "inherit" });
  return program;
}

export async function measure({ rounds, seconds }) {
  const program = reference();
  const parts = [];
  for (const [bytes, loss] of [
    [1_376, 0],
    [64, 0],
    [1_376, 5],
  ]) {
    const numbers = [bytes, loss, seconds].map(String);
    const subjects = {};
    if (program !== undefined) {
      subjects["C, ikcp"] = async () => Number(await run(program, numbers));
    }
    subjects.ours = async () =>
      Number(await run(process.execPath, [server("kcp-loop"), ...numbers]));
    const rows = await pairedRounds(subjects, rounds);
    parts.push({ name: `${bytes} bytes, ${loss} % lost`, unit: "segments/s", rows });
  }
  return parts;
}
