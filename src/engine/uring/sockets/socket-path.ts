/**
 * The file of a Unix-domain listener. One that a dead process has left behind is removed before
 * binding; ours is removed before its socket is closed, unless another socket has its name by then.
 */
import { lstatSync, unlinkSync } from "node:fs";
import type { ForeignFunctions } from "../ring/foreign-functions.js";
import { ECONNREFUSED } from "../ring/system-call-error.js";
import { FAMILY_PATH } from "./socket-address.js";

const SOCK_STREAM = 1;
const NON_BLOCKING = 0o4000;

/** Whether the path names a file at all: one that starts with a zero byte does not. */
const isFile = (path: string): boolean => !path.startsWith("\0");

/** Removes `path` when it is a stale socket; returns whether it did. */
export function removeStaleSocket(
  calls: ForeignFunctions,
  path: string,
  address: Uint8Array,
): boolean {
  if (!isFile(path)) return false;
  const probe = calls.socket(FAMILY_PATH, SOCK_STREAM | NON_BLOCKING);
  if (probe < 0) return false;
  const result = calls.connect(probe, address);
  calls.close(probe);
  if (result !== ECONNREFUSED) return false;
  try {
    if (!lstatSync(path).isSocket()) return false;
    unlinkSync(path);
    return true;
  } catch {
    // It went by itself, or is not ours to remove: binding again tells.
    return false;
  }
}

/**
 * Tells the file of a bound socket from a later one of the same name; undefined where there is
 * none.
 */
export function socketFileId(path: string): number | undefined {
  if (!isFile(path)) return undefined;
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}

/** Removes the file that {@link socketFileId} has identified. */
export function removeSocketFile(path: string, id: number | undefined): void {
  if (id === undefined || socketFileId(path) !== id) return;
  try {
    unlinkSync(path);
  } catch {
    // The file is gone, or may not be removed: closing goes on.
  }
}
