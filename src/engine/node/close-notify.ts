/**
 * Whether the peer said that it has finished (close_notify), or the stream just broke off. Node tells
 * both as the same `end`, so it is read from the cipher text: an end is orderly when bytes came
 * behind the last data, as many as an alert has, or in the same turn of the loop as the data (then
 * the alert was in the same segment: a bare FIN is read in a turn of its own).
 *
 * This finds streams that break off, by a crash or a middlebox. An attacker who cuts a stream right
 * behind the first bytes of a record can pass for orderly; a protocol that must exclude this tells
 * its lengths itself.
 */
import type { Socket } from "node:net";

/** Longest close_notify record of the ciphers in use, with room for padding. */
const MAX_ALERT_BYTES = 64;

let turn = 0;
let isArmed = false;

/** Number of the present turn of the loop, counted while somebody asks. */
function presentTurn(): number {
  if (!isArmed) {
    isArmed = true;
    setImmediate(() => {
      turn++;
      isArmed = false;
    });
  }
  return turn;
}

/** Watches one secured socket. */
export class CloseNotifyWatch {
  readonly #raw: Socket;
  #seenBytes = 0;
  #seenTurn = -1;

  /** `raw` is the socket under TLS: it counts the cipher text. */
  constructor(raw: Socket) {
    this.#raw = raw;
  }

  /** Something was deciphered: data, a session, the end of the handshake. */
  note(): void {
    this.#seenBytes = this.#raw.bytesRead;
    this.#seenTurn = presentTurn();
  }

  /** At the end of the stream: whether it was an orderly one. */
  isOrderly(): boolean {
    if (this.#seenTurn === presentTurn()) return true;
    const extraBytes = this.#raw.bytesRead - this.#seenBytes;
    return extraBytes > 0 && extraBytes <= MAX_ALERT_BYTES;
  }
}
