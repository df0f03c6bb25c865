/** TLS of one component: its certificates and rules, and the handshakes under way. */
import type { Engine } from "../engine/engine.js";
import type { TlsClientOptions, TlsContext, TlsServerOptions } from "../engine/tls-options.js";
import { assertKnownKeys, assertOneOf, describe, NetError } from "../errors.js";
import type { SecurityOwner } from "./tls-upgrade.js";

/** When the handshake begins. */
export interface TlsStart {
  /** `immediate` (default): with the connection. `manual`: when `connection.startTls()` is called. */
  readonly start?: "immediate" | "manual";
}

/** The option `tls` of a server. */
export type ServerTls = TlsServerOptions & TlsStart;

/** The option `tls` of a client or an agent. */
export type ClientTls = TlsClientOptions & TlsStart;

/** The option `tls` of a component. */
export type TlsSettings = ServerTls | ClientTls;

const SHARED_NAMES = [
  "cert",
  "certFile",
  "key",
  "keyFile",
  "pfx",
  "pfxFile",
  "passphrase",
  "ca",
  "caFile",
  "crl",
  "crlFile",
  "minVersion",
  "maxVersion",
  "ciphers",
  "alpnProtocols",
  "start",
];
const OWN_NAMES = {
  server: [
    "serverNames",
    "selectCertificate",
    "clientCertificate",
    "sessionTickets",
    "ticketKeys",
    "ticketRotationMs",
    "sessionTimeoutSeconds",
  ],
  client: ["serverName", "verify", "fingerprints", "resumeSessions"],
} as const;

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
    this.startsAtOnce = (settings.start ?? "immediate") === "immediate";
  }

  /** Takes other certificates and rules; when TLS begins stays as it is. */
  update(settings: TlsSettings): void {
    assertTlsSettings(this.context.role, settings);
    this.context.update(settings);
  }
}

function assertTlsSettings(role: "server" | "client", settings: TlsSettings): void {
  if (typeof settings !== "object" || settings === null) {
    throw new NetError("INVALID_ARGUMENT", `tls must be an object, not ${describe(settings)}`);
  }
  assertKnownKeys("tls", settings, [...SHARED_NAMES, ...OWN_NAMES[role]]);
  const choices = {
    start: ["immediate", "manual"],
    minVersion: ["TLSv1.2", "TLSv1.3"],
    maxVersion: ["TLSv1.2", "TLSv1.3"],
    clientCertificate: ["none", "request", "require"],
    verify: ["full", "pin", "none"],
  };
  for (const [name, allowed] of Object.entries(choices)) {
    const value: unknown = Reflect.get(settings, name);
    if (value !== undefined) assertOneOf(`tls.${name}`, value, allowed);
  }
}
