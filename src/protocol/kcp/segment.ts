/**
 * A segment of KCP on the wire (HP §3.4, as of KCP 1.7 and 2.1). All numbers are little-endian.
 *
 *     0        4    5    6      8      12     16     20     24
 *     | conv   | cmd| frg| wnd  | ts   | sn   | una  | len  | data …
 *
 * Several segments share a datagram. `sn`, `una` and `ts` wrap at 2^32: they are kept as signed 32-bit
 * integers and compared by the sign of `(a - b) | 0`.
 */

/** Bytes of a segment's head. */
export const HEAD_BYTES = 24;

/** Commands. */
export const PUSH = 81;
export const ACKNOWLEDGE = 82;
export const ASK_WINDOW = 83;
export const TELL_WINDOW = 84;

/** Greatest window that the field `wnd` can tell. */
export const MAX_WINDOW = 65_535;

/** Fragments of one message, which every KCP can put together: the field counts down from 126. */
export const MAX_FRAGMENTS = 127;

/**
 * Whether a datagram of `end` bytes consists of whole segments with known commands, all of one conversation, which
 * acknowledge nothing from the number `next` on. Less than a head behind the last is passed over, as KCP does.
 */
export function isWellFormed(
  view: DataView,
  end: number,
  conversation: number,
  next: number,
): boolean {
  let offset = 0;
  if (end < HEAD_BYTES) return false;
  while (end - offset >= HEAD_BYTES) {
    const command = view.getUint8(offset + 4);
    const length = view.getInt32(offset + 20, true);
    if (command < PUSH || command > TELL_WINDOW) return false;
    if (view.getInt32(offset, true) !== conversation) return false;
    if (((view.getInt32(offset + 16, true) - next) | 0) > 0) return false;
    offset += HEAD_BYTES;
    if (length < 0 || length > end - offset) return false;
    offset += length;
  }
  return true;
}
