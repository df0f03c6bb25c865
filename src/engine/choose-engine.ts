/**
 * Which engine a component gets: the one it was given, else the one its option names, else the one
 * `HP_SOCKET_ENGINE` names, else the first of the table that can run here. A thread has one engine of
 * a kind, however many components ask for it.
 *
 * In a worker of `node:cluster` the first one is node:net's, whose listeners the workers share; an engine
 * that is named is taken there as well.
 */
import type { Cluster } from "node:cluster";
import process from "node:process";
import { describe, NetError } from "../errors.js";
import { isBundled } from "./bundled.js";
import type { Capability, Engine, EngineChoice, EngineName } from "./engine.js";
import { nodeEngine } from "./node/node-engine.js";
import { uringAvailability, uringEngine, uringProbes } from "./uring/uring-engine.js";

/** An engine that can be chosen by name. */
interface Candidate {
  readonly name: EngineName;
  /** `true`, or the reason why it can't run here. */
  available(): true | string;
  /** The thread's engine of this kind. */
  create(): Engine;
  /** What was tried to find out. */
  probes?(): readonly EngineProbe[];
  /** Why `auto` passes it over, though it can run here. */
  passedOver?(): string | undefined;
}

/** One thing that was tried to find out whether an engine can run here. */
export interface EngineProbe {
  /** What was tried. */
  readonly name: string;
  /** Whether it works here. */
  readonly ok: boolean;
  /** What was found, or why it failed. */
  readonly detail: string;
}

/** Whether this process is a worker of `node:cluster`. Others don't pay for loading that module. */
function isClusterWorker(): boolean {
  if (process.channel === undefined) return false;
  const cluster: object = process.getBuiltinModule("node:cluster");
  return (cluster as Pick<Cluster, "isWorker">).isWorker;
}

const inCluster = (): string | undefined =>
  isClusterWorker()
    ? "in a worker of node:cluster only node:net shares its listeners with the other workers"
    : undefined;

/** Best first. */
const CANDIDATES: readonly Candidate[] = [
  {
    name: "uring",
    available: uringAvailability,
    create: uringEngine,
    probes: uringProbes,
    passedOver: inCluster,
  },
  { name: "node", available: () => true, create: nodeEngine },
];

/** What {@link engineReport} says of one engine. */
export interface EngineStatus {
  /** Name of the engine. */
  readonly name: EngineName;
  /** `true`, or the reason why it can't run here. */
  readonly available: true | string;
  /** Whether `auto` takes it. */
  readonly isAutomatic: boolean;
  /** Why `auto` passes it over, though it can run here; undefined where it does not. */
  readonly passedOver: string | undefined;
  /** What was tried to find out; empty for engines that run everywhere. */
  readonly probes: readonly EngineProbe[];
}

const automatic = (): Candidate | undefined =>
  CANDIDATES.find(
    (candidate) => candidate.passedOver?.() === undefined && candidate.available() === true,
  );

/** Every engine that can be chosen by name, best first, and whether it can run here. */
export function engineReport(): readonly EngineStatus[] {
  const best = automatic();
  return CANDIDATES.map((candidate) => ({
    name: candidate.name,
    available: candidate.available(),
    isAutomatic: candidate === best,
    passedOver: candidate.passedOver?.(),
    probes: candidate.probes?.() ?? [],
  }));
}

function configureError(
  code: "INVALID_ARGUMENT" | "ENGINE_UNAVAILABLE" | "NOT_SUPPORTED",
  message: string,
): NetError {
  return new NetError(code, message, { operation: "configure" });
}

let isBundleTold = false;

/** Bundlers leave koffi out silently, and with it the faster engine: a warning is emitted once. */
function tellOfBundle(): void {
  if (isBundleTold) return;
  isBundleTold = true;
  const reason = process.platform === "linux" ? uringAvailability() : true;
  if (reason === true || !isBundled()) return;
  const text = `hp-socket runs without io_uring: ${reason}. HP_SOCKET_ENGINE=node stops this warning`;
  process.emitWarning(text, { code: "ENGINE_UNAVAILABLE" });
}

function engineByName(name: string, source: string): Engine {
  if (name === "auto") {
    const best = automatic();
    if (best === undefined) throw configureError("ENGINE_UNAVAILABLE", "no engine can run here");
    tellOfBundle();
    return best.create();
  }
  if (name === "memory") {
    const text = `${source} can't name the memory engine: make a MemoryEngine and hand it over`;
    throw configureError("INVALID_ARGUMENT", text);
  }
  const wanted = CANDIDATES.find((candidate) => candidate.name === name);
  if (wanted === undefined) {
    const names = ["auto", ...CANDIDATES.map((candidate) => candidate.name)].join(", ");
    const text = `${source} must be one of ${names}, or an engine, not ${describe(name)}`;
    throw configureError("INVALID_ARGUMENT", text);
  }
  const available = wanted.available();
  if (available !== true) {
    const text = `${source} asks for the engine ${name}, which can't run here: ${available}`;
    throw configureError("ENGINE_UNAVAILABLE", text);
  }
  return wanted.create();
}

/**
 * The engine for `wanted`: an engine itself, a name, or `auto`; left out, `HP_SOCKET_ENGINE` names
 * it, and without that it is `auto`. `needed`: what it must be able to do; where the chosen one can't
 * and no engine object was given, the best that can takes its place. Throws `ENGINE_UNAVAILABLE` when the named one
 * can't run here,
 * and `INVALID_ARGUMENT` for a name that is none.
 */
export function chooseEngine(wanted: EngineChoice | undefined, needed?: Capability): Engine {
  const chosen = chosenEngine(wanted);
  if (needed === undefined || chosen.capabilities[needed] === true) return chosen;
  if (typeof wanted !== "object") {
    const able = CANDIDATES.find(
      ({ available, create }) => available() === true && create().capabilities[needed] === true,
    );
    if (able !== undefined) return able.create();
  }
  throw configureError(
    "NOT_SUPPORTED",
    `${needed} is not possible on the engine ${chosen.name}: ${chosen.capabilities[needed]}`,
  );
}

function isEngine(given: Partial<Engine>): boolean {
  const { capabilities, clock, connect, listen } = given;
  return (
    typeof capabilities === "object" &&
    typeof clock === "object" &&
    typeof connect === "function" &&
    typeof listen === "function"
  );
}

function chosenEngine(wanted: EngineChoice | undefined): Engine {
  if (typeof wanted === "object" && wanted !== null) {
    if (isEngine(wanted)) return wanted;
    const text = "engine must be an engine, or the name of one, and the object given is none";
    throw configureError("INVALID_ARGUMENT", text);
  }
  if (wanted !== undefined) return engineByName(wanted, "engine");
  const named = process.env["HP_SOCKET_ENGINE"];
  if (named !== undefined && named !== "") return engineByName(named, "HP_SOCKET_ENGINE");
  return engineByName("auto", "engine");
}
