/**
 * Paths of Unix-domain sockets, as every engine takes them: checked before anything is made, absolute
 * where one is listened at, and the file removed at the end only while it is still the listener's own.
 */
import { existsSync, lstatSync, unlinkSync } from "node:fs";
import { dirname, resolve } from "node:path";
import process from "node:process";
import { NetError, type Operation } from "../errors.js";
import type { Address, ListenTarget } from "./engine.js";

/** Bytes of a path that fit beside the zero byte at its end (`sun_path`); Windows has names of pipes. */
const MAX_PATH_BYTES: number =
  process.platform === "linux" ? 107 : process.platform === "win32" ? Number.MAX_SAFE_INTEGER : 103;

/** Whether the path names a file at all: Linux's abstract names, with a zero byte in front, do not. */
export function isFilePath(path: string): boolean {
  return process.platform !== "win32" && !path.startsWith("\0");
}

/** Throws `INVALID_ARGUMENT` for a path that the system would cut, or take another for. */
function assertPath(path: string, operation: Operation): void {
  if (path === "" || path === "\0") throw invalid("a path must not be empty", operation);
  const isAbstract = path.startsWith("\0");
  if (isAbstract && process.platform !== "linux") {
    throw invalid(`abstract names are Linux's alone: ${JSON.stringify(path)}`, operation);
  }
  if (path.includes("\0", isAbstract ? 1 : 0)) {
    throw invalid(`a path must have no zero byte inside: ${JSON.stringify(path)}`, operation);
  }
  const byteCount = Buffer.byteLength(path);
  if (byteCount > MAX_PATH_BYTES) {
    const text = `a path of a socket has at most ${MAX_PATH_BYTES} bytes, not ${byteCount}: ${path}`;
    throw invalid(text, operation);
  }
}

/** Throws `INVALID_ARGUMENT` where `address` is a path that can't be connected to. */
export function assertConnectAddress(address: Address): void {
  if ("path" in address) assertPath(address.path, "connect");
}

/**
 * The target with the path that stays the listener's whatever the process's folder becomes: the
 * absolute one, unless that is too long for a socket. Throws `INVALID_ARGUMENT` for one that can't be.
 */
export function checkedListenTarget(target: ListenTarget): ListenTarget {
  const { address } = target;
  if (!("path" in address)) return target;
  const { path } = address;
  assertPath(path, "listen");
  if (!isFilePath(path)) return target;
  const absolute = resolve(path);
  if (Buffer.byteLength(absolute) > MAX_PATH_BYTES) return target;
  return { ...target, address: { path: absolute } };
}

/** What the system says of a folder that is not there: libuv makes EACCES of it. */
export function bindErrorName(errnoName: string, path: string): string {
  const isMissing = errnoName === "EACCES" && isFilePath(path) && !existsSync(dirname(path));
  return isMissing ? "ENOENT" : errnoName;
}

/** The file of a listener: the name may be another file's later. */
export interface SocketFile {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
}

/** The file of a socket that was bound at `path`; undefined where there is none. */
export function socketFileAt(path: string): SocketFile | undefined {
  if (!isFilePath(path)) return undefined;
  const absolute = resolve(path);
  const stats = lstatSync(absolute, { throwIfNoEntry: false });
  return stats && { path: absolute, device: stats.dev, inode: stats.ino };
}

/** Removes the file, if it is still the same one. */
export function removeSocketFile(file: SocketFile | undefined): void {
  if (file === undefined) return;
  const now = socketFileAt(file.path);
  if (now?.inode !== file.inode || now.device !== file.device) return;
  try {
    unlinkSync(file.path);
  } catch {
    // The file is gone, or may not be removed: closing goes on.
  }
}

function invalid(text: string, operation: Operation): NetError {
  return new NetError("INVALID_ARGUMENT", text, { operation });
}
