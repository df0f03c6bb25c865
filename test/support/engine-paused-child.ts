/**
 * A child process with one connection on the engine that its argument names; both ends are paused, and
 * nobody listens any more. Its second argument takes their hold on the process away: `unref`. Says on its
 * way out why it ends: after a while it ends itself.
 */
import process from "node:process";
import { chooseEngine } from "#src/engine/choose-engine.js";
import type { EngineName } from "#src/engine/engine.js";
import { EngineWorld } from "./engine-world.js";
import { until } from "./until.js";

const world = new EngineWorld(chooseEngine(process.argv[2] as EngineName));
const { client, server, listener } = await world.pair();
client.socket.pause();
server.socket.pause();
listener.listener!.close();
await until(() => listener.isClosed);
if (process.argv[3] === "unref") {
  client.socket.unref();
  server.socket.unref();
}
const held = setTimeout(() => {
  console.log("held");
  process.exit(0);
}, 1_000);
held.unref();
