/** `--tls` and the options that go with it: how to secure what a command does. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ClientTls, ServerTls } from "../index.js";
import { selfSignedCertificate } from "../testing/self-signed-certificate.js";
import { type Option, switchOption, textOption, UsageError } from "./command-line.js";

/** What goes with `--tls` on a server. */
export interface ServerTlsOptions {
  readonly tls: boolean;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** What goes with `--tls` on a client. */
export interface ClientTlsOptions {
  readonly tls: boolean;
  readonly ca: string | undefined;
  readonly servername: string | undefined;
  readonly fingerprint: string | undefined;
  readonly insecure: boolean;
}

/** What goes with `https:` on a client, where the URL says whether there is TLS. */
export interface UrlTlsOptions extends Omit<ClientTlsOptions, "tls"> {
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** TLS of a server, and by what clients can know it. */
export interface ServedTls {
  readonly tls: ServerTls;
  /** SHA-256, hexadecimal with colons. */
  readonly fingerprint: string;
}

/** Rows for the table of a command that listens. */
export function serverTlsTable(): {
  readonly [Key in keyof ServerTlsOptions]: Option<ServerTlsOptions[Key]>;
} {
  return {
    tls: switchOption("secure every connection with TLS"),
    cert: textOption("FILE", "tls: certificate, PEM (default: one is made on the spot)"),
    key: textOption("FILE", "tls: its private key, PEM"),
  };
}

/** Rows for the table of a command that connects. */
export function clientTlsTable(): {
  readonly [Key in keyof ClientTlsOptions]: Option<ClientTlsOptions[Key]>;
} {
  return {
    tls: switchOption("secure the connection with TLS, and verify the peer"),
    ca: textOption("FILE", "tls: trusted authorities, PEM (default: those of Node)"),
    servername: textOption("NAME", "tls: name to send and to verify (default: HOST)"),
    fingerprint: textOption("HEX", "tls: take the certificate with this SHA-256, and no other"),
    insecure: switchOption("tls: take any certificate"),
  };
}

/** Rows for the table of a command that asks for URLs. */
export function urlTlsTable(): {
  readonly [Key in keyof UrlTlsOptions]: Option<UrlTlsOptions[Key]>;
} {
  const { tls: _, ...others } = clientTlsTable();
  return {
    ...others,
    cert: textOption("FILE", "tls: certificate of this client, PEM"),
    key: textOption("FILE", "tls: its private key, PEM"),
  };
}

/** The TLS that the options ask for; undefined for none. */
export function serverTlsOf(
  { tls, cert, key }: ServerTlsOptions,
  host: string | undefined,
): ServedTls | undefined {
  assertTls(tls, { cert, key });
  if (!tls) return undefined;
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError("--cert and --key go together");
  }
  if (cert === undefined || key === undefined) return servedOnTheSpot(host);
  return { tls: { certFile: cert, keyFile: key }, fingerprint: fingerprintOf(cert) };
}

/** TLS with a certificate that is made now, for this machine's loopback and for `host`. */
export function servedOnTheSpot(host: string | undefined): ServedTls {
  const local = ["localhost", "127.0.0.1", "::1"];
  const isNamed = host !== undefined && !["0.0.0.0", "::", ...local].includes(host);
  const made = selfSignedCertificate({ names: isNamed ? [host, ...local] : local });
  return { tls: { cert: made.cert, key: made.key }, fingerprint: made.fingerprint };
}

function fingerprintOf(path: string): string {
  try {
    return new X509Certificate(readFileSync(path)).fingerprint256;
  } catch (error) {
    throw new UsageError(`--cert ${path} can't be used: ${(error as Error).message}`);
  }
}

/** The TLS that the options ask for; undefined for none. */
export function clientTlsOf(options: ClientTlsOptions): ClientTls | undefined {
  const { tls, ca, servername, fingerprint, insecure } = options;
  assertTls(tls, { ca, servername, fingerprint, insecure: insecure || undefined });
  return tls ? trustOf(options) : undefined;
}

/** The TLS of URLs with `https:`. */
export function urlTlsOf(options: UrlTlsOptions): Omit<ClientTls, "start"> {
  const { cert, key } = options;
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError("--cert and --key go together");
  }
  return {
    ...trustOf(options),
    ...(cert !== undefined && { certFile: cert }),
    ...(key !== undefined && { keyFile: key }),
  };
}

function trustOf(options: Omit<ClientTlsOptions, "tls">): Omit<ClientTls, "start"> {
  const { ca, servername, fingerprint, insecure } = options;
  if ([ca, fingerprint, insecure || undefined].filter((one) => one !== undefined).length > 1) {
    throw new UsageError("--ca, --fingerprint and --insecure exclude each other");
  }
  return {
    ...(ca !== undefined && { caFile: ca }),
    ...(servername !== undefined && { serverName: servername }),
    ...(fingerprint !== undefined && { verify: "pin", fingerprints: [fingerprint] }),
    ...(insecure && { verify: "none" }),
  };
}

function assertTls(tls: boolean, others: Readonly<Record<string, unknown>>): void {
  const given = Object.keys(others).find((name) => others[name] !== undefined);
  if (!tls && given !== undefined) throw new UsageError(`--${given} goes with --tls`);
}
