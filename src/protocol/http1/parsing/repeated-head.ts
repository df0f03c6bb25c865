/**
 * Remembers the bytes of the head that a parser has read last. Most clients send the same head again and
 * again, to the byte; one that comes again needs no scan and no rules, as the places and the outcome of the
 * last one hold for it. Hot. `bench/questions/http.mjs` pays for it: 16 pipelined requests, a fifth less
 * processor time. What a head that differs costs more is the comparison up to the first other byte, and a
 * copy that is made the more seldom, the less it is of use.
 */

/** Longer heads are not remembered. */
const MAX_BYTES = 2_048;
const MAX_SKIP_COUNT = 63;
const NOTHING = new Uint8Array(0);

/** The bytes of the head that was read last. */
export class RepeatedHead {
  /** How long the head is; 0: none is remembered. */
  byteCount = 0;
  private octets: Uint8Array = NOTHING;
  /** It has credentials in it, which are not remembered beyond their connection. */
  private isSecret = false;
  /** Heads that are not remembered: the more, the longer those that were did not come again. */
  private skipCount = 0;
  private skipLeft = 0;

  /** Whether the head comes again at `position`, whole. */
  matches(bytes: Uint8Array, position: number): boolean {
    const { octets, byteCount } = this;
    if (byteCount === 0 || bytes.length - position < byteCount) return false;
    for (let at = 0; at < byteCount; at++) {
      if (octets[at] !== bytes[position + at]) return false;
    }
    this.skipCount = 0;
    this.skipLeft = 0;
    return true;
  }

  /** Another head begins. */
  lose(): void {
    this.byteCount = 0;
  }

  /** Whether to remember the head that was read. */
  wantsNext(): boolean {
    if (this.skipLeft === 0) return true;
    this.skipLeft--;
    return false;
  }

  /** Remembers a head; `isSecret`: it has credentials in it. */
  note(head: Uint8Array, isSecret: boolean): void {
    this.skipCount = Math.min(2 * this.skipCount + 1, MAX_SKIP_COUNT);
    this.skipLeft = this.skipCount;
    if (head.length > MAX_BYTES) return;
    if (this.octets.length < head.length) this.octets = new Uint8Array(2 * head.length);
    this.octets.set(head);
    this.byteCount = head.length;
    this.isSecret = isSecret;
  }

  /** The parser reads for another connection from now on. */
  leave(): void {
    if (!this.isSecret) return;
    this.byteCount = 0;
    this.octets = NOTHING;
    this.isSecret = false;
  }
}
