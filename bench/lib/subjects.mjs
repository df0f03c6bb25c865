// Who takes part: plain node:net first, then our engines that run here, then C.
import { fileURLToPath } from "node:url";
import { engineReport } from "hp-socket";
import { nativeTool } from "./native-tool.mjs";

export const server = (name) => fileURLToPath(new URL(`../servers/${name}.mjs`, import.meta.url));

/** Engines that can run here. */
export function engines() {
  return engineReport()
    .filter(({ available }) => available === true)
    .map(({ name }) => name);
}

/** Echo servers by name, started; ours with this delivery. */
export async function echoSubjects(start, delivery) {
  const node = (file, ...args) => start(process.execPath, ["--expose-gc", server(file), ...args]);
  const subjects = { "node:net": await node("raw-net-server", "echo") };
  for (const engine of engines())
    subjects[engine] = await node("echo-server", engine, "push", delivery);
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const started = await start(nativeTool("echo-epoll"), [String(port)], { port });
  subjects["C epoll"] = started;
  return subjects;
}
