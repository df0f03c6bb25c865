/** Calls handlers, and waits for each for at most `handlerTimeoutMs`. */
import { handlerError, isThenable } from "../connection/events/handlers.js";
import { NetError } from "../errors.js";
import type { Clock } from "../time/clock.js";

/** Calls handlers that are waited for. */
export class HandlerWaits {
  private readonly clock: Clock;
  private readonly timeoutMs: number;
  private readonly failed: (error: NetError) => void;

  /** `timeoutMs`: for each call; 0: any time. `failed`: is told of each that fails. */
  constructor(clock: Clock, timeoutMs: number, failed: (error: NetError) => void) {
    this.clock = clock;
    this.timeoutMs = timeoutMs;
    this.failed = failed;
  }

  /**
   * What the handler `name` returns or resolves with. Throws, or rejects with, `HANDLER_FAILED` where it fails or
   * takes too long, which is reported, and `CONNECTION_CLOSED` when `signal` is aborted, which is not.
   */
  call<Answer>(
    name: string,
    call: () => Answer | Promise<Answer>,
    signal?: AbortSignal,
  ): Answer | Promise<Answer> {
    try {
      const answer = call();
      return isThenable(answer) ? this.wait(name, Promise.resolve(answer), signal) : answer;
    } catch (cause) {
      throw this.fail(name, cause);
    }
  }

  private wait<Answer>(
    name: string,
    answer: Promise<Answer>,
    signal?: AbortSignal,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const timer =
        this.timeoutMs > 0 &&
        this.clock.setTimer(this.timeoutMs, () => {
          const text = `it had not answered within handlerTimeoutMs (${this.timeoutMs})`;
          over(() => reject(this.fail(name, new Error(text))));
        });
      const leave = (): void => over(() => reject(clientLeft()));
      let isOver = false;
      const over = (settle: () => void): void => {
        if (isOver) return;
        isOver = true;
        if (timer) timer.cancel();
        signal?.removeEventListener("abort", leave);
        settle();
      };
      answer.then(
        (value) => over(() => resolve(value)),
        (cause: unknown) => over(() => reject(this.fail(name, cause))),
      );
      if (signal?.aborted === true) leave();
      else signal?.addEventListener("abort", leave, { once: true });
    });
  }

  /** Tells that a handler has failed; returns `HANDLER_FAILED`. */
  fail(name: string, cause: unknown): NetError {
    const error = handlerError(name, "request", cause);
    this.failed(error);
    return error;
  }
}

function clientLeft(): NetError {
  return new NetError("CONNECTION_CLOSED", "the client has left", { operation: "receive" });
}
