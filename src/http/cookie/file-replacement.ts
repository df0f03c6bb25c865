/**
 * Replaces a file so that whoever reads it, at any moment and after any crash, finds the old
 * content or the new one, whole: the new one is written beside it, brought to the disk, and given
 * the name in one step.
 */
import { randomUUID } from "node:crypto";
import { open, realpath, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

/** The calls of a file that is being written. */
export interface WritableFile {
  chmod(mode: number): Promise<void>;
  writeFile(bytes: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The file system, so that tests can let it fail. */
export interface FileSystem {
  open(path: string, flags: string, mode: number): Promise<WritableFile>;
  realpath(path: string): Promise<string>;
  rename(from: string, to: string): Promise<void>;
  stat(path: string): Promise<{ readonly mode: number }>;
  unlink(path: string): Promise<void>;
}

const machine: FileSystem = { open, realpath, rename, stat, unlink };

/** Only the owner may read: cookies are credentials. */
const NEW_FILE_MODE = 0o600;

/** Replacements under way and waiting, by path: those of one file go one after the other. */
const queues = new Map<string, Promise<unknown>>();

/**
 * Writes to `path` what `content` makes when its turn has come, or makes the file. A file that is
 * there keeps its permissions, a link still leads to it. Rejects with what `content` or the file
 * system threw; then the old file is there as it was.
 */
export async function replaceFile(
  path: string,
  content: () => Uint8Array | Promise<Uint8Array>,
  files: FileSystem = machine,
): Promise<void> {
  const key = resolve(path);
  const before = queues.get(key);
  const turn = (before ?? Promise.resolve()).then(async () => {
    await writeAndRename(path, await content(), files);
  });
  // The next one gets its turn whether this one succeeds or not.
  const settled = turn.then(
    () => undefined,
    () => undefined,
  );
  queues.set(key, settled);
  try {
    await turn;
  } finally {
    if (queues.get(key) === settled) queues.delete(key);
  }
}

async function writeAndRename(path: string, bytes: Uint8Array, files: FileSystem): Promise<void> {
  const target = (await unlessMissing(files.realpath(path))) ?? path;
  const present = await unlessMissing(files.stat(target));
  const mode = present === undefined ? NEW_FILE_MODE : present.mode & 0o777;
  const draft = join(dirname(target), `.${basename(target)}.${randomUUID()}.new`);
  try {
    await writeNew(draft, bytes, mode, files);
    await files.rename(draft, target);
  } catch (error) {
    // The first error tells what went wrong; a draft that can't be removed does no harm.
    await files.unlink(draft).catch(() => undefined);
    throw error;
  }
}

async function writeNew(
  path: string,
  bytes: Uint8Array,
  mode: number,
  files: FileSystem,
): Promise<void> {
  const file = await files.open(path, "wx", mode);
  try {
    // The mask of the process may have taken some of the rights away.
    await file.chmod(mode);
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function unlessMissing<Value>(promise: Promise<Value>): Promise<Value | undefined> {
  try {
    return await promise;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
