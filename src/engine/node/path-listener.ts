/**
 * libuv unlinks the name that a path listener was bound to when it is closed, even where another process has bound
 * the name since. Ours is removed before, if it still is ours; a successor's is kept by a second name meanwhile.
 */
import { linkSync, lstatSync, unlinkSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { isFilePath, removeSocketFile, type SocketFile } from "../path-address.js";

let number = 0;

/** Closes a listener that was bound at `path`, by `close`, and leaves other's files as they are. */
export function closePath(path: string, file: SocketFile | undefined, close: () => void): void {
  if (!isFilePath(path)) {
    close();
    return;
  }
  removeSocketFile(file);
  const bound = resolve(path);
  const isFree = lstatSync(bound, { throwIfNoEntry: false }) === undefined;
  const second = isFree ? undefined : linkTo(bound);
  close();
  if (second !== undefined) giveBack(second, bound);
}

/** A second name for the file at `path`, where one can be had. */
function linkTo(path: string): string | undefined {
  number++;
  const second = `${path}.${process.pid}.${number}`;
  try {
    linkSync(path, second);
    return second;
  } catch {
    // No permission, or a file system without links: left to libuv.
    return undefined;
  }
}

function giveBack(second: string, path: string): void {
  try {
    linkSync(second, path);
  } catch {
    // The name was taken again, and stays taken.
  }
  unlinkSync(second);
}
