/**
 * Requests of one connection that wait for their responses.
 *
 * In order: the n-th response belongs to the n-th request. A request that was given up keeps its place,
 * so that its late response is taken for it and dropped, and never for the next one's.
 * By key: the response belongs to the request with the same key; other packets are no responses. The keys of
 * requests that were given up are remembered, so that a late response can be told from what nobody has asked for.
 */
import type { WaitOptions } from "../connection/connection.js";
import { answeredAtOnce } from "../connection/events/handlers.js";
import { beginWait, Waiter } from "../connection/waiting/waiter.js";
import { NetError } from "../errors.js";
import type { TimingWheel } from "../time/timing-wheel.js";

/** What the list needs to know of the settings. */
export interface RequestSettings {
  readonly requestTimeoutMs: number;
  readonly maxRequestsInFlight: number;
  readonly correlate: ((packet: Buffer) => unknown) | undefined;
}

/** Keys of requests that were given up, at most, for each connection: the oldest is forgotten first. */
export const MAX_LATE_KEYS = 1_024;

const GIVE_UP = {
  code: "REQUEST_TIMEOUT",
  call: "request",
  setting: "requestTimeoutMs",
  operation: "request",
} as const;

/** The requests of one connection. */
export class RequestList {
  private readonly wheel: TimingWheel;
  private readonly inOrder: Waiter<Buffer>[] = [];
  private readonly byKey: Map<unknown, Waiter<Buffer>> = new Map();
  /** Keys of requests that were given up, the oldest first. */
  private readonly lateKeys: Set<unknown> = new Set();

  constructor(wheel: TimingWheel) {
    this.wheel = wheel;
  }

  /** Requests that wait, those in order that were given up included. */
  get count(): number {
    return this.inOrder.length + this.byKey.size;
  }

  /** Whether a packet may belong to a request, one that was given up included. */
  get mayTake(): boolean {
    return this.count > 0 || this.lateKeys.size > 0;
  }

  /**
   * Puts in the request `data` and returns who waits for its response. Throws `ABORTED`,
   * `REQUEST_LIMIT`, `INVALID_ARGUMENT` (a key that is in use): then nothing was put in.
   */
  add(data: Buffer, options: WaitOptions, settings: RequestSettings): Waiter<Buffer> {
    beginWait(options, "request", "request");
    if (this.count >= settings.maxRequestsInFlight) {
      throw new NetError(
        "REQUEST_LIMIT",
        `${this.count} requests wait for a response, as many as maxRequestsInFlight (${settings.maxRequestsInFlight}) allows`,
        { operation: "request" },
      );
    }
    return settings.correlate === undefined
      ? this.addInOrder(options, settings)
      : this.addByKey(answeredAtOnce(settings.correlate(data), "correlate"), options, settings);
  }

  private addInOrder(options: WaitOptions, settings: RequestSettings): Waiter<Buffer> {
    const giveUp = { ...GIVE_UP, forget: () => {} };
    const waiter = new Waiter<Buffer>(this.wheel, options, giveUp, settings.requestTimeoutMs);
    this.inOrder.push(waiter);
    return waiter;
  }

  private addByKey(key: unknown, options: WaitOptions, settings: RequestSettings): Waiter<Buffer> {
    if (key === undefined || this.byKey.has(key)) {
      throw new NetError(
        "INVALID_ARGUMENT",
        key === undefined
          ? "correlate returned no key for this request"
          : `a request with the key ${String(key)} waits already`,
        { operation: "request" },
      );
    }
    const forget = (): void => {
      this.byKey.delete(key);
      this.rememberLate(key);
    };
    const giveUp = { ...GIVE_UP, forget };
    const waiter = new Waiter<Buffer>(this.wheel, options, giveUp, settings.requestTimeoutMs);
    this.byKey.set(key, waiter);
    this.lateKeys.delete(key);
    return waiter;
  }

  private rememberLate(key: unknown): void {
    this.lateKeys.add(key);
    if (this.lateKeys.size <= MAX_LATE_KEYS) return;
    for (const oldest of this.lateKeys) {
      this.lateKeys.delete(oldest);
      return;
    }
  }

  /** Takes out a request that could not be sent. */
  remove(waiter: Waiter<Buffer>): void {
    const index = this.inOrder.indexOf(waiter);
    if (index >= 0) this.inOrder.splice(index, 1);
    for (const [key, other] of this.byKey) if (other === waiter) this.byKey.delete(key);
  }

  /**
   * Whether `packet` is a response, which its request then has. `dropsLate`: whether one to a key that was given up counts as
   * taken. Throws what `correlate` throws.
   */
  take(packet: Buffer, correlate: RequestSettings["correlate"], dropsLate = false): boolean {
    if (correlate === undefined) {
      const waiter = this.inOrder.shift();
      waiter?.resolve(packet);
      return waiter !== undefined;
    }
    const key = answeredAtOnce(correlate(packet));
    const waiter = this.byKey.get(key);
    if (waiter === undefined) return this.lateKeys.delete(key) && dropsLate;
    this.byKey.delete(key);
    waiter.resolve(packet);
    return true;
  }

  /** The connection has ended. */
  fail(error: NetError): void {
    for (const waiter of this.inOrder) waiter.reject(error);
    for (const waiter of this.byKey.values()) waiter.reject(error);
    this.inOrder.length = 0;
    this.byKey.clear();
    this.lateKeys.clear();
  }
}
