/** Bytes that tell their place in a stream, so that a loss, a doubling or a swap shows. */

const PERIOD_BYTES = 65_521;

const period: Buffer = Buffer.alloc(PERIOD_BYTES);
for (let index = 0; index < PERIOD_BYTES; index++) {
  period[index] = (Math.imul(index, 2_654_435_761) >>> 24) ^ (index & 0xff);
}

/** Periods in a row, as many as were asked for at once so far. */
let row: Buffer = period;

/** The bytes of the pattern from `offset` on, in memory that all share: not to be changed. */
export function patternView(offset: number, byteCount: number): Buffer {
  const from = offset % PERIOD_BYTES;
  const end = from + byteCount;
  if (end > row.length) {
    row = Buffer.alloc(
      Math.ceil(Math.max(end, 2 * row.length) / PERIOD_BYTES) * PERIOD_BYTES,
      period,
    );
  }
  return row.subarray(from, end);
}

/** The same in memory of its own. */
export function patternBytes(offset: number, byteCount: number): Buffer {
  return Buffer.from(patternView(offset, byteCount));
}

/** Whether `bytes` are those of the pattern from `offset` on. */
export function isPattern(bytes: Buffer, offset: number): boolean {
  return bytes.equals(patternView(offset, bytes.length));
}
