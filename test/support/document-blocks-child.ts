/**
 * Runs modules one after the other in one process, each when nothing of the last one is left: the arguments
 * are their paths. On both outputs a line of MARK and the index of the module comes before what it prints.
 */
import process from "node:process";
import { pathToFileURL } from "node:url";
import { MARK } from "./document-run.js";

const LOADING_MS = 50;

const files = process.argv.slice(2);
let next = 0;
let isSettled = true;

function runNext(): void {
  if (!isSettled) console.error("the module waits for something that never comes");
  if (process.exitCode !== undefined) console.error(`exit code ${process.exitCode}`);
  process.exitCode = undefined;
  const file = files[next];
  if (file === undefined) return;
  console.log(`${MARK}${next}`);
  console.error(`${MARK}${next}`);
  next++;
  isSettled = false;
  // A module that is being loaded does not keep the process alive by itself.
  setTimeout(() => {}, LOADING_MS);
  import(pathToFileURL(file).href).then(
    () => {
      isSettled = true;
    },
    (error: unknown) => {
      isSettled = true;
      console.error(error);
    },
  );
}

process.on("beforeExit", runNext);
setImmediate(runNext);
