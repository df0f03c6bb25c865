/**
 * A child process in which nothing but a paused stream is open and referenced, on the engine that its
 * argument names. It says so when it has lived for a while, and lets go.
 */
import process from "node:process";
import { chooseEngine } from "#src/engine/choose-engine.js";
import type { EngineName } from "#src/engine/engine.js";
import { EngineWorld } from "./engine-world.js";

/** Longer than a process lives that nothing holds. */
const LIFE_MS = 300;

const world = new EngineWorld(chooseEngine(process.argv[2] as EngineName));
const { client, server, listener } = await world.pair();
server.socket.pause();
client.socket.unref();
listener.listener!.unref();
setTimeout(() => {
  console.log("held");
  server.socket.unref();
}, LIFE_MS).unref();
