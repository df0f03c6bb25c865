import { Buffer } from "node:buffer";
import { type LinkOptions, SimulatedLink } from "#src/engine/memory/simulated-link.js";
import { NoCongestion } from "#src/protocol/kcp/congestion.js";
import { Kcp } from "#src/protocol/kcp/kcp.js";
import type { InputResult, KcpIdentity, KcpSettings } from "#src/protocol/kcp/kcp-settings.js";
import { KcpShare } from "#src/protocol/kcp/kcp-share.js";

/** All that a side needs to know. */
export type SideSettings = KcpSettings & KcpIdentity;

/** Quick settings, without congestion control. */
export function kcpSettings(settings: Partial<SideSettings> = {}): SideSettings {
  return {
    localConversation: 1,
    remoteConversation: 1,
    noDelay: 1,
    intervalMs: 10,
    fastResend: 2,
    fastLimit: 5,
    repeatAfterMs: 0,
    repeatCount: 1,
    sendWindow: 128,
    receiveWindow: 128,
    mtuBytes: 1_400,
    isStream: false,
    minRtoMs: 30,
    maxMessageBytes: 200_000,
    deadLinkCount: 1_000,
    deadLinkMs: 600_000,
    congestion: new NoCongestion(),
    ...settings,
  };
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Events in the order of their times. */
export class EventQueue {
  nowMs: number;
  #events: Event[] = [];
  #order = 0;

  constructor(nowMs = 0) {
    this.nowMs = nowMs;
  }

  at(atMs: number, run: () => void): void {
    const event = { atMs: Math.max(atMs, this.nowMs), order: this.#order++, run };
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#events[middle]!;
      if (other.atMs < event.atMs || (other.atMs === event.atMs && other.order < event.order)) {
        low = middle + 1;
      } else high = middle;
    }
    this.#events.splice(low, 0, event);
  }

  /** Runs what is due until `untilMs`, or until `isDone`. */
  run(untilMs: number, isDone: () => boolean = () => false): void {
    while (!isDone()) {
      const event = this.#events[0];
      if (event === undefined || event.atMs > untilMs) {
        this.nowMs = Math.max(this.nowMs, untilMs);
        return;
      }
      this.#events.shift();
      this.nowMs = event.atMs;
      event.run();
    }
  }

  get count(): number {
    return this.#events.length;
  }
}

/** One side of a conversation over simulated links. */
export class KcpSide {
  readonly kcp: Kcp;
  /** What has arrived. */
  readonly messages: Buffer[] = [];
  readonly arrivedMs: number[] = [];
  /** Memory of its own that it has lent messages from. */
  lentMemory: Set<Buffer> = new Set();
  lastResult: InputResult = "taken";
  outputCount = 0;
  readonly #events: EventQueue;
  readonly #link: SimulatedLink;
  /** Who gets what is sent. */
  peer: KcpSide | undefined;
  /** Sees each datagram that is sent, and may change it. */
  tap: (datagram: Buffer) => Buffer | undefined = (datagram) => datagram;
  /** For how long the process is held up by others before its next turn. */
  heldUpMs: () => number = () => 0;
  /** What the application does in each turn. */
  beforeFlush: () => void = () => undefined;
  readonly #arrived: Buffer[] = [];
  #isWoken = false;
  #timerMs = Number.POSITIVE_INFINITY;
  timerCount = 0;

  constructor(events: EventQueue, link: SimulatedLink, settings: SideSettings) {
    this.#events = events;
    this.#link = link;
    this.kcp = new Kcp(
      settings,
      {
        output: (memory, start, byteCount) =>
          this.#send(memory.bytes.subarray(start, start + byteCount)),
        message: (bytes, start, length, isLent) => {
          if (isLent) this.lentMemory.add(bytes);
          this.messages.push(Buffer.from(bytes.subarray(start, start + length)));
          this.arrivedMs.push(events.nowMs);
        },
      },
      new KcpShare(settings),
    );
  }

  send(bytes: Uint8Array, staleMs?: number): void {
    this.kcp.send(bytes, staleMs);
    this.turn();
  }

  receive(datagram: Buffer): void {
    this.#arrived.push(datagram);
    this.#wake();
  }

  /** Turns begin when the process is not held up, and take all that has come. */
  #wake(): void {
    if (this.#isWoken) return;
    const lateMs = this.heldUpMs();
    if (lateMs === 0) this.#takeTurn();
    else {
      this.#isWoken = true;
      this.#events.at(this.#events.nowMs + lateMs, () => this.#takeTurn());
    }
  }

  #takeTurn(): void {
    this.#isWoken = false;
    for (const datagram of this.#arrived.splice(0)) {
      this.lastResult = this.kcp.input(datagram, this.#events.nowMs);
      datagram.fill(0xa5);
    }
    this.beforeFlush();
    if (this.kcp.dueMs <= this.#events.nowMs) this.kcp.due(this.#events.nowMs);
    this.turn();
  }

  /** The end of a turn. */
  turn(): void {
    if (this.kcp.needsFlush) this.kcp.flush(this.#events.nowMs);
    this.#arm();
  }

  #arm(): void {
    const { dueMs } = this.kcp;
    if (dueMs === Number.POSITIVE_INFINITY || dueMs >= this.#timerMs) return;
    // As a real timer: no finer than a millisecond.
    const atMs = Math.max(Math.ceil(dueMs), this.#events.nowMs + 1);
    this.#timerMs = atMs;
    this.#events.at(atMs, () => {
      if (this.#timerMs !== atMs) return;
      this.#timerMs = Number.POSITIVE_INFINITY;
      this.timerCount++;
      this.#wake();
    });
  }

  #send(bytes: Buffer): void {
    this.outputCount++;
    const datagram = this.tap(Buffer.from(bytes));
    if (datagram === undefined) return;
    const { nowMs } = this.#events;
    for (const takesMs of this.#link.pass(datagram.length, nowMs)) {
      this.#events.at(nowMs + takesMs, () => this.peer?.receive(Buffer.from(datagram)));
    }
  }
}

/** Two sides, and a link in each direction. */
export function kcpPair(
  link: LinkOptions,
  settings: Partial<SideSettings> | (() => Partial<SideSettings>) = {},
  startMs = 0,
): { events: EventQueue; left: KcpSide; right: KcpSide; links: readonly SimulatedLink[] } {
  const events = new EventQueue(startMs);
  const own = typeof settings === "function" ? settings : () => settings;
  const seed = link.seed ?? 1;
  const links = [
    new SimulatedLink({ ...link, seed }),
    new SimulatedLink({ ...link, seed: seed + 1 }),
  ] as const;
  const left = new KcpSide(events, links[0], kcpSettings(own()));
  const right = new KcpSide(events, links[1], kcpSettings(own()));
  left.peer = right;
  right.peer = left;
  return { events, left, right, links };
}
