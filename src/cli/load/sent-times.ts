/**
 * When the messages of one connection were sent that have not been answered: a ring, the oldest at
 * `oldest`. Hot: no object is made for a message.
 */
export class SentTimes {
  /** Messages in it. */
  count = 0;
  private readonly timesMs: Float64Array;
  private oldest = 0;

  /** `depth`: as many as there can be. */
  constructor(depth: number) {
    this.timesMs = new Float64Array(depth);
  }

  /** `count` messages were sent. */
  note(count: number, nowMs: number): void {
    const { timesMs } = this;
    let place = this.oldest + this.count;
    for (let left = count; left > 0; left -= 1) {
      if (place >= timesMs.length) place -= timesMs.length;
      timesMs[place] = nowMs;
      place += 1;
    }
    this.count += count;
  }

  /** Takes out the oldest: when it was sent. */
  take(): number {
    const { timesMs, oldest } = this;
    this.oldest = oldest + 1 === timesMs.length ? 0 : oldest + 1;
    this.count -= 1;
    return timesMs[oldest]!;
  }

  /** Forgets all of them; returns how many they were. */
  clear(): number {
    const { count } = this;
    this.count = 0;
    return count;
  }
}
