import type { Buffer } from "node:buffer";

const NAMES = ["price", "order", "trade", "quote", "depth", "index", "cancel", "heartbeat"];

/** Fills bytes with records of JSON, one behind the other, as programs send them: they compress well. ASCII. */
export function recordText(bytes: Buffer): void {
  let seed = 1;
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed % below;
  };
  for (let at = 0; at < bytes.length; ) {
    const record = {
      id: next(1_000_000),
      type: NAMES[next(NAMES.length)],
      symbol: `SYM${next(100)}`,
      price: next(100_000) / 100,
      tags: ["fast", "open", `group-${next(20)}`],
    };
    at += bytes.write(`${JSON.stringify(record)},`, at, "latin1");
  }
}
