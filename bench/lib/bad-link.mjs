// Two network namespaces with a bad link between them, by native/lossy-link.c. Needs root and /dev/net/tun.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { nativeTool } from "./native-tool.mjs";

const ip = (...args) => execFileSync("ip", args, { stdio: ["ignore", "pipe", "pipe"] });

/** Addresses of the two ends. */
export const LEFT_HOST = "10.77.0.1";
export const RIGHT_HOST = "10.77.0.2";

let madeCount = 0;

/** Makes the link, and answers a handle of it. Several can be there at once, each in namespaces of its own. */
export async function badLink({
  delayMs,
  lossPercent,
  kilobytesPerSecond = 0,
  queueKilobytes = 64,
  seed = 1,
  tcpCongestion = "cubic",
}) {
  const mark = `${process.pid}-${madeCount++}`;
  const ends = [
    { namespace: `hp-left-${mark}`, name: `hpl${mark}`, host: LEFT_HOST },
    { namespace: `hp-right-${mark}`, name: `hpr${mark}`, host: RIGHT_HOST },
  ];
  const numbers = [delayMs, lossPercent, kilobytesPerSecond, queueKilobytes, seed].map(String);
  const child = spawn(nativeTool("lossy-link"), [ends[0].name, ends[1].name, ...numbers], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  if ((await lines.next()).value !== "READY") throw new Error("the link could not be made");
  for (const { namespace, name, host } of ends) {
    ip("netns", "add", namespace);
    ip("link", "set", name, "netns", namespace);
    ip("-n", namespace, "addr", "add", `${host}/24`, "dev", name);
    ip("-n", namespace, "link", "set", name, "up");
    ip("-n", namespace, "link", "set", "lo", "up");
    const route = ["10.77.0.0/24", "dev", name, "src", host, "congctl", tcpCongestion];
    ip("-n", namespace, "route", "replace", ...route);
  }
  return {
    /** What to put before a command so that it runs at an end. */
    left: ["ip", "netns", "exec", ends[0].namespace],
    right: ["ip", "netns", "exec", ends[1].namespace],
    async stop() {
      child.stdin.end();
      const counts = [(await lines.next()).value, (await lines.next()).value];
      if (child.exitCode === null) await once(child, "exit");
      for (const { namespace } of ends) ip("netns", "del", namespace);
      return counts;
    },
  };
}
