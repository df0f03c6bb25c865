/** Refusals in a second of which `onRefuse` is told; the others are counted. */
export const MAX_REFUSALS_TOLD = 100;

/** The refusals of which the application was told of late: who floods is to cost no error each. */
export class ToldRefusals {
  private sinceMs = 0;
  private count = 0;

  /** Whether one more may be told; then it counts. */
  mayTell(nowMs: number): boolean {
    if (nowMs - this.sinceMs >= 1_000) {
      this.sinceMs = nowMs;
      this.count = 0;
    }
    return ++this.count <= MAX_REFUSALS_TOLD;
  }
}
