/**
 * The field lines that every answer of a server has: Date, and Keep-Alive where the connection stays.
 * Made when first needed in a second, and forgotten at its end, so that neither a clock is read nor a
 * text made for each answer.
 */
import { Buffer } from "node:buffer";
import { createDateLine } from "../../protocol/http1/date-line.js";
import { Deadline, type DeadlineOwner, type TimingWheel } from "../../time/timing-wheel.js";

const SECOND_MS = 1000;

/** See the head of the file. */
export class StandingLines implements DeadlineOwner {
  private readonly wheel: TimingWheel;
  private readonly deadline: Deadline = new Deadline(this);
  private keepAliveLine: string;
  private forLast: Buffer | undefined = undefined;
  private forKept: Buffer | undefined = undefined;

  constructor(wheel: TimingWheel, timeoutMs: number, maxRequests: number) {
    this.wheel = wheel;
    this.keepAliveLine = keepAliveLine(timeoutMs, maxRequests);
  }

  /** Takes other numbers to announce. */
  announce(timeoutMs: number, maxRequests: number): void {
    this.keepAliveLine = keepAliveLine(timeoutMs, maxRequests);
    this.forKept = undefined;
  }

  /** The lines of an answer, `isKept`: behind which the connection stays. */
  get(isKept: boolean): Buffer {
    if (isKept) {
      this.forKept ??= Buffer.concat([this.dateLine(), Buffer.from(this.keepAliveLine)]);
      return this.forKept;
    }
    return this.dateLine();
  }

  private dateLine(): Buffer {
    if (this.forLast !== undefined) return this.forLast;
    const { clock } = this.wheel;
    const epochMs = clock.originMs + clock.now();
    this.forLast = createDateLine(epochMs);
    this.wheel.set(this.deadline, SECOND_MS - (epochMs % SECOND_MS));
    return this.forLast;
  }

  deadlineReached(): void {
    this.forLast = undefined;
    this.forKept = undefined;
  }

  /** Forgets the lines and the deadline. */
  end(): void {
    this.wheel.clear(this.deadline);
    this.deadlineReached();
  }
}

/** Announced in whole seconds, rounded down, so that no peer relies on more than there is. */
function keepAliveLine(timeoutMs: number, maxRequests: number): string {
  const parts: string[] = [];
  if (timeoutMs >= SECOND_MS) parts.push(`timeout=${Math.floor(timeoutMs / SECOND_MS)}`);
  if (maxRequests > 0) parts.push(`max=${maxRequests}`);
  return parts.length === 0 ? "" : `Keep-Alive: ${parts.join(", ")}\r\n`;
}
