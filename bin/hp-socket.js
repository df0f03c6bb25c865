#!/usr/bin/env node
// Starts the command line, which is built from src/cli/main.ts.
import { existsSync } from "node:fs";
import process from "node:process";

const main = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(main)) {
  const program = await import(main.href);
  const exitCode = await program.main(process.argv.slice(2));
  // What could not be printed may have failed just before.
  process.exitCode = exitCode || process.exitCode;
} else {
  console.error("hp-socket: it is not built yet: run `npm ci && npm run build` first");
  process.exitCode = 1;
}
