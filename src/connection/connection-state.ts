/**
 * The life of a connection.
 *
 *     connecting ── opened ──► handshaking ── established ──► open ── closing ──► closing
 *         │                         │                          │                    │
 *         └──────── ended ──────────┴───────── ended ──────────┴────── ended ───────┤
 *                                                                                   ▼
 *                                                        ending ── released ──► closed
 *
 * connecting   an outgoing connection is being made
 * handshaking  there is a connection; `onAccept`/`onConnect` and `onHandshake` are being called
 * open         bytes are received and sent
 * closing      `close()` was called or the peer finished: what waits is sent, then FIN, then we
 *              wait for the peer's FIN; nothing more is delivered
 * ending       the reason is fixed and the socket is being released
 * closed       `onClose` was called
 *
 * Invariants: the reason is set on entering `closing` or `ending`, whichever comes first, and an
 * error may replace an orderly reason while `closing`; `onClose` is called on entering `closed` and
 * nowhere else.
 */
import { NetError } from "../errors.js";

/** States of a connection. */
export type ConnectionState =
  | "connecting"
  | "handshaking"
  | "open"
  | "closing"
  | "ending"
  | "closed";

/** What moves a connection from state to state. */
export type ConnectionEvent = "opened" | "established" | "closing" | "ended" | "released";

type Transitions = Readonly<
  Record<ConnectionState, Readonly<Partial<Record<ConnectionEvent, ConnectionState>>>>
>;

/** State → event → next state. A pair that is not here can't happen. */
export const CONNECTION_TRANSITIONS: Transitions = {
  connecting: { opened: "handshaking", ended: "ending" },
  handshaking: { established: "open", closing: "closing", ended: "ending" },
  open: { closing: "closing", ended: "ending" },
  closing: { ended: "ending" },
  ending: { released: "closed" },
  closed: {},
};

/** The state after `event`. Throws `INVALID_STATE` for a pair that the table does not have. */
export function nextConnectionState(
  state: ConnectionState,
  event: ConnectionEvent,
): ConnectionState {
  const next = CONNECTION_TRANSITIONS[state][event];
  if (next === undefined) {
    throw new NetError("INVALID_STATE", `a connection that is ${state} can't be ${event}`);
  }
  return next;
}
