/** Which processes have which sockets, by the links of /proc/PID/fd. Other users' are root's to see. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A process. */
export interface ProcessOwner {
  /** Id of the process. */
  readonly pid: number;
  /** Name of its program, up to 15 bytes (`/proc/PID/comm`). */
  readonly name: string;
}

const SOCKET = /^socket:\[(\d+)\]$/;

/** The processes of each socket, by its inode. `root`: where /proc is. */
export function processesOfSockets(root = "/proc"): Map<number, ProcessOwner[]> {
  const owners = new Map<number, ProcessOwner[]>();
  for (const name of list(root)) {
    if (!/^\d+$/.test(name)) continue;
    let owner: ProcessOwner | undefined;
    const seen = new Set<number>();
    for (const descriptor of list(`${root}/${name}/fd`)) {
      const inode = inodeOf(`${root}/${name}/fd/${descriptor}`);
      if (inode === undefined || seen.has(inode)) continue;
      seen.add(inode);
      owner ??= { pid: Number(name), name: nameOf(`${root}/${name}/comm`) };
      const known = owners.get(inode);
      if (known === undefined) owners.set(inode, [owner]);
      else known.push(owner);
    }
  }
  return owners;
}

/** A process may end while it is looked at, or be another user's. */
function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function inodeOf(path: string): number | undefined {
  try {
    const inode = SOCKET.exec(readlinkSync(path))?.[1];
    return inode === undefined ? undefined : Number(inode);
  } catch {
    return undefined;
  }
}

function nameOf(path: string): string {
  try {
    return readFileSync(path, "utf8").trimEnd();
  } catch {
    return "";
  }
}
