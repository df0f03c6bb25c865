/**
 * The deadlines of the requests under way on one connection. Lazy: as requests come and go nothing is
 * cleared, and mostly nothing set; when one falls due, it is looked at what the connection waits for now.
 *
 * A peer that has finished may be gone, which looks the same. What tells the two apart is what they do
 * with bytes that come later: a system whose process has gone resets the connection then, and the
 * next write fails. So bytes are sent that mean nothing, soon at first, then now and then.
 *
 *     peer's end ─ 0.25 s ─ probe ─ 0.5 s ─ probe ─ 1 s ─ … ─ 16 s ─ probe ─ 16 s ─ probe …
 */
import type { ProtocolConnection } from "../../connection/receiver.js";
import { NetError } from "../../errors.js";
import { type DeadlineHolder, Deadlines } from "../../time/deadlines.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import type { HttpServerLimits } from "./http-server-settings.js";
import type { ServerExchange } from "./server-exchange.js";

/** The requests under way, as far as they are waited for. */
export interface WatchedRequests {
  readonly limits: HttpServerLimits;
  readonly transport: ProtocolConnection;
  /** Whether the requests belong to a connection. */
  readonly isWatched: boolean;
  /** Whether the connection only waits for what was sent to leave. */
  readonly isOver: boolean;
  /** Whether the head of a request is on its way. */
  readonly isInHead: boolean;
  /** The exchange whose request is being read. */
  readonly reading: ServerExchange | undefined;
  /** The exchange whose turn it is to respond. */
  readonly front: ServerExchange | undefined;
  /** Whether the server holds reading. */
  readonly isHeld: boolean;
  /** Whether the application does not read. */
  readonly isPaused: boolean;
  readonly hasPeerEnded: boolean;
  /** A deadline has passed; `statusCode` says so to the peer, 0: nothing can be said. */
  tooLate(error: NetError, statusCode: number): void;
}

/** What is waited for. The numbers are places in {@link ROWS}. */
const HEAD = 0;
const BODY = 1;
const REQUEST = 2;
const RESPONSE = 3;
const SEND = 4;
const PROBE = 5;

const ROWS = [
  ["HTTP_HEAD_TIMEOUT", "headTimeoutMs", 408, "the head of a request was not complete"],
  ["HTTP_BODY_TIMEOUT", "bodyTimeoutMs", 408, "no byte of the body came"],
  ["HTTP_REQUEST_TIMEOUT", "requestTimeoutMs", 408, "a request did not come whole"],
  ["HTTP_RESPONSE_TIMEOUT", "responseTimeoutMs", 503, "the handler did not respond"],
  ["HTTP_SEND_TIMEOUT", "sendTimeoutMs", 0, "the peer took no byte of a response"],
] as const;

const NEVER: number = Number.POSITIVE_INFINITY;
/** How often within `sendTimeoutMs` is looked whether the peer takes what is sent. */
const SEND_LOOKS = 4;
/** The first wait for a probe; each one is twice as long as the one before. */
const FIRST_PROBE_MS = 250;
const MAX_PROBE_MS = 16_000;

/** Watches what the requests under way wait for. */
export class PipelineDeadlines implements DeadlineHolder {
  private readonly requests: WatchedRequests;
  private readonly wheel: TimingWheel;
  private readonly deadlines: Deadlines;
  /** When the head that is being read began. */
  private headSinceMs = 0;
  /** When reading went on after a hold. */
  private readOnMs = 0;
  /** How many bytes were sent when that was looked at last; −1 before. */
  private sentBytes = -1;
  private stalledSinceMs = 0;
  private probeMs = FIRST_PROBE_MS;
  /** Bytes that were sent to probe the peer. */
  private probedBytes = 0;
  private lastProbeBytes = 0;

  constructor(requests: WatchedRequests, wheel: TimingWheel) {
    this.requests = requests;
    this.wheel = wheel;
    this.deadlines = new Deadlines(wheel, this);
  }

  /** Watches the requests of another connection. Deadlines that are left of the last one do nothing. */
  begin(): void {
    this.readOnMs = 0;
    this.sentBytes = -1;
    this.probedBytes = 0;
    this.lastProbeBytes = 0;
  }

  /** Nothing is due any more. */
  end(): void {
    this.deadlines.end();
  }

  /** The limits were changed: all is looked at anew. */
  restart(): void {
    for (let purpose = HEAD; purpose <= SEND; purpose++) this.deadlines.set(purpose, 0);
  }

  // — what is waited for —

  /** The head of a request has begun to come, at `sinceMs`; left out: now. */
  headBegun(sinceMs: number = this.nowMs()): void {
    this.headSinceMs = sinceMs;
    // What is due for an earlier connection may be later than that.
    const { headTimeoutMs } = this.requests.limits;
    if (headTimeoutMs > 0) this.deadlines.setAt(HEAD, sinceMs + headTimeoutMs);
  }

