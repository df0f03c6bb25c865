/**
 * The deadlines of one connection of an HTTP server, on one deadline of the timing wheel. Nothing is
 * set or cleared as requests come and go: it is looked after now and then, never later than the
 * shortest of the deadlines, and then for what has the least time left.
 */
import { NetError } from "../../errors.js";
import { Deadline, type DeadlineOwner, type TimingWheel } from "../../time/timing-wheel.js";
import type { HttpServerConfiguration, HttpServerLimits } from "./http-server-settings.js";

/** What the connection is waiting for, and since when, by the clock. Undefined: it is not. */
export interface WatchedTimes {
  /** A request, or the head of the first one. */
  readonly idleSinceMs: number | undefined;
  readonly isFirst: boolean;
  /** The end of a head. */
  readonly headSinceMs: number | undefined;
  /** More of a body that somebody wants. */
  readonly bodySinceMs: number | undefined;
  /** The end of a request whose head has come. */
  readonly requestSinceMs: number | undefined;
  /** The application's answer. */
  readonly answerSinceMs: number | undefined;
  /** Whether bytes wait to be sent, or an answer to be ended for a peer that has finished. */
  readonly isSending: boolean;
  readonly sentBytes: number;
}

/** The connection, as its watch sees it. */
export interface WatchOwner {
  readonly wheel: TimingWheel;
  readonly configuration: HttpServerConfiguration;
  /** What it waits for; undefined where that is nobody's business any more. */
  watchedTimes(): WatchedTimes | undefined;
  /** It has been without a request for long enough. */
  idleTooLong(): void;
  /** A deadline has passed; `statusCode` says so to the peer. */
  tooLate(error: NetError, statusCode: number): void;
}

/** See the head of the file. */
export class ConnectionWatch implements DeadlineOwner {
  private readonly owner: WatchOwner;
  private readonly deadline: Deadline = new Deadline(this);
  private lastSentBytes = 0;
  private stalledSinceMs: number | undefined = undefined;

  constructor(owner: WatchOwner) {
    this.owner = owner;
    this.set(Number.POSITIVE_INFINITY);
  }

  /** Looks anew, because deadlines were changed. */
  restart(): void {
    this.set(Number.POSITIVE_INFINITY);
  }

  end(): void {
    this.owner.wheel.clear(this.deadline);
  }

  private set(leftMs: number): void {
    const { wheel, configuration } = this.owner;
    if (configuration.watchMs === 0) wheel.clear(this.deadline);
    else wheel.set(this.deadline, Math.max(1, Math.min(leftMs, configuration.watchMs)));
  }

  deadlineReached(): void {
    const times = this.owner.watchedTimes();
    if (times === undefined) return;
    const nowMs = this.owner.wheel.clock.now();
    const { limits } = this.owner.configuration;
    const left = (sinceMs: number | undefined, limitMs: number): number =>
      sinceMs === undefined || limitMs === 0 ? Number.POSITIVE_INFINITY : sinceMs + limitMs - nowMs;
    const idleMs = times.isFirst ? limits.headTimeoutMs : limits.keepAliveTimeoutMs;
    const leftMs = [
      left(times.idleSinceMs, idleMs),
      left(times.headSinceMs, limits.headTimeoutMs),
      left(times.bodySinceMs, limits.bodyTimeoutMs),
      left(times.requestSinceMs, limits.requestTimeoutMs),
      left(times.answerSinceMs, limits.answerTimeoutMs),
      left(this.stalledSince(times, nowMs), limits.sendTimeoutMs),
    ];
    this.set(Math.min(...leftMs));
    const passed = leftMs.findIndex((ms) => ms <= 0);
    if (passed === 0) this.owner.idleTooLong();
    else if (passed > 0) this.tell(PASSED[passed - 1] as Passed);
  }

  private tell([code, name, statusCode]: Passed): void {
    const limitMs = this.owner.configuration.limits[name];
    const message = `${TEXTS[code]} within ${name} (${limitMs})`;
    this.owner.tooLate(new NetError(code, message, { operation: "receive" }), statusCode);
  }

  /** Since when the peer has taken nothing, as far as that was seen. */
  private stalledSince({ isSending, sentBytes }: WatchedTimes, nowMs: number): number | undefined {
    const moves = sentBytes !== this.lastSentBytes;
    this.lastSentBytes = sentBytes;
    if (!isSending) this.stalledSinceMs = undefined;
    else if (moves || this.stalledSinceMs === undefined) this.stalledSinceMs = nowMs;
    return this.stalledSinceMs;
  }
}

type Passed = readonly [
  code: keyof typeof TEXTS,
  name: keyof HttpServerLimits,
  /** 0: nothing can be told to the peer. */
  statusCode: number,
];

const TEXTS = {
  HTTP_HEAD_TIMEOUT: "the head of a request was not complete",
  HTTP_BODY_TIMEOUT: "no byte of the body came",
  HTTP_REQUEST_TIMEOUT: "a request did not come whole",
  HTTP_ANSWER_TIMEOUT: "no answer was given",
  HTTP_SEND_TIMEOUT: "the peer took no byte of an answer",
} as const;

/** In the order in which they are looked at. */
const PASSED: readonly Passed[] = [
  ["HTTP_HEAD_TIMEOUT", "headTimeoutMs", 408],
  ["HTTP_BODY_TIMEOUT", "bodyTimeoutMs", 408],
  ["HTTP_REQUEST_TIMEOUT", "requestTimeoutMs", 408],
  ["HTTP_ANSWER_TIMEOUT", "answerTimeoutMs", 503],
  ["HTTP_SEND_TIMEOUT", "sendTimeoutMs", 0],
];
