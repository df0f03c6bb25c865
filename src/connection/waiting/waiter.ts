/**
 * One promise that a caller awaits, with its time-out and its abort signal. Settles once; its
 * deadline and its listener are gone by then.
 */
import {
  assertInteger,
  assertKnownKeys,
  assertObject,
  describe,
  invalidArgument,
  NetError,
  type NetErrorCode,
  type Operation,
} from "../../errors.js";
import { MAX_MS } from "../../options.js";
import { Deadline, type DeadlineOwner, type TimingWheel } from "../../time/timing-wheel.js";
import type { WaitOptions } from "../connection.js";
import { type AbortListener, offAbort, onAbort } from "./abort-listeners.js";

/** What a waiter says when it gives up, and whom it tells. */
export interface GiveUp {
  /** Code of the time-out. */
  readonly code: NetErrorCode;
  /** What the application has called: `read`. The error names it. */
  readonly call: string;
  /** Name of the setting that bounds the wait where the call has no time-out of its own. */
  readonly setting?: string | undefined;
  readonly operation: Operation;
  /** What has not happened, for a message like "no frame came within timeoutMs (50)"; undefined: the call. */
  readonly missing?: (() => string | undefined) | undefined;
  /** Name of the option that was given as `timeoutMs`. Default: that. */
  readonly limit?: string | undefined;
  /** What the time-out comes from, where that is known. */
  readonly cause?: (() => unknown) | undefined;
  /** Called with the error before the promise is rejected by time-out or abort. */
  readonly forget: (error: NetError) => void;
}

/** A promise with a time-out and an abort signal. */
export class Waiter<Value> implements DeadlineOwner, AbortListener {
  readonly promise: Promise<Value>;
  private readonly wheel: TimingWheel;
  private readonly giveUp: GiveUp;
  private readonly timeoutMs: number;
  /** Name of what bounds the wait. */
  private readonly limit: string;
  private signal: AbortSignal | undefined;
  private deadline: Deadline | undefined;
  private onResolve: ((value: Value) => void) | undefined;
  private onReject: ((error: NetError) => void) | undefined;

  /** `defaultTimeoutMs` holds where `options` has none. Throws `INVALID_ARGUMENT` for a bad time-out. */
  constructor(wheel: TimingWheel, options: WaitOptions, giveUp: GiveUp, defaultTimeoutMs = 0) {
    assertWaitOptions(options);
    this.timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    const { limit = "timeoutMs", setting = limit } = giveUp;
    this.limit = options.timeoutMs === undefined ? setting : limit;
    this.wheel = wheel;
    this.giveUp = giveUp;
    this.promise = new Promise((resolve, reject) => {
      this.onResolve = resolve;
      this.onReject = reject;
    });
    if (this.timeoutMs > 0) {
      this.deadline = new Deadline(this);
      wheel.set(this.deadline, this.timeoutMs);
    }
    this.signal = options.signal;
    if (this.signal !== undefined) onAbort(this.signal, this);
  }

  /** Whether it is still waited for. */
  get isPending(): boolean {
    return this.onResolve !== undefined;
  }

  resolve(value: Value): void {
    const resolve = this.onResolve;
    this.settle();
    resolve?.(value);
  }

  reject(error: NetError): void {
    const reject = this.onReject;
    this.settle();
    reject?.(error);
  }

  /** The waiter is given up: the promise never settles. */
  cancel(): void {
    this.settle();
  }

  deadlineReached(): void {
    const { code, call, operation, missing, cause } = this.giveUp;
    const bound = `${this.limit} (${this.timeoutMs})`;
    const text = missing?.();
    const message =
      text === undefined ? `${call} took longer than ${bound}` : `${text} within ${bound}`;
    this.fail(new NetError(code, message, { operation, cause: cause?.() }));
  }

  signalAborted(signal: AbortSignal): void {
    const { call, operation } = this.giveUp;
    this.fail(abortError(operation, signal.reason, call));
  }

  private fail(error: NetError): void {
    // Whoever was told first of the same signal may have ended this one.
    if (!this.isPending) return;
    this.giveUp.forget(error);
    this.reject(error);
  }

  private settle(): void {
    this.onResolve = undefined;
    this.onReject = undefined;
    if (this.deadline !== undefined) this.wheel.clear(this.deadline);
    if (this.signal !== undefined) offAbort(this.signal, this);
    this.signal = undefined;
  }
}

const WAIT_OPTION_NAMES: readonly (keyof WaitOptions)[] = ["timeoutMs", "signal"];

/** Throws `INVALID_ARGUMENT` for invalid bounds: then nothing is begun. */
export function assertWaitOptions({ timeoutMs, signal }: WaitOptions): void {
  if (timeoutMs !== undefined) assertInteger("timeoutMs", timeoutMs, 0, MAX_MS);
  if (signal !== undefined) assertSignal(signal);
}

function assertSignal(signal: unknown): void {
  // Also one of another realm, or of a library: it need not be an instance of ours.
  if (typeof signal === "object" && signal !== null && "aborted" in signal) {
    if ("addEventListener" in signal && typeof signal.addEventListener === "function") return;
  }
  throw invalidArgument(`signal must be an AbortSignal, not ${describe(signal)}`);
}

/**
 * Before anything is begun: throws `INVALID_ARGUMENT` for options of `call` that can't be, `ABORTED` when the
 * signal was aborted already.
 */
export function beginWait(options: WaitOptions, call: string, operation: Operation): void {
  assertObject(`the options of ${call}`, options);
  assertKnownKeys(call, options, WAIT_OPTION_NAMES);
  assertWaitOptions(options);
  throwIfAborted(options, operation, call);
}

/** Throws `ABORTED` when the signal was aborted already: then nothing is begun. */
export function throwIfAborted(
  options: WaitOptions,
  operation: Operation,
  call: string = operation,
): void {
  const signal = options.signal;
  if (signal !== undefined) assertSignal(signal);
  if (signal?.aborted === true) throw abortError(operation, signal.reason, call);
}

/** `ABORTED` with the reason of the signal as its cause. */
export function abortError(
  operation: Operation,
  cause: unknown,
  call: string = operation,
): NetError {
  return new NetError("ABORTED", `${call} was aborted`, { operation, cause });
}
