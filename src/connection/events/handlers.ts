/**
 * What an application implements. All handlers are optional. Without `onReceive` the application reads by
 * itself, with `connection.read`, `readUntil` or `for await`.
 *
 * The events of one connection never overlap: a handler `onReceive` that returns a promise gets the
 * next data when the promise is settled, and meanwhile the peer is held back. What the handler awaits from
 * its own connection (a read, the response to a request, the end) still gets through. A handler that throws
 * or rejects ends its own connection with `HANDLER_FAILED`, and nothing else.
 */
import process from "node:process";
import type { Address, ListenPlace } from "../../engine/engine.js";
import { invalidArgument, NetError, type Operation, textOf } from "../../errors.js";
import type { CloseReason } from "../close-reason.js";

/** `false` refuses. Everything else does not, so that a handler may return what `send` returned. */
export type Verdict = boolean | "slow" | undefined | void;

/**
 * A handler that may refuse, at once or by its promise. The connection goes on meanwhile: one that is
 * refused later is closed then.
 */
export type MayRefuse = Verdict | Promise<Verdict>;

/** Of a handler that is told of something: a promise may reject, what else it returns does not matter. */
export type MayWait = unknown;

/**
 * The handlers of a component. `Handle` is what they are given: the connection, or the client.
 * `Received` is the second argument of `onReceive`: bytes, a packet, or the number of unread bytes.
 *
 * Order for each connection: `onAccept` or (`onPrepareConnect`, `onConnect`) → `onHandshake` →
 * any number of `onReceive`, `onSend`, `onDrain`, `onEnd` → `onClose`, once and last (HP §2.1).
 */
export interface Handlers<Handle, Received> {
  /** The listener is about to be made. `false` cancels: `listen` rejects with `REFUSED`. */
  onPrepareListen?(target: ListenPlace): Verdict;
  /** The connection is about to be made. `false` cancels: `connect` rejects with `REFUSED`. */
  onPrepareConnect?(handle: Handle): Verdict;
  /** A server's connection came. `false` refuses it. */
  onAccept?(handle: Handle): MayRefuse;
  /** An outgoing connection was made. `false` refuses it. */
  onConnect?(handle: Handle): MayRefuse;
  /** The connection is ready for data. `false` refuses it. */
  onHandshake?(handle: Handle): MayRefuse;
  /** Data came. */
  onReceive?(handle: Handle, received: Received): MayWait;
  /** The kernel has taken `byteCount` bytes, heads of packets included. */
  onSend?(handle: Handle, byteCount: number): MayWait;
  /** So much was sent that `pendingBytes` is at `lowWaterMarkBytes` or below again. */
  onDrain?(handle: Handle): MayWait;
  /** The peer has finished sending, and all it sent was delivered. Sending still works. */
  onEnd?(handle: Handle): MayWait;
  /** The connection has ended. Exactly once for each connection that has an id, and last. */
  onClose?(handle: Handle, reason: CloseReason): MayWait;
  /**
   * A peer was not let in, or accepting failed: `CONNECTION_LIMIT`, `DESCRIPTORS_EXHAUSTED`, …
   * The server goes on.
   */
  onRefuse?(error: NetError, remoteAddress: Address | undefined): void;
  /** The component has stopped and all its connections have ended. */
  onShutdown?(): void;
}

/** Names of the handlers, for checking options. */
export const HANDLER_NAMES: readonly (keyof Handlers<unknown, unknown>)[] = [
  "onPrepareListen",
  "onPrepareConnect",
  "onAccept",
  "onConnect",
  "onHandshake",
  "onReceive",
  "onSend",
  "onDrain",
  "onEnd",
  "onClose",
  "onRefuse",
  "onShutdown",
];

/** `HANDLER_FAILED` for what a handler threw. */
export function handlerError(
  name: string,
  operation: Operation,
  cause: unknown,
  connectionId?: number,
): NetError {
  return new NetError("HANDLER_FAILED", `${name} failed: ${textOf(cause)}`, {
    operation,
    cause,
    ...(connectionId !== undefined && { connectionId }),
  });
}

/** Asks `onPrepareListen`, by `ask`, whether to listen. Throws `REFUSED`, `HANDLER_FAILED`. */
export function assertMayListen(ask: () => unknown): void {
  let verdict: unknown;
  try {
    verdict = answeredAtOnce(ask());
  } catch (error) {
    throw handlerError("onPrepareListen", "listen", error);
  }
  if (verdict !== false) return;
  throw new NetError("REFUSED", "onPrepareListen refused to listen", { operation: "listen" });
}

interface Thenable {
  then(resolved: ((value: unknown) => void) | undefined, rejected: (error: unknown) => void): void;
}

/** Whether a handler has returned a promise. */
export function isThenable(value: unknown): value is Thenable {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}

/** Calls back once when the thenable of a handler settles, even where a foreign thenable calls back twice or throws. */
export function whenSettled(
  returned: Thenable,
  resolved: ((value: unknown) => void) | undefined,
  rejected: (cause: unknown) => void,
): void {
  Promise.resolve(returned).then(resolved, rejected);
}

/**
 * Returns `answer`, which may not be a promise: it would count as true before it settles. Throws `INVALID_ARGUMENT`
 * for a promise, and ignores what that rejects with.
 */
export function answeredAtOnce<Answer>(answer: Answer, name = "it"): Answer {
  if (!isThenable(answer)) return answer;
  whenSettled(answer, undefined, () => {});
  throw invalidArgument(`${name} returned a promise, and has to answer at once`);
}

/** Calls a handler; `failed` gets what it throws, or what its promise rejects with. */
export function callHandler(call: () => unknown, failed: (cause: unknown) => void): void {
  try {
    const result = call();
    if (isThenable(result)) whenSettled(result, undefined, failed);
  } catch (cause) {
    failed(cause);
  }
}

/** The handler for failures of other handlers that belong to no connection. */
export interface FailureHandler {
  /** A handler threw or rejected. Without this one a process warning tells of it. */
  onHandlerError?: ((error: NetError) => void) | undefined;
}

/** Tells of a handler that failed: `onHandlerError`, or a process warning. */
export function tellHandlerError(handlers: FailureHandler, error: NetError): void {
  const { onHandlerError } = handlers;
  if (onHandlerError === undefined) {
    process.emitWarning(error);
    return;
  }
  callHandler(
    () => onHandlerError.call(handlers, error),
    (cause) =>
      process.emitWarning(handlerError("onHandlerError", error.operation ?? "close", cause)),
  );
}
