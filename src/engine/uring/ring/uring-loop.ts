/**
 * The ring of one thread with everything that belongs to it, and the turns it makes. Hot.
 *
 * One step of a turn:
 *
 *     tasks of afterTurn → give buffers back → enter → dispatch completions to their sinks
 *         ▲                                                      │
 *         └── microtasks (promises that the sinks have settled) ◄┘
 *
 * A turn makes steps until the ring has nothing to do, until `turnCompletions` were handled, or until
 * it has taken 5 ms; then the rest of the process gets its turn (`setImmediate`).
 *
 * States: asleep (events enabled, `scheduled` false) → scheduled (a step will run, in a microtask
 * or an immediate) → step → either. Everything that claims an entry calls `request`, so that a step
 * follows.
 *
 * Steps run in the engines' own async context, whoever has asked for them.
 */
import process from "node:process";
import { isMainThread } from "node:worker_threads";
import type { NetError } from "../../../errors.js";
import { type Clock, systemClock } from "../../../time/clock.js";
import { inRootContext } from "../../../time/root-context.js";
import { TurnQueue } from "../../turn-queue.js";
import { AcceptRecordPool } from "../memory/accept-records.js";
import { BufferLine } from "../memory/buffer-line.js";
import { MessageHeader } from "../memory/message-header.js";
import type { ProvidedBuffers } from "../memory/provided-buffers.js";
import type { SendArena } from "../memory/send-arena.js";
import type { UringSettings } from "../setup/uring-options.js";
import { PeerNames } from "../sockets/peer-names.js";
import { RECEIVED_CONTROL_BYTES } from "../sockets/received-datagram.js";
import { IPV6_BYTES } from "../sockets/socket-address.js";
import { Splicer } from "../sockets/splicer.js";
import { StreamEnds } from "../sockets/stream-ends.js";
import { StreamReceives } from "../sockets/stream-receives.js";
import { StreamSends } from "../sockets/stream-sends.js";
import type { LoopSecurity } from "../tls/loop-security.js";
import type { DescriptorTable } from "./descriptor-table.js";
import type { ForeignFunctions } from "./foreign-functions.js";
import { OP_CLOSE } from "./kernel-interface.js";
import { OperationSlots, RELEASE_KIND } from "./operation-slots.js";
import { PollPass } from "./poll-pass.js";
import type { Ring } from "./ring.js";
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

/** How long a turn may take, handlers included, before the rest of the process gets its own. */
const TURN_MS = 5;

/** Completions that are handled before the clock is looked at again. */
const BATCH_COMPLETIONS = 8;

/**
 * On x86 the kernel's two steps "mark the work, look whether events are enabled" can't pass each
 * other; elsewhere they may, so we enter once more before going to sleep.
 */
const ENTERS_BEFORE_SLEEP: boolean = process.arch !== "x64";

/** The ring of one thread with everything that belongs to it, and the turns it makes. */
export class UringLoop {
  readonly calls: ForeignFunctions;
  readonly settings: UringSettings;
  readonly ring: Ring;
  readonly buffers: ProvidedBuffers;
  readonly arena: SendArena;
  readonly descriptors: DescriptorTable;
  readonly slots: OperationSlots = new OperationSlots();
  readonly clock: Clock = {
    ...systemClock,
    afterPoll: (callback) => systemClock.afterPoll(() => this.afterPass(callback)),
  };
  /** What every receive of datagrams is described by: there is room for an IPv6 sender. */
  readonly datagramHeader: MessageHeader;
  /** Sockets that wait for a receive buffer. */
  readonly bufferLine: BufferLine = new BufferLine();
  /** What streams do. */
  readonly ends: StreamEnds;
  readonly receives: StreamReceives;
  readonly sends: StreamSends;
  readonly splicer: Splicer;
  /** Addresses of the peers of accepted streams. */
  readonly peerNames: PeerNames = new PeerNames();
  /** Where the kernel writes them. */
  readonly acceptRecords: AcceptRecordPool;
  /** Why sockets that are closing do so, by their slots, where that was not our wish. */
  readonly closeErrors: Map<number, NetError> = new Map();
  /** What secured streams have in common; undefined before the first of them. */
  security: LoopSecurity | undefined = undefined;
  /** See {@link closeLater}. */
  private readonly borrowed: number[] = [];
  private readonly tasks: TurnQueue = new TurnQueue(() => this.request());
  private readonly pass: PollPass = new PollPass();
  private readonly turnCompletions: number;
  private readonly spinMs: number;
  private wakeUp: WakeUp | undefined = undefined;
  private scheduled = false;
  /** Completions and steps since the rest of the process had its turn. */
  private spent = 0;
  /** When the turn began, by the clock, without the time asleep in it; see {@link turnGoesOn}. */
  private turnStartMs = 0;
  /** When the loop went to sleep; 0: it has not. */
  private asleepSinceMs = 0;

