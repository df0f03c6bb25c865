/** The option `tls` of TCP components, and the engine that can do it. */
import { ComponentSecurity } from "../connection/tls/component-security.js";
import type { ClientTls, ServerTls, TlsSettings } from "../connection/tls/tls-settings.js";
import { chooseEngine } from "../engine/choose-engine.js";
import type { Engine, EngineChoice } from "../engine/engine.js";
import { assertObject } from "../errors.js";
import type { Given } from "../options.js";

/** What a server adds to the options of a component. */
export interface ServerSecurity {
  /** Secures all connections, or those that ask for it. */
  readonly tls?: ServerTls | undefined;
}

/** What clients and agents add. */
export interface ClientSecurity {
  /** Secures all connections, or those that ask for it; `{}` verifies the peer. */
  readonly tls?: ClientTls | undefined;
}

/** Engine and security for the options of a component. */
export function secured(
  role: "server" | "client",
  options: Given<{ readonly engine: EngineChoice; readonly tls: TlsSettings }>,
): [Engine, ComponentSecurity | undefined] {
  assertObject("the options", options);
  const { engine: wanted, tls } = options;
  if (tls === undefined) return [chooseEngine(wanted), undefined];
  const engine = chooseEngine(wanted, "tls");
  return [engine, new ComponentSecurity(role, engine, tls)];
}

/** What is spoken with the peers of a component: for proxies that depend on it. */
export function schemeOf(security: ComponentSecurity | undefined): "tcp" | "tls" {
  return security?.startsAtOnce === true ? "tls" : "tcp";
}
