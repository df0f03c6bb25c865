/** In which order destinations are tried. */
import type { PoolBalance } from "./pool-options.js";

/** A destination, as the balancer sees it. */
export interface Balanced {
  /** Connections and requests in use. */
  readonly useCount: number;
}

/** Orders destinations by one of the ways of {@link PoolBalance}. */
export class Balancer {
  private readonly balance: PoolBalance;
  private readonly random: () => number;
  private turn = 0;

  constructor(balance: PoolBalance, random: () => number = Math.random) {
    this.balance = balance;
    this.random = random;
  }

  /** All of them, the one to be tried first in front. */
  order<Destination extends Balanced>(destinations: readonly Destination[]): Destination[] {
    const { length } = destinations;
    if (length < 2) return [...destinations];
    const first = this.first(destinations);
    return [first, ...destinations.filter((one) => one !== first).sort(byUse)];
  }

  private first<Destination extends Balanced>(destinations: readonly Destination[]): Destination {
    const { length } = destinations;
    const at = (index: number): Destination => destinations[index % length] as Destination;
    if (this.balance === "roundRobin") return at(this.turn++);
    if (this.balance === "leastUsed") {
      // Among equals the first one changes.
      const start = this.turn++;
      let best = at(start);
      for (let index = 1; index < length; index++) {
        const other = at(start + index);
        if (other.useCount < best.useCount) best = other;
      }
      return best;
    }
    const one = Math.floor(this.random() * length);
    const other = at(one + 1 + Math.floor(this.random() * (length - 1)));
    return other.useCount < at(one).useCount ? other : at(one);
  }
}

function byUse(one: Balanced, other: Balanced): number {
  return one.useCount - other.useCount;
}
