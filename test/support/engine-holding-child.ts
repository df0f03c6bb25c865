/**
 * Sockets of an engine in a process that has nothing else to do: `ENGINE`. Says whether the process would end while both
 * ends of a connection are paused, while they are unreferenced, referenced, and unreferenced again. Then it opens one
 * socket of each kind, takes their hold on the process away, and leaves them open: it has to end.
 */
import process from "node:process";
import { chooseEngine } from "#src/engine/choose-engine.js";
import type { EngineName } from "#src/engine/engine.js";
import { EngineWorld, loopback } from "./engine-world.js";
import { fateOfProcess, fatesOf, letGo } from "./process-fate.js";
import { until } from "./until.js";

const world = new EngineWorld(chooseEngine(process.argv[2] as EngineName));

const paused = await world.pair();
const ends = [paused.client.socket, paused.server.socket];
for (const end of ends) end.pause();
paused.listener.listener!.close();
await until(() => paused.listener.isClosed);
const first = await fateOfProcess();
const others = await fatesOf({
  ref: () => ends.forEach((end) => void end.ref()),
  unref: () => ends.forEach((end) => void end.unref()),
});
console.log(`paused: ${first}, ${others}`);

const datagram = await world.datagram({ address: loopback() });
const { client, server, listener } = await world.pair();
console.log("open");
datagram.socket.unref();
client.socket.unref();
server.socket.unref();
listener.listener!.unref();
letGo();
