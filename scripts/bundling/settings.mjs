// What is the same for all that scripts/bundle.mjs makes.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Where what is published is made. */
export const FOLDER = process.argv[2] === undefined ? ROOT : resolve(process.argv[2]);

/** The modules of which it is made, and what it becomes. */
export const DIST = join(FOLDER, "dist/");

export const { exports, version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

/** Names stay what they are and lines short, so that a stack trace says something without source maps. */
export const COMMON = {
  absWorkingDir: FOLDER,
  outdir: DIST,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  packages: "external",
  write: false,
  minifyWhitespace: true,
  lineLimit: 120,
  sourcemap: "linked",
  sourcesContent: false,
  logLevel: "warning",
};
