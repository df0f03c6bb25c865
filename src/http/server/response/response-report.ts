/** What is told of a response when it is complete: `onResponseComplete`. */
import type { CloseReason } from "../../../connection/close-reason.js";
import type { Clock } from "../../../time/clock.js";

/** What became of one response. */
export interface ResponseReport {
  /** Its status code; undefined where the connection ended before there was a response. */
  readonly status: number | undefined;
  /** Bytes of its head. */
  readonly headBytes: number;
  /**
   * Bytes of its body, as they were given to the connection: compressed, and without what frames chunks. Of a
   * response that was cut some of them may not have left.
   */
  readonly bodyBytes: number;
  /** When the head of the request was complete, in milliseconds since 1970 UTC. */
  readonly startedAt: number;
  /** Milliseconds from then to the head of the response; undefined where there was none. */
  readonly firstByteMs: number | undefined;
  /** Milliseconds from then until the system had taken the last byte, or the connection had ended. */
  readonly durationMs: number;
  /** Why the response was cut: how its connection ended. Undefined: all of it was sent. */
  readonly cut: CloseReason | undefined;
}

/** Notes what a report tells of one response. */
export class ResponseRecord {
  headBytes = 0;
  bodyBytes = 0;
  /** It was reported, which happens once. */
  isTold = false;
  private readonly clock: Clock;
  private readonly startedMs: number;
  private begunMs = 0;

  constructor(clock: Clock) {
    this.clock = clock;
    this.startedMs = clock.now();
  }

  /** The head was given to the connection, or to wait for its turn. */
  begun(headBytes: number, bodyBytes: number): void {
    this.begunMs = this.clock.now();
    this.headBytes = headBytes;
    this.bodyBytes = bodyBytes;
  }

  report(status: number | undefined, cut: CloseReason | undefined): ResponseReport {
    const { clock, startedMs } = this;
    return {
      status,
      headBytes: this.headBytes,
      bodyBytes: this.bodyBytes,
      startedAt: clock.originMs + startedMs,
      firstByteMs: this.headBytes === 0 ? undefined : this.begunMs - startedMs,
      durationMs: clock.now() - startedMs,
      cut,
    };
  }
}
