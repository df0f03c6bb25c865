/** Bytes that tell their place in a stream, so that a loss, a doubling or a swap shows. */

const PERIOD_BYTES = 65_521;

const period: Buffer = Buffer.alloc(PERIOD_BYTES);
for (let index = 0; index < PERIOD_BYTES; index++) {
  period[index] = (Math.imul(index, 2_654_435_761) >>> 24) ^ (index & 0xff);
}

/** The bytes of the pattern from `offset` on. */
export function patternBytes(offset: number, byteCount: number): Buffer {
  const bytes = Buffer.alloc(byteCount);
  for (let filledBytes = 0; filledBytes < byteCount; ) {
    const from = (offset + filledBytes) % PERIOD_BYTES;
    filledBytes += period.copy(bytes, filledBytes, from);
  }
  return bytes;
}

/** Whether `bytes` are those of the pattern from `offset` on. */
export function isPattern(bytes: Buffer, offset: number): boolean {
  return bytes.equals(patternBytes(offset, bytes.length));
}
