/**
 * A child process that opens one socket of each kind on the engine that its argument names, takes
 * their hold on the process away, and has nothing else to do.
 */
import process from "node:process";
import { chooseEngine } from "#src/engine/choose-engine.js";
import type { EngineName } from "#src/engine/engine.js";
import { EngineWorld, loopback } from "./engine-world.js";

const world = new EngineWorld(chooseEngine(process.argv[2] as EngineName));
const datagram = await world.datagram({ address: loopback() });
const { client, server, listener } = await world.pair();
console.log("open");
datagram.socket.unref();
client.socket.unref();
server.socket.unref();
listener.listener!.unref();
