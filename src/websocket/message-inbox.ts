import type { WaitOptions } from "../connection/connection.js";
import { beginWait, Waiter } from "../connection/waiting/waiter.js";
import type { NetError } from "../errors.js";
import type { TimingWheel } from "../time/timing-wheel.js";
import type { Message } from "./websocket-handlers.js";

/** What a message counts for besides its bytes: it takes memory however short it is. */
const MESSAGE_COST_BYTES = 128;

/** Messages that came and wait to be read, and those who wait for them. */
export class MessageInbox {
  private readonly wheel: TimingWheel;
  private messages: Message[] = [];
  /** Messages in front that were taken. */
  private taken = 0;
  private waiters: Waiter<Message>[] = [];
  private heldCost = 0;
  private error: NetError | undefined;

  constructor(wheel: TimingWheel) {
    this.wheel = wheel;
  }

  /** What the messages count for. */
  get cost(): number {
    return this.heldCost;
  }

  /** Whether a caller waits for a message. */
  get isAwaited(): boolean {
    return this.waiters.length > 0;
  }

  append(message: Message): void {
    const waiter = this.waiters.shift();
    if (waiter !== undefined) waiter.resolve(message);
    else {
      this.messages.push(message);
      this.heldCost += message.length + MESSAGE_COST_BYTES;
    }
  }

  /** The oldest message, if there is one. */
  take(): Message | undefined {
    const message = this.messages[this.taken];
    if (message === undefined) return undefined;
    this.taken++;
    this.heldCost -= message.length + MESSAGE_COST_BYTES;
    if (this.taken * 2 >= this.messages.length) {
      this.messages = this.messages.slice(this.taken);
      this.taken = 0;
    }
    return message;
  }

  read(options: WaitOptions): Promise<Message> {
    beginWait(options, "read", "receive");
    const message = this.take();
    if (message !== undefined) return Promise.resolve(message);
    if (this.error !== undefined) return Promise.reject(this.error);
    const waiter: Waiter<Message> = new Waiter<Message>(this.wheel, options, {
      code: "READ_TIMEOUT",
      call: "read",
      operation: "receive",
      forget: () => {
        this.waiters = this.waiters.filter((other) => other !== waiter);
      },
    });
    this.waiters.push(waiter);
    return waiter.promise;
  }

  /** No more will come. */
  end(error: NetError): void {
    this.error ??= error;
    const waiters = this.waiters;
    this.waiters = [];
    for (const waiter of waiters) waiter.reject(error);
  }
}
