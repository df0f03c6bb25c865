/**
 * Looks at streams in turn, some of them ten times a second: for what Node does not report. Streams that are not read
 * may have broken (`quiet-break.ts`), secured ones may be flooded (`record-flood.ts`).
 */
import { inRootContext } from "../../time/root-context.js";

/** Between two rounds. */
const ROUND_MS = 100;

/** Streams that a round looks at, most: about a millisecond. */
export const ROUND_STREAMS = 500;

/** What is looked at. */
export interface WatchedStream {
  /** Ends the stream if there is a reason. Returns whether it is to be looked at again. */
  look(): boolean;
}

/** Looks at streams in turn. */
export class StreamRounds {
  private readonly streams = new Set<WatchedStream>();
  /** Where the next round goes on. */
  private next: Iterator<WatchedStream> | undefined;
  private timer: NodeJS.Timeout | undefined;

  /** Streams that are looked at. */
  get streamCount(): number {
    return this.streams.size;
  }

  /** Looks at `stream` from now on, until its `look` answers false. */
  add(stream: WatchedStream): void {
    this.streams.add(stream);
    this.timer ??= inRootContext(() => setInterval(() => this.round(), ROUND_MS).unref());
  }

  /** One round: as many streams as may be, each once at most. */
  round(): void {
    for (let left = Math.min(ROUND_STREAMS, this.streams.size); left > 0; left--) {
      const stream = this.take();
      if (stream === undefined) break;
      if (!stream.look()) this.streams.delete(stream);
    }
    if (this.streams.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.next = undefined;
  }

  private take(): WatchedStream | undefined {
    this.next ??= this.streams.values();
    const { value, done } = this.next.next();
    if (done !== true) return value;
    this.next = this.streams.values();
    return this.next.next().value;
  }
}
