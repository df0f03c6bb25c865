/**
 * The field lines that a server adds to every response: Date, and Keep-Alive where the connection stays.
 * Made when first needed in a second, and forgotten at its end, so that neither a clock is read nor a
 * text made for each response.
 */
import { Buffer } from "node:buffer";
import { createDateLine } from "../../../protocol/http1/writing/date-line.js";
import { Deadline, type DeadlineOwner, type TimingWheel } from "../../../time/timing-wheel.js";

const SECOND_MS = 1000;

/** Lines of a response, the same object as long as they are the same. */
export interface AddedLines {
  /** Date. */
  readonly date: Uint8Array;
  /** Keep-Alive; undefined where nothing is announced, or the connection closes. */
  readonly keepAlive: Uint8Array | undefined;
}

/** Date and Keep-Alive, as bytes. */
export class AddedFields implements DeadlineOwner {
  private readonly wheel: TimingWheel;
  private readonly deadline: Deadline = new Deadline(this);
  private keepAliveLine: Buffer | undefined = undefined;
  private ofLast: AddedLines | undefined = undefined;
  private ofKept: AddedLines | undefined = undefined;

  constructor(wheel: TimingWheel) {
    this.wheel = wheel;
  }

  /** What is announced where the connection stays; 0: not that. Seconds are rounded down. */
  announce(keepAliveMs: number, maxRequests: number): void {
    const parts: string[] = [];
    if (keepAliveMs >= SECOND_MS) parts.push(`timeout=${Math.floor(keepAliveMs / SECOND_MS)}`);
    if (maxRequests > 0) parts.push(`max=${maxRequests}`);
    const line = `Keep-Alive: ${parts.join(", ")}\r\n`;
    this.keepAliveLine = parts.length === 0 ? undefined : Buffer.from(line);
    this.ofKept = undefined;
  }

  /** The lines of a response. `isKept`: the connection stays behind it. */
  get(isKept: boolean): AddedLines {
    if (!isKept) return this.linesOfLast();
    this.ofKept ??= { date: this.linesOfLast().date, keepAlive: this.keepAliveLine };
    return this.ofKept;
  }

  private linesOfLast(): AddedLines {
    if (this.ofLast !== undefined) return this.ofLast;
    const { clock } = this.wheel;
    const epochMs = clock.originMs + clock.now();
    this.ofLast = { date: createDateLine(epochMs), keepAlive: undefined };
    this.wheel.set(this.deadline, SECOND_MS - (epochMs % SECOND_MS));
    return this.ofLast;
  }

  deadlineReached(): void {
    this.ofLast = undefined;
    this.ofKept = undefined;
  }

  /** Forgets the lines and the deadline. */
  end(): void {
    this.wheel.clear(this.deadline);
    this.deadlineReached();
  }
}