  constructor(parts: LoopParts) {
    this.calls = parts.calls;
    this.settings = parts.settings;
    this.ring = parts.ring;
    this.buffers = parts.buffers;
    this.arena = parts.arena;
    this.descriptors = parts.descriptors;
    const { calls, ring, buffers, arena, descriptors, bufferLine } = this;
    const closeLater = (descriptor: number): void => this.closeLater(descriptor);
    const ends = new StreamEnds({ calls, ring, descriptors, closeLater });
    this.ends = ends;
    this.receives = new StreamReceives({ calls, ring, buffers, bufferLine, ends });
    this.sends = new StreamSends({ calls, ring, memory: buffers.memory, arena, ends });
    this.splicer = new Splicer(calls, this.clock);
    this.acceptRecords = new AcceptRecordPool(parts.calls, parts.buffers.memory);
    this.datagramHeader = new MessageHeader(parts.calls, 0, 0);
    this.datagramHeader.setNameLength(IPV6_BYTES);
    this.datagramHeader.setControlLength(RECEIVED_CONTROL_BYTES);
    this.turnCompletions = parts.settings.turnCompletions;
    this.spinMs = parts.settings.spinMicroseconds / 1000;
  }

  /** Connects what wakes the thread; it calls {@link wake}. */
  attach(wakeUp: WakeUp): void {
    this.wakeUp = wakeUp;
  }

  /**
   * Closes a descriptor that was borrowed, with the next call into the kernel, whatever that is for.
   * At once in a worker thread, since it would outlive one that is terminated.
   */
  closeLater(descriptor: number): void {
    if (isMainThread) this.borrowed.push(descriptor);
    else this.calls.close(descriptor);
  }

  /** Keeps the process alive until {@link release}. */
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

  /** Calls back when all that the kernel holds at the next step has been handled. */
  private afterPass(callback: () => void): void {
    this.pass.add(callback);
    this.request();
  }

  /** Makes sure that a step follows, in a microtask at the earliest. */
  request(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    inRootContext(this.schedule);
  }

  private readonly schedule = (): void => {
    if (this.spent >= this.turnCompletions) setImmediate(this.resume);
    else SETTLED.then(this.afterMicrotask);
  };

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
    this.turnStartMs = this.clock.now();
    this.asleepSinceMs = 0;
    this.step();
  };

  private readonly step = (): void => {
    this.scheduled = true;
    const { ring } = this;
    ring.disableEvents();
    if (this.asleepSinceMs !== 0) this.turnGoesOn();
    this.tasks.run();
    this.giveBuffers();
    const { pass } = this;
    const beginsPass = pass.isDue;
    const isEntered = beginsPass || ring.claimedCount > 0 || ring.needsEnter;
    const wasTaken = !isEntered || this.enter();
    if (beginsPass && wasTaken) pass.begin(this.slots.heldCount);
    const spentBefore = this.spent;
    // A step without completions counts as well, so that no chain of steps holds the process up.
    this.spent++;
    const isOver = this.dispatch();
    pass.stepped(this.spent - spentBefore - 1, !this.hasWork);
    if (!wasTaken || isOver) this.spent = this.turnCompletions;
    if (this.hasWork || pass.isDue) this.schedule();
    else this.sleep();
  };

  private get hasWork(): boolean {
    return this.ring.hasWork || !this.tasks.isEmpty || this.bufferLine.size > 0;
  }

  /** Gives the kernel the buffers that are free, and those who wait for one another try. */
  private giveBuffers(): void {
    const { buffers, bufferLine } = this;
    const count = buffers.publish();
    // While completions wait, buffers that are not free yet lie behind them.
    if (bufferLine.size > 0)
      bufferLine.serve(this.ring.hasCompletions ? Math.max(1, count) : buffers.count);
  }

  private enter(): boolean {
    const { borrowed, ring } = this;
    for (let descriptor = borrowed.pop(); descriptor !== undefined; descriptor = borrowed.pop()) {
      ring.claim(OP_CLOSE, descriptor, RELEASE_KIND, 0);
    }
    return ring.enter();
  }

  /** A step in a turn that had nothing to do for a while: that time does not count. */
  private turnGoesOn(): void {
    this.turnStartMs += this.clock.now() - this.asleepSinceMs;
    this.asleepSinceMs = 0;
  }

  /** Hands completions to their owners, as far as the turn goes. Returns whether its time is over. */
  private dispatch(): boolean {
    const { clock, ring, slots } = this;
    for (;;) {
      const limit = Math.min(BATCH_COMPLETIONS, Math.max(1, this.turnCompletions - this.spent));
      const count = ring.dispatch(slots, limit);
      this.spent += count;
      if (clock.now() - this.turnStartMs > TURN_MS) return true;
      if (count < limit || this.spent >= this.turnCompletions) return false;
    }
  }

  private sleep(): void {
    const { ring } = this;
    if (this.spinMs > 0) this.spin();
    ring.enableEvents();
    if (ENTERS_BEFORE_SLEEP) ring.enter();
    if (ring.hasWork) {
      this.schedule();
      return;
    }
    this.scheduled = false;
    this.asleepSinceMs = this.clock.now();
  }

  /** Looks for work for a while, in shared memory and without a call. */
  private spin(): void {
    const { ring, clock } = this;
    const untilMs = clock.now() + this.spinMs;
    while (!ring.hasWork && clock.now() < untilMs) {
      // Busy wait.
    }
  }
}
