/**
 * Which entry of a table is for a server name (RFC 6125 §6.4): the exact name first, then the
 * wildcard for its first label. `*.example.com` is for `www.example.com`, not for `example.com` nor
 * for `a.b.example.com`. Names are compared without case and without a final dot.
 */

/** The name as it is compared. */
export function plainServerName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith(".") ? lower.slice(0, -1) : lower;
}

/** Finds values by server name. */
export class ServerNameTable<Value> {
  readonly #entries: ReadonlyMap<string, Value>;

  constructor(entries: Iterable<readonly [string, Value]>) {
    const plain = [...entries].map(([name, value]) => [plainServerName(name), value] as const);
    this.#entries = new Map(plain);
  }

  /** The value for `name`, or undefined. */
  find(name: string): Value | undefined {
    const plain = plainServerName(name);
    const exact = this.#entries.get(plain);
    if (exact !== undefined) return exact;
    const dot = plain.indexOf(".");
    return dot <= 0 ? undefined : this.#entries.get(`*${plain.slice(dot)}`);
  }
}
