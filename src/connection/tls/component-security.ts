import type { Engine } from "../../engine/engine.js";
import type { TlsClientOptions, TlsContext, TlsServerOptions } from "../../engine/tls-options.js";
import { NetError } from "../../errors.js";
import { assertTlsSettings, type TlsSettings } from "./tls-settings.js";
import type { Handshake, SecurityOwner } from "./tls-upgrade.js";

/** TLS of one component: its certificates and rules, and the handshakes under way. */
export class ComponentSecurity implements SecurityOwner {
  readonly context: TlsContext;
  readonly startsAtOnce: boolean;
  /** The oldest first. */
  private readonly underWay: Set<Handshake> = new Set();

  /** Throws `INVALID_ARGUMENT` for options or certificates that can't be used. */
  constructor(role: "server" | "client", engine: Engine, settings: TlsSettings) {
    assertTlsSettings(role, settings);
    this.context =
      role === "server"
        ? engine.createTlsContext("server", settings as TlsServerOptions)
        : engine.createTlsContext("client", settings as TlsClientOptions);
    this.startsAtOnce = startsAtOnce(settings);
  }

  get underWayCount(): number {
    return this.underWay.size;
  }

  begun(handshake: Handshake): void {
    this.underWay.add(handshake);
  }

  over(handshake: Handshake): void {
    this.underWay.delete(handshake);
  }

  /**
   * A peer that connects and says nothing must not keep others out: the oldest that has not sent a byte
   * gives way first, and then the oldest of the address that has more of them under way than the
   * newcomer's would have.
   */
  makeRoom(peer: string | undefined, maxHandshakes: number): boolean {
    if (this.underWay.size < maxHandshakes) return true;
    const oldest = this.oldestSilent() ?? this.oldestOfMost(peer);
    oldest?.giveWay();
    return oldest !== undefined;
  }

  private oldestSilent(): Handshake | undefined {
    for (const handshake of this.underWay) if (!handshake.isHeard) return handshake;
    return undefined;
  }

  private oldestOfMost(newcomer: string | undefined): Handshake | undefined {
    const firsts = new Map<string | undefined, Handshake>();
    const counts = new Map<string | undefined, number>();
    for (const handshake of this.underWay) {
      const { peer } = handshake;
      counts.set(peer, (counts.get(peer) ?? 0) + 1);
      if (!firsts.has(peer)) firsts.set(peer, handshake);
    }
    let most = newcomer;
    for (const [peer, count] of counts) if (count > (counts.get(most) ?? 0)) most = peer;
    const isFairer = (counts.get(most) ?? 0) > (counts.get(newcomer) ?? 0) + 1;
    return isFairer ? firsts.get(most) : undefined;
  }

  /** Takes other certificates and rules. Throws `SETTING_FIXED` for another `start`. */
  update(settings: TlsSettings): void {
    assertTlsSettings(this.context.role, settings);
    if (startsAtOnce(settings) !== this.startsAtOnce) {
      throw new NetError("SETTING_FIXED", "tls.start can't be changed once the component is made", {
        operation: "configure",
      });
    }
    this.context.update(settings);
  }
}

function startsAtOnce({ start = "immediate" }: TlsSettings): boolean {
  return start === "immediate";
}
