/**
 * The ring of one thread with everything that belongs to it, and the turns it makes. Hot.
 *
 * One step of a turn:
 *
 *     tasks of afterTurn → give buffers back → enter → dispatch completions to their sinks
 *         ▲                                                      │
 *         └── microtasks (promises that the sinks have settled) ◄┘
 *
 * A turn makes steps until the ring has nothing to do, or until `turnCompletions` were handled;
 * then the rest of the process gets its turn (`setImmediate`).
 *
 * States: asleep (events enabled, `scheduled` false) → scheduled (a step will run, in a microtask
 * or an immediate) → step → either. Everything that claims an entry calls `request`, so that a step
 * follows.
 */
import process from "node:process";
import { type Clock, systemClock } from "../../time/clock.js";
import { TurnQueue } from "../turn-queue.js";
import type { DescriptorTable } from "./descriptor-table.js";
import type { ForeignFunctions } from "./foreign-functions.js";
import { MessageHeader } from "./message-header.js";
import { OperationSlots } from "./operation-slots.js";
import type { ProvidedBuffers } from "./provided-buffers.js";
import type { Ring } from "./ring.js";
import type { SendArena } from "./send-arena.js";
import { IPV6_BYTES } from "./socket-address.js";
import type { UringSettings } from "./uring-options.js";
import type { WakeUp } from "./wake-up.js";

/** What a loop is made of. */
export interface LoopParts {
  readonly calls: ForeignFunctions;
  readonly settings: UringSettings;
  readonly ring: Ring;
  readonly buffers: ProvidedBuffers;
  readonly arena: SendArena;
  readonly descriptors: DescriptorTable;
}

const SETTLED: Promise<void> = Promise.resolve();

/**
 * On x86 the kernel's two steps "mark the work, look whether events are enabled" can't pass each
 * other; elsewhere they may, so we enter once more before going to sleep.
 */
const ENTERS_BEFORE_SLEEP: boolean = process.arch !== "x64";

/** See the head of the file. */
export class UringLoop {
  readonly calls: ForeignFunctions;
  readonly settings: UringSettings;
  readonly ring: Ring;
  readonly buffers: ProvidedBuffers;
  readonly arena: SendArena;
  readonly descriptors: DescriptorTable;
  readonly slots: OperationSlots = new OperationSlots();
  readonly clock: Clock = systemClock;
  /** What every receive of datagrams is described by: there is room for an IPv6 sender. */
  readonly datagramHeader: MessageHeader;
  private readonly tasks: TurnQueue = new TurnQueue(() => this.request());
  private readonly turnCompletions: number;
  private readonly spinMs: number;
  private wakeUp: WakeUp | undefined = undefined;
  private scheduled = false;
  /** Work done since the rest of the process had its turn. */
  private spent = 0;

  constructor(parts: LoopParts) {
    this.calls = parts.calls;
    this.settings = parts.settings;
    this.ring = parts.ring;
    this.buffers = parts.buffers;
    this.arena = parts.arena;
    this.descriptors = parts.descriptors;
    this.datagramHeader = new MessageHeader(parts.calls, 0, 0);
    this.datagramHeader.setNameLength(IPV6_BYTES);
    this.turnCompletions = parts.settings.turnCompletions;
    this.spinMs = parts.settings.spinMicroseconds / 1000;
  }

  /** Connects what wakes the thread; it calls {@link wake}. */
  attach(wakeUp: WakeUp): void {
    this.wakeUp = wakeUp;
  }

  /** Whether these bytes lie in memory that goes back to the kernel. */
  isShared(bytes: Uint8Array): boolean {
    return bytes.buffer === this.buffers.memory.buffer;
  }

  /** Somebody wants the process to stay alive. */
  hold(): void {
    this.wakeUp?.hold();
  }

  /** Takes one `hold` back. */
  release(): void {
    this.wakeUp?.release();
  }

  /** Runs a task at the beginning of the next step. */
  afterTurn(task: () => void): void {
    this.tasks.add(task);
  }

  /** Makes sure that a step follows, in a microtask at the earliest. */
  request(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.schedule();
  }

  private schedule(): void {
    if (this.spent >= this.turnCompletions) setImmediate(this.resume);
    else SETTLED.then(this.afterMicrotask);
  }

  /** Tasks wait for all microtasks of the turn, those that others have added included. */
  private readonly afterMicrotask = (): void => {
    if (this.tasks.isEmpty) this.step();
    else process.nextTick(this.step);
  };

  /** The ring has something. */
  readonly wake = (): void => {
    if (this.scheduled) return;
    this.resume();
  };

  /** It is our turn again. */
  private readonly resume = (): void => {
    this.spent = 0;
    this.step();
  };

  private readonly step = (): void => {
    this.scheduled = true;
    const { ring } = this;
    ring.disableEvents();
    this.tasks.run();
    this.buffers.publish();
    const wasTaken = ring.claimedCount === 0 && !ring.needsEnter ? true : ring.enter();
    // A step without completions counts as well, so that no chain of steps holds the process up.
    const limit = Math.max(1, this.turnCompletions - this.spent);
    this.spent += 1 + ring.dispatch(this.slots, limit);
    if (!wasTaken) this.spent = this.turnCompletions;
    if (ring.hasWork || !this.tasks.isEmpty) this.schedule();
    else this.sleep();
  };

  private sleep(): void {
    const { ring } = this;
    if (this.spinMs > 0) this.spin();
    ring.enableEvents();
    if (ENTERS_BEFORE_SLEEP) ring.enter();
    if (ring.hasWork) this.schedule();
    else this.scheduled = false;
  }

  /** Looks for work for a while, in shared memory and without a call. */
  private spin(): void {
    const { ring, clock } = this;
    const untilMs = clock.now() + this.spinMs;
    while (!ring.hasWork && clock.now() < untilMs) {
      // Nothing but looking.
    }
  }
}
