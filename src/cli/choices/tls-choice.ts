/** `--tls` and the options that go with it: how to secure what a command does. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ClientTls, ServerTls } from "../../index.js";
import { selfSignedCertificate } from "../../testing/self-signed-certificate.js";
import { type Option, switchOption, textOption, UsageError, withShort } from "../command-line.js";

/** What goes with `--tls` on a server. */
export interface ServerTlsOptions {
  readonly tls: boolean;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly "client-ca": string | undefined;
}

/** What goes with `--tls` on a client. */
export interface ClientTlsOptions {
  readonly tls: boolean;
  readonly ca: string | undefined;
  readonly servername: string | undefined;
  readonly fingerprint: string | undefined;
  readonly insecure: boolean;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** What goes with `https:` on a client, where the URL says whether there is TLS. */
export type UrlTlsOptions = Omit<ClientTlsOptions, "tls">;

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
    "client-ca": textOption("FILE", "tls: peers must show a certificate of these authorities, PEM"),
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
    insecure: withShort("k", switchOption("tls: take any certificate")),
    cert: textOption("FILE", "tls: certificate of this client, PEM"),
    key: textOption("FILE", "tls: its private key, PEM"),
  };
}

/** Rows for the table of a command that asks for URLs. */
export function urlTlsTable(): {
  readonly [Key in keyof UrlTlsOptions]: Option<UrlTlsOptions[Key]>;
} {
  const { tls: _, ...others } = clientTlsTable();
  return others;
}

/** The TLS that the options ask for; undefined for none. */
export function serverTlsOf(
  { tls, cert, key, "client-ca": clientCa }: ServerTlsOptions,
  host: string | undefined,
): ServedTls | undefined {
  assertTls(tls, { cert, key, "client-ca": clientCa });
  if (!tls) return undefined;
  assertPair(cert, key);
  const served =
    cert === undefined || key === undefined
      ? servedOnTheSpot(host)
      : { tls: { certFile: cert, keyFile: key }, fingerprint: fingerprintOf(cert) };
  if (clientCa === undefined) return served;
  return { ...served, tls: { ...served.tls, caFile: clientCa, clientCertificate: "require" } };
}

function assertPair(cert: string | undefined, key: string | undefined): void {
  if ((cert === undefined) === (key === undefined)) return;
  throw new UsageError("--cert and --key go together");
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
  assertTls(options.tls, given(options));
  return options.tls ? urlTlsOf(options) : undefined;
}

/** Throws `UsageError` for options of TLS where there is none: the URL is one of `http:`, or `ws:`. */
export function assertNoTls(options: UrlTlsOptions, scheme: "http" | "ws" = "http"): void {
  const [name] = Object.entries(given(options)).find(([, value]) => value !== undefined) ?? [];
  if (name !== undefined)
    throw new UsageError(`--${name} goes with ${scheme}s:, not with ${scheme}:`);
}

function given({ ca, servername, fingerprint, insecure, cert, key }: UrlTlsOptions): object {
  return { ca, servername, fingerprint, insecure: insecure || undefined, cert, key };
}

/** The TLS of URLs with `https:`. */
export function urlTlsOf(options: UrlTlsOptions): Omit<ClientTls, "start"> {
  const { ca, servername, fingerprint, insecure, cert, key } = options;
  assertPair(cert, key);
  if ([ca, fingerprint, insecure || undefined].filter((one) => one !== undefined).length > 1) {
    throw new UsageError("--ca, --fingerprint and --insecure exclude each other");
  }
  return {
    ...(ca !== undefined && { caFile: ca }),
    ...(servername !== undefined && { serverName: servername }),
    ...(fingerprint !== undefined && { verify: "pin", fingerprints: [fingerprint] }),
    ...(insecure && { verify: "none" }),
    ...(cert !== undefined && { certFile: cert }),
    ...(key !== undefined && { keyFile: key }),
  };
}

function assertTls(tls: boolean, others: object): void {
  const [name] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
  if (!tls && name !== undefined) throw new UsageError(`--${name} goes with --tls`);
}
