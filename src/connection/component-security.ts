/** TLS of one component: its certificates and rules, and the handshakes under way. */
import type { Engine } from "../engine/engine.js";
import type { TlsClientOptions, TlsContext, TlsServerOptions } from "../engine/tls-options.js";
import { NetError } from "../errors.js";
import { assertTlsSettings, type TlsSettings } from "./tls-settings.js";
import type { SecurityOwner } from "./tls-upgrade.js";

/** See the head of the file. */
export class ComponentSecurity implements SecurityOwner {
  readonly context: TlsContext;
  readonly startsAtOnce: boolean;
  underWayCount = 0;

  /** Throws `INVALID_ARGUMENT` for options or certificates that can't be used. */
  constructor(role: "server" | "client", engine: Engine, settings: TlsSettings) {
    assertTlsSettings(role, settings);
    this.context =
      role === "server"
        ? engine.createTlsContext("server", settings as TlsServerOptions)
        : engine.createTlsContext("client", settings as TlsClientOptions);
    this.startsAtOnce = startsAtOnce(settings);
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
