/**
 * What all components on one engine share: the timing wheel of its clock, the slab that small sends
 * are copied into, and the list of connections that have something to write when the turn ends.
 */
import type { SendMemory } from "../bytes/send-memory.js";
import type { Engine } from "../engine/engine.js";
import { TimingWheel } from "../time/timing-wheel.js";

/** Has something to write at the end of the turn. */
export interface Flushable {
  flush(): void;
}

/** Shared by everything on one engine. */
export class EngineService {
  readonly engine: Engine;
  readonly wheel: TimingWheel;
  readonly slab: SendMemory;
  /** While bytes are delivered that the engine only lends: these. */
  lentBytes: Buffer | undefined = undefined;
  /** Longer than what waits: to cut them off would make the next turn allocate. */
  #waiting: (Flushable | undefined)[] = [];
  #flushing: (Flushable | undefined)[] = [];
  #waitingCount = 0;
  /** What the clock said in this turn; 0 before it was asked. */
  #turnMs = 0;
  readonly #flushAll: () => void;

  constructor(engine: Engine) {
    this.engine = engine;
    this.slab = engine.memory;
    this.wheel = new TimingWheel(engine.clock);
    this.#flushAll = () => this.#run();
  }

  /**
   * Whether a piece lies in memory that is only lent: what is sent from there, or kept, has to be
   * copied, since it is gone when the handler returns. To ask for a `buffer` is slow.
   */
  isLent(piece: Uint8Array): boolean {
    const { lentBytes } = this;
    if (lentBytes === undefined) return false;
    return piece === lentBytes || piece.buffer === lentBytes.buffer;
  }

  /** Has `item` flushed once when this turn ends. The caller sees to it that it is put in once. */
  flushLater(item: Flushable): void {
    this.#waiting[this.#waitingCount++] = item;
    if (this.#waitingCount === 1) this.engine.afterTurn(this.#flushAll);
  }

  /**
   * When what comes in now has come, by the clock. In a turn in which many connections receive and
   * answer it is asked twice, not for each.
   */
  arrivalMs(): number {
    if (this.#waitingCount === 0) return this.wheel.clock.now();
    this.#turnMs ||= this.wheel.clock.now();
    return this.#turnMs;
  }

  #run(): void {
    this.#turnMs = 0;
    const items = this.#waiting;
    const count = this.#waitingCount;
    this.#waiting = this.#flushing;
    this.#flushing = items;
    this.#waitingCount = 0;
    for (let index = 0; index < count; index++) {
      const item = items[index] as Flushable;
      items[index] = undefined;
      item.flush();
    }
  }
}

const services = new WeakMap<Engine, EngineService>();

/** The one service of `engine`. */
export function engineServiceOf(engine: Engine): EngineService {
  let service = services.get(engine);
  if (service === undefined) {
    service = new EngineService(engine);
    services.set(engine, service);
  }
  return service;
}