  /** The head is complete, a body is on its way. */
  bodyBegun(): void {
    this.watch(BODY);
    this.watch(REQUEST);
  }

  /** A handler has a request to respond to. */
  responseAwaited(): void {
    this.watch(RESPONSE);
  }

  /** Bytes were sent. */
  sending(): void {
    if (this.deadlines.dueMs(SEND) < NEVER) return;
    const { sendTimeoutMs } = this.requests.limits;
    this.sentBytes = -1;
    if (sendTimeoutMs > 0) this.deadlines.set(SEND, this.lookMs());
  }

  /** Reading goes on. */
  readOn(): void {
    this.readOnMs = this.nowMs();
  }

  /** The peer has finished while a response is under way. */
  peerEnded(): void {
    this.probeMs = FIRST_PROBE_MS;
    this.deadlines.set(PROBE, this.probeMs);
    this.sending();
  }

  private nowMs(): number {
    return Math.ceil(this.wheel.clock.now());
  }

  /** Watches a purpose. A deadline that is set already comes first, and is set anew then. */
  private watch(purpose: number): void {
    if (this.deadlines.dueMs(purpose) < NEVER) return;
    const limitMs = this.requests.limits[ROWS[purpose as 0][1]];
    if (limitMs > 0) this.deadlines.set(purpose, limitMs);
  }

  private lookMs(): number {
    return Math.ceil(this.requests.limits.sendTimeoutMs / SEND_LOOKS);
  }

  // — what falls due —

  deadlinePassed(purpose: number): void {
    const { requests } = this;
    if (!requests.isWatched) return;
    if (purpose === PROBE) {
      this.probe();
      return;
    }
    const nowMs = this.nowMs();
    const dueMs = this.dueMs(purpose, nowMs);
    if (dueMs > nowMs) {
      const nextMs = purpose === SEND ? Math.min(dueMs, nowMs + this.lookMs()) : dueMs;
      if (dueMs < NEVER) this.deadlines.setAt(purpose, nextMs);
      return;
    }
    const [code, name, statusCode, what] = ROWS[purpose as 0];
    const message = `${what} within ${name} (${requests.limits[name]})`;
    requests.tooLate(new NetError(code, message, { operation: "receive" }), statusCode);
  }

  /** When a purpose is due; never, while it is not waited for. */
  private dueMs(purpose: number, nowMs: number): number {
    const limitMs = this.requests.limits[ROWS[purpose as 0][1]];
    return limitMs === 0 ? NEVER : this.sinceMs(purpose, nowMs) + limitMs;
  }

  private sinceMs(purpose: number, nowMs: number): number {
    const { reading, front, isOver, isInHead, isHeld, isPaused, transport } = this.requests;
    if (purpose === SEND) return this.stalledMs(nowMs);
    if (isOver) return NEVER;
    switch (purpose) {
      case HEAD:
        if (!isInHead) return NEVER;
        return isPaused ? nowMs : Math.max(this.headSinceMs, this.readOnMs);
      case BODY:
        if (reading === undefined) return NEVER;
        return isHeld || isPaused ? nowMs : Math.max(transport.receivedMs, this.readOnMs);
      case REQUEST:
        return reading?.startedMs ?? NEVER;
      default: {
        if (front === undefined || front.isResponded) return NEVER;
        // A handler that still reads the request can't respond yet: reading has deadlines of its own.
        const isReading = front === reading && front.request.isBodyRead;
        return isReading ? NEVER : front.startedMs;
      }
    }
  }

  /** Since when the peer has taken nothing, as far as that was seen. */
  private stalledMs(nowMs: number): number {
    const { transport, front, hasPeerEnded } = this.requests;
    // A peer that has finished may be gone, which shows by probes alone.
    const isSending = transport.pendingBytes > 0 || (hasPeerEnded && front?.isResponded === true);
    const unsentProbeBytes = Math.min(transport.pendingBytes, this.lastProbeBytes);
    const sentBytes = transport.sendProgress - this.probedBytes + unsentProbeBytes;
    if (sentBytes > this.sentBytes || !isSending) this.stalledSinceMs = nowMs;
    this.sentBytes = Math.max(this.sentBytes, sentBytes);
    return isSending ? this.stalledSinceMs : NEVER;
  }

  private probe(): void {
    const { front, isOver, transport } = this.requests;
    if (isOver || front === undefined) return;
    if (transport.pendingBytes === 0) {
      front.probePeer();
      this.lastProbeBytes = transport.pendingBytes;
      this.probedBytes += this.lastProbeBytes;
    }
    this.probeMs = Math.min(2 * this.probeMs, MAX_PROBE_MS);
    this.deadlines.set(PROBE, this.probeMs);
  }
}
