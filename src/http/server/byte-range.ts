/** A part of something that has `start` ≤ position < `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const RANGE = /^bytes[ \t]*=[ \t]*(?:(\d+)-(\d*)|-(\d+))[ \t]*$/i;

/**
 * What a Range field asks for (RFC 9110 §14.2) of something of `size` bytes. `whole`: nothing that is
 * understood, as a server may take it: other units, several ranges, what is malformed.
 */
export function rangeOf(value: string | undefined, size: number): ByteRange | "whole" | "none" {
  const match = value === undefined ? null : RANGE.exec(value);
  if (match === null) return "whole";
  const [, first, last, suffix] = match;
  if (suffix !== undefined) {
    const byteCount = Number(suffix);
    if (byteCount === 0 || size === 0) return "none";
    return { start: Math.max(0, size - byteCount), end: size };
  }
  const start = Number(first);
  const end = last === "" ? size : Number(last) + 1;
  if (end <= start && last !== "") return "whole";
  return start >= size ? "none" : { start, end: Math.min(end, size) };
}
