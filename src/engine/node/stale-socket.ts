/**
 * A process that died leaves its Unix-domain socket behind in the file system, where it keeps the
 * next one from binding. It is told from a live one by connecting: a stale one refuses.
 */
import { lstat, unlink } from "node:fs";
import { connect } from "node:net";
import { errnoNameOf } from "../system-error.js";

/**
 * Removes `path` when it is a stale socket; returns whether it did. Anything else,
 * a plain file included, stays where it is.
 */
export function removeStaleSocket(path: string, done: (isRemoved: boolean) => void): void {
  lstat(path, (statError, stats) => {
    if (statError !== null || !stats.isSocket()) {
      done(false);
      return;
    }
    const probe = connect({ path });
    probe.on("connect", () => {
      probe.destroy();
      done(false);
    });
    probe.on("error", (error) => {
      if (errnoNameOf(error) !== "ECONNREFUSED") done(false);
      else unlink(path, (unlinkError) => done(unlinkError === null));
    });
  });
}
