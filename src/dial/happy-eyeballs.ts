/**
 * Racing the addresses of a host (RFC 8305 §4–5): the addresses are tried one after the other, a fixed
 * time apart or as soon as one fails; attempts that were begun stay in the race until one has won.
 * Node's own way gives each up when the next begins, and so loses peers that are merely slow.
 */
import { addressText } from "../engine/address-text.js";
import type {
  ConnectTarget,
  Engine,
  ResolvedHost,
  StreamSink,
  StreamSocket,
} from "../engine/engine.js";
import { NetError } from "../errors.js";
import type { Timer } from "../time/clock.js";

/** Gets the end of a race; one call, once, and none after `cancel`. */
export interface RaceSink {
  /** This stream is open; its `sink` is to be set at once. */
  raceWon(stream: StreamSocket): void;
  /** No address could be connected to. With several addresses the cause is an AggregateError. */
  raceLost(error: NetError): void;
}

/** Codes that say little: another address's error is more telling. */
const WEAK_CODES: ReadonlySet<string> = new Set(["HOST_UNREACHABLE", "ADDRESS_NOT_AVAILABLE"]);

class Attempt implements StreamSink {
  readonly race: AddressRace;
  stream: StreamSocket | undefined = undefined;

  constructor(race: AddressRace) {
    this.race = race;
  }

  streamOpened(): void {
    this.race.opened(this);
  }

  streamClosed(error: NetError | undefined): void {
    this.race.closed(this, error ?? new NetError("CONNECTION_RESET"));
  }

  streamSecured(): void {}
  streamReceived(): void {}
  streamEnded(): void {}
  streamWritten(): void {}
}

/** One race. */
export class AddressRace {
  private readonly engine: Engine;
  private readonly targets: readonly ConnectTarget[];
  private readonly attemptDelayMs: number;
  private readonly sink: RaceSink;
  private readonly errors: NetError[] = [];
  private running: Attempt[] = [];
  private next = 0;
  private timer: Timer | undefined;
  private isOver = false;

  /** `targets` in the order in which they are tried, one at least. */
  constructor(
    engine: Engine,
    targets: readonly ConnectTarget[],
    attemptDelayMs: number,
    sink: RaceSink,
  ) {
    this.engine = engine;
    this.targets = targets;
    this.attemptDelayMs = attemptDelayMs;
    this.sink = sink;
  }

  /** Begins. The sink is called later, never from within. Throws what `engine.connect` throws. */
  start(): void {
    const target = this.targets[this.next++] as ConnectTarget;
    const attempt = new Attempt(this);
    attempt.stream = this.engine.connect(target, attempt);
    this.running.push(attempt);
    if (this.next === this.targets.length) return;
    this.timer = this.engine.clock.setTimer(this.attemptDelayMs, () => this.startNext());
  }

  /** Calls the race off: all attempts end without a report. */
  cancel(): void {
    this.finish();
  }

  /** An attempt is open: it has won. */
  opened(attempt: Attempt): void {
    if (this.isOver) return;
    this.running = this.running.filter((other) => other !== attempt);
    this.finish();
    this.sink.raceWon(attempt.stream as StreamSocket);
  }

  /** An attempt has failed: the next one begins at once. */
  closed(attempt: Attempt, error: NetError): void {
    if (this.isOver) return;
    this.running = this.running.filter((other) => other !== attempt);
    this.failed(error);
  }

  private failed(error: NetError): void {
    this.errors.push(error);
    if (this.next < this.targets.length) {
      this.timer?.cancel();
      this.startNext();
    } else if (this.running.length === 0) {
      this.finish();
      this.sink.raceLost(this.lostError());
    }
  }

  /** From the second address on, one that the engine won't take is one that has failed. */
  private startNext(): void {
    try {
      this.start();
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      this.failed(error);
    }
  }

  private finish(): void {
    this.isOver = true;
    this.timer?.cancel();
    for (const attempt of this.running) attempt.stream?.reset();
    this.running = [];
  }

  private lostError(): NetError {
    const errors = this.errors;
    const telling = errors.findLast((error) => !WEAK_CODES.has(error.code)) ?? errors.at(-1);
    const { code, message } = telling as NetError;
    if (errors.length === 1) return telling as NetError;
    const tried = this.targets.map((target) => addressText(target.address)).join(", ");
    return new NetError(code, `none of ${tried} could be connected to; ${message}`, {
      operation: "connect",
      cause: new AggregateError(errors, "each address failed"),
    });
  }
}

/** The addresses with their families in turn, beginning with the first one's (RFC 8305 §4). */
export function interleaveFamilies(hosts: readonly ResolvedHost[]): ResolvedHost[] {
  const family = hosts[0]?.family;
  const first = hosts.filter((host) => host.family === family);
  const second = hosts.filter((host) => host.family !== family);
  const mixed: ResolvedHost[] = [];
  for (let index = 0; index < Math.max(first.length, second.length); index++) {
    for (const host of [first[index], second[index]]) if (host !== undefined) mixed.push(host);
  }
  return mixed;
}
