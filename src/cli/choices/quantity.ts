/** Numbers as people read them. */

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;
const TIME_UNITS = ["ns", "µs", "ms", "s"] as const;

/** A count with its thousands marked: `12,345`. */
export function countText(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** `1 connection`, `12,345 connections`. */
export function connectionsText(count: number): string {
  return `${countText(count)} ${count === 1 ? "connection" : "connections"}`;
}

/** Bytes in powers of 1,000, three digits: `1.23 MB`. */
export function byteText(byteCount: number): string {
  return scaled(byteCount, BYTE_UNITS);
}

/** A time, three digits: `1.23 ms`. */
export function timeText(ms: number): string {
  return scaled(ms * 1e6, TIME_UNITS);
}

function scaled(value: number, units: readonly string[]): string {
  let index = 0;
  let rest = value;
  // 999.5 would be shown as 1000 of the smaller unit.
  while (rest >= 999.5 && index < units.length - 1) {
    rest /= 1_000;
    index += 1;
  }
  const decimals = index === 0 || rest >= 99.95 ? 0 : rest >= 9.995 ? 1 : 2;
  return `${rest.toFixed(decimals)} ${units[index]}`;
}
