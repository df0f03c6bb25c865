/**
 * Certificates, keys and trust, as Node's secure contexts take them. Files are read here, once, so
 * that a context can be made anew without them.
 */
import { readFileSync } from "node:fs";
import type { SecureContext, SecureContextOptions } from "node:tls";
import { NetError } from "../../errors.js";
import { cryptoModule, tlsModule } from "../built-in.js";
import type { TlsCertificate, TlsRules, TlsServerOptions } from "../tls-options.js";
import { distrustPfx } from "./pfx-trust.js";

const SESSION_TIMEOUT_SECONDS = 7_200;
/** What OpenSSL takes. */
const SESSION_CONTEXT_LENGTH = 32;
const PEM_CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/;

/**
 * Makes a secure context; `verifies`: whether peers are verified with it. Throws `INVALID_ARGUMENT`, which says what
 * does not fit.
 */
export function secureContext(options: SecureContextOptions, verifies: boolean): SecureContext {
  const context = nativeContext(options);
  if (verifies && options.pfx !== undefined) distrustPfx(context, options);
  return context;
}

function nativeContext(options: SecureContextOptions): SecureContext {
  try {
    return tlsModule().createSecureContext(options);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isGroups = message === WRONG_GROUPS;
    const part = isGroups ? "groups has one that OpenSSL does not know" : WRONG_PARTS[code ?? ""];
    throw invalid(part === undefined ? message : `${part} (${message})`, error);
  }
}

/** What Node says of groups; its code is that of others too. */
const WRONG_GROUPS = "Failed to set ECDH curve";

/** Which option OpenSSL means by its error. */
const WRONG_PARTS: Readonly<Record<string, string>> = {
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: "key does not belong to cert",
  ERR_OSSL_PEM_NO_START_LINE: "cert or key is no PEM: certFile and keyFile take paths",
  ERR_OSSL_PEM_BAD_PASSWORD_READ: "key needs passphrase",
  ERR_OSSL_BAD_DECRYPT: "passphrase does not fit",
  ERR_SSL_NO_CIPHER_MATCH: "ciphers has none that OpenSSL knows",
  ERR_CRYPTO_OPERATION_FAILED: "crl, cert or key can't be read",
};

/** The certificate and its key. Throws `INVALID_ARGUMENT` for a file that can't be read. */
export function certificateOptions(given: TlsCertificate): SecureContextOptions {
  const cert = eitherOf("cert", given.cert, given.certFile);
  const key = eitherOf("key", given.key, given.keyFile);
  const pfx = eitherOf("pfx", given.pfx, given.pfxFile);
  if ((cert === undefined) !== (key === undefined) && pfx === undefined) {
    throw invalid(`${cert === undefined ? "cert or certFile" : "key or keyFile"} is missing`);
  }
  return {
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(pfx !== undefined && { pfx }),
    ...(given.passphrase !== undefined && { passphrase: given.passphrase }),
  };
}

/** Renegotiation is refused: only attacks still need it (RFC 9325 §3.5). */
function secureOptions(): number {
  return cryptoModule().constants.SSL_OP_NO_RENEGOTIATION;
}

/** Whether there is a certificate at all. */
export function hasCertificate(options: SecureContextOptions): boolean {
  return options.cert !== undefined || options.pfx !== undefined;
}

/** Trust, versions and ciphers. Throws `INVALID_ARGUMENT` for a file that can't be read. */
export function ruleOptions(rules: TlsRules): SecureContextOptions {
  const ca = authorities(rules);
  const crl = eitherOf("crl", rules.crl, rules.crlFile);
  return {
    minVersion: rules.minVersion ?? "TLSv1.2",
    maxVersion: rules.maxVersion ?? "TLSv1.3",
    secureOptions: secureOptions(),
    ...(ca !== undefined && { ca }),
    ...(crl !== undefined && { crl }),
    ...(rules.ciphers !== undefined && { ciphers: rules.ciphers }),
    ...(rules.groups !== undefined && { ecdhCurve: rules.groups }),
  };
}

/** OpenSSL skips what is not a certificate, and then trusts no peer: an error is thrown instead. */
function authorities(rules: TlsRules): (string | Buffer)[] | undefined {
  const given = eitherOf("ca", rules.ca, rules.caFile);
  if (given === undefined) return undefined;
  const all = typeof given === "string" || Buffer.isBuffer(given) ? [given] : [...given];
  if (!all.every((one) => PEM_CERTIFICATE.test(one.toString("latin1")))) {
    throw invalid("ca has no certificate in PEM");
  }
  return all;
}

/** What a server adds to the rules: its order of ciphers, and sessions that can be resumed. */
export function sessionOptions(
  options: TlsServerOptions,
  rules: SecureContextOptions,
  ticketKeys: Buffer,
): SecureContextOptions {
  const { SSL_OP_CIPHER_SERVER_PREFERENCE, SSL_OP_NO_TICKET } = cryptoModule().constants;
  const noTickets = (options.sessionTickets ?? true) ? 0 : SSL_OP_NO_TICKET;
  return {
    ticketKeys,
    sessionTimeout: options.sessionTimeoutSeconds ?? SESSION_TIMEOUT_SECONDS,
    sessionIdContext: sessionContext(options, rules),
    secureOptions: secureOptions() | SSL_OP_CIPHER_SERVER_PREFERENCE | noTickets,
  };
}

/**
 * A session of a client holds the verdict on its certificate. It counts only where the same clients
 * are trusted, also among servers that share their ticket keys.
 */
function sessionContext(options: TlsServerOptions, rules: SecureContextOptions): string {
  const hash = cryptoModule()
    .createHash("sha256")
    .update(options.clientCertificate ?? "none");
  for (const trust of [rules.ca, rules.crl]) {
    for (const one of [trust ?? []].flat()) hash.update("\0").update(one);
    hash.update("\0\0");
  }
  return hash.digest("hex").slice(0, SESSION_CONTEXT_LENGTH);
}

function eitherOf<Value>(
  name: string,
  value: Value | undefined,
  path: string | undefined,
): Value | Buffer | undefined {
  if (path === undefined) return value;
  if (value !== undefined) throw invalid(`give ${name} or ${name}File, not both`);
  try {
    return readFileSync(path);
  } catch (error) {
    throw invalid(`${name}File can't be read: ${path}`, error);
  }
}

function invalid(text: string, cause?: unknown): NetError {
  return new NetError("INVALID_ARGUMENT", `tls: ${text}`, { operation: "configure", cause });
}
