/** A part of something that has `start` ≤ position < `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const RANGES = /^bytes[ \t]*=(.*)$/i;
const RANGE = /^(?:(\d+)-(\d*)|-(\d+))$/;
const BLANKS = " \t";

/**
 * What a Range field asks for (RFC 9110 §14.2) of something of `size` bytes. `whole`: a Range that a server may
 * ignore: other units, several ranges, what is malformed.
 */
export function rangeOf(value: string | undefined, size: number): ByteRange | "whole" | "none" {
  const match = RANGE.exec(onlyRange(value ?? "") ?? "");
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

/** The one element of the list; undefined where there are several. Empty ones don't count (§5.6.1.2). */
function onlyRange(value: string): string | undefined {
  const list = RANGES.exec(value)?.[1];
  const elements = list
    ?.split(",")
    .map(withoutBlanks)
    .filter((element) => element !== "");
  return elements?.length === 1 ? elements[0] : undefined;
}

function withoutBlanks(element: string): string {
  let start = 0;
  let end = element.length;
  while (start < end && BLANKS.includes(element.charAt(start))) start++;
  while (end > start && BLANKS.includes(element.charAt(end - 1))) end--;
  return element.slice(start, end);
}
