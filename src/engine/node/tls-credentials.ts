/** Certificates, keys and trust from files or memory, as Node's secure contexts take them. */
import { constants } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import { NetError } from "../../errors.js";
import type { TlsCertificate, TlsRules, TlsServerOptions } from "../tls-options.js";

/** Renegotiation is refused: only attacks still need it (RFC 9325 §3.5). */
const SECURE_OPTIONS = constants.SSL_OP_NO_RENEGOTIATION;

/** What a server adds. */
export interface TicketRules {
  readonly ticketKeys: Buffer;
  readonly sessionTickets: boolean;
  readonly sessionTimeoutSeconds: number;
}

/**
 * The secure context for `certificate` under `rules`. Throws `INVALID_ARGUMENT`, which says what
 * can't be read or does not fit.
 */
export function secureContext(
  certificate: TlsCertificate,
  rules: TlsRules,
  tickets?: TicketRules,
): SecureContext {
  const options: SecureContextOptions = {
    ...certificateOptions(certificate),
    ...ruleOptions(rules),
    ...(tickets !== undefined && ticketOptions(tickets)),
  };
  try {
    return createSecureContext(options);
  } catch (error) {
    const text = `tls: ${(error as Error).message}`;
    throw new NetError("INVALID_ARGUMENT", text, { operation: "configure", cause: error });
  }
}

function certificateOptions(given: TlsCertificate): SecureContextOptions {
  const cert = given.cert ?? fileOf("certFile", given.certFile);
  const key = given.key ?? fileOf("keyFile", given.keyFile);
  const pfx = given.pfx ?? fileOf("pfxFile", given.pfxFile);
  if ((cert === undefined) !== (key === undefined) && pfx === undefined) {
    const missing = cert === undefined ? "cert or certFile" : "key or keyFile";
    throw new NetError("INVALID_ARGUMENT", `tls: ${missing} is missing`, {
      operation: "configure",
    });
  }
  return {
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(pfx !== undefined && { pfx }),
    ...(given.passphrase !== undefined && { passphrase: given.passphrase }),
  };
}

function ruleOptions(rules: TlsRules): SecureContextOptions {
  const ca = rules.ca ?? fileOf("caFile", rules.caFile);
  const crl = rules.crl ?? fileOf("crlFile", rules.crlFile);
  return {
    minVersion: rules.minVersion ?? "TLSv1.2",
    maxVersion: rules.maxVersion ?? "TLSv1.3",
    secureOptions: SECURE_OPTIONS,
    ...(ca !== undefined && { ca: Array.isArray(ca) ? [...ca] : (ca as string | Buffer) }),
    ...(crl !== undefined && { crl }),
    ...(rules.ciphers !== undefined && { ciphers: rules.ciphers }),
  };
}

function ticketOptions(tickets: TicketRules): SecureContextOptions {
  const noTickets = tickets.sessionTickets ? 0 : constants.SSL_OP_NO_TICKET;
  return {
    ticketKeys: tickets.ticketKeys,
    sessionTimeout: tickets.sessionTimeoutSeconds,
    // Needed to resume sessions with client certificates, which belong to one server.
    sessionIdContext: "hp-socket",
    secureOptions: SECURE_OPTIONS | noTickets,
  };
}

function fileOf(name: string, path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    throw new NetError("INVALID_ARGUMENT", `tls: ${name} can't be read: ${path}`, {
      operation: "configure",
      cause: error,
    });
  }
}

/** What is the same for all certificates of a server. */
export function ticketRules(options: TlsServerOptions, ticketKeys: Buffer): TicketRules {
  return {
    ticketKeys,
    sessionTickets: options.sessionTickets ?? true,
    sessionTimeoutSeconds: options.sessionTimeoutSeconds ?? 7_200,
  };
}
