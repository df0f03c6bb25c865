/** Events of browsers, as far as Node has none of them, and handlers as properties. */

/** What a {@link CloseEvent} tells, and what every event may have. */
export interface CloseEventInit {
  /** Whether both sides have sent Close frames. Default false. */
  readonly wasClean?: boolean;
  /** The peer's code. Default 0. */
  readonly code?: number;
  /** The peer's reason. Default "". */
  readonly reason?: string;
  /** As of every event. Default false. */
  readonly bubbles?: boolean;
  /** As of every event. Default false. */
  readonly cancelable?: boolean;
  /** As of every event. Default false. */
  readonly composed?: boolean;
}

/** Throws where `call`, which needs one argument, was given none (Web IDL). */
export function assertGiven(call: string, count: number): void {
  if (count === 0) throw new TypeError(`${call} needs an argument, and was given none`);
}

/** Told when the socket has ended. */
export class CloseEvent extends Event {
  /** Whether both sides have sent Close frames. */
  readonly wasClean: boolean;
  /** The peer's code; 1005 where it gave none, 1006 where no Close frame of it came. */
  readonly code: number;
  /** The peer's reason, or "". */
  readonly reason: string;

  constructor(type: string, init: CloseEventInit = {}) {
    super(type, init);
    // biome-ignore lint/complexity/noArguments: undefined is an argument, too
    assertGiven("CloseEvent", arguments.length);
    const { wasClean = false, code = 0, reason = "" } = init;
    this.wasClean = Boolean(wasClean);
    this.code = Number(code) & 0xffff;
    this.reason = `${reason}`;
  }
}

/** What was set as a handler, and the listener that calls it. */
interface SetHandler {
  handler: object;
  readonly listener: (event: Event) => void;
}

/**
 * Handlers of a target as properties, after HTML: one for each type, called in the place of the one that was set first,
 * and `null` for what is neither a function nor an object.
 */
export class EventHandlers {
  private readonly target: EventTarget;
  private readonly handlers: Map<string, SetHandler> = new Map();

  constructor(target: EventTarget) {
    this.target = target;
  }

  get(type: string): object | null {
    return this.handlers.get(type)?.handler ?? null;
  }

  set(type: string, given: unknown): void {
    const isObject = typeof given === "function" || (typeof given === "object" && given !== null);
    const handler = isObject ? (given as object) : undefined;
    const present = this.handlers.get(type);
    if (present !== undefined && handler !== undefined) present.handler = handler;
    else if (present !== undefined) this.remove(type, present);
    else if (handler !== undefined) this.add(type, handler);
  }

  private add(type: string, handler: object): void {
    const target = this.target;
    const added: SetHandler = {
      handler,
      listener(event) {
        if (typeof added.handler === "function") added.handler.call(target, event);
      },
    };
    this.handlers.set(type, added);
    target.addEventListener(type, added.listener);
  }

  private remove(type: string, { listener }: SetHandler): void {
    this.handlers.delete(type);
    this.target.removeEventListener(type, listener);
  }
}
