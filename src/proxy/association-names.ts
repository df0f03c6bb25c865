/** Names that one client's datagrams go to: looked up once, and kept for a while. */
import { parseIp } from "../bytes/ip-bytes.js";
import type { Engine, ResolvedHost } from "../engine/engine.js";

/** How long an answer is kept. */
const KEEP_MS = 30_000;
/** Bytes of datagrams that wait for look-ups of one client. */
const MAX_WAITING_BYTES = 65_536;

/** What is kept for each datagram that waits, besides its bytes. */
const WAITING_COST = 128;

class Name {
  hosts: readonly ResolvedHost[] | undefined = undefined;
  untilMs = 0;
  waiting: ((hosts: readonly ResolvedHost[]) => void)[] = [];
}

/** Looks names up for one client. */
export class AssociationNames {
  private readonly engine: Engine;
  private readonly maxNames: number;
  private readonly names: Map<string, Name> = new Map();
  private readonly closing: AbortController = new AbortController();
  private waitingBytes = 0;

  /** `maxNames`: kept at a time, at most. */
  constructor(engine: Engine, maxNames: number) {
    this.engine = engine;
    this.maxNames = maxNames;
  }

  /**
   * Calls `found` with the addresses of a host, at once where they are known; with none where there are none. Answers
   * false, and calls nothing, where too much waits; `byteCount`: what waits with it.
   */
  lookUp(
    host: string,
    byteCount: number,
    found: (hosts: readonly ResolvedHost[]) => void,
  ): boolean {
    const ip = parseIp(host);
    if (ip !== undefined) {
      found([{ host, family: ip.length === 4 ? "IPv4" : "IPv6" }]);
      return true;
    }
    const name = this.nameOf(host.toLowerCase());
    if (name?.hosts !== undefined) {
      found(name.hosts);
      return true;
    }
    const cost = byteCount + WAITING_COST;
    if (name === undefined || this.waitingBytes + cost > MAX_WAITING_BYTES) return false;
    this.waitingBytes += cost;
    name.waiting.push((hosts) => {
      this.waitingBytes -= cost;
      found(hosts);
    });
    return true;
  }

  /** The client has left: drops what waits. */
  close(): void {
    this.names.clear();
    this.closing.abort();
  }

  /** Undefined where there are too many names that are being looked up. */
  private nameOf(host: string): Name | undefined {
    const known = this.names.get(host);
    const now = this.engine.clock.now();
    if (known !== undefined && (known.hosts === undefined || now < known.untilMs)) return known;
    this.names.delete(host);
    if (this.names.size >= this.maxNames && !this.forgetOne()) return undefined;
    const name = new Name();
    this.names.set(host, name);
    this.engine.resolve(host, this.closing.signal).then(
      (hosts) => this.found(name, hosts),
      () => this.found(name, []),
    );
    return name;
  }

  private forgetOne(): boolean {
    for (const [host, { hosts }] of this.names) {
      if (hosts === undefined) continue;
      this.names.delete(host);
      return true;
    }
    return false;
  }

  private found(name: Name, hosts: readonly ResolvedHost[]): void {
    if (this.closing.signal.aborted) return;
    name.hosts = hosts;
    name.untilMs = this.engine.clock.now() + KEEP_MS;
    for (const found of name.waiting.splice(0)) found(hosts);
  }
}
