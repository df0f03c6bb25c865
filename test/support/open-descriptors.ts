import { readdirSync, readlinkSync } from "node:fs";

/** What the descriptors of this process are, sorted. */
export function openDescriptors(): string[] {
  const folder = "/proc/self/fd";
  const targets = readdirSync(folder).map((name) => {
    try {
      return readlinkSync(`${folder}/${name}`);
    } catch {
      // The descriptor that listed the folder is closed by now.
      return "";
    }
  });
  // Node opens /dev/null when standard input or output is first used.
  return targets.filter((target) => target !== "" && target !== "/dev/null").sort();
}
