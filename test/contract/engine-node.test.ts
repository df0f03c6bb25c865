import { nodeEngine } from "#src/engine/node/node-engine.js";
import { engineContract } from "./engine-contract.js";

engineContract({ name: "node", create: nodeEngine });
