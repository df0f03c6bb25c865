/**
 * What TLS is asked for on both sides, and what is known of a secured connection. The engine that
 * does TLS turns options into a {@link TlsContext}; whether it can is its capability `tls`.
 */

/** Versions that are spoken. Older ones are not. */
export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** A certificate with its key: from memory (PEM text or bytes) or from files, or both in one PFX. */
export interface TlsCertificate {
  /** Certificate chain, PEM. */
  readonly cert?: string | Buffer | undefined;
  /** The same from a file. */
  readonly certFile?: string | undefined;
  /** Private key, PEM. */
  readonly key?: string | Buffer | undefined;
  /** The same from a file. */
  readonly keyFile?: string | undefined;
  /** Certificate, key and chain as PKCS #12. */
  readonly pfx?: Buffer | undefined;
  /** The same from a file. */
  readonly pfxFile?: string | undefined;
  /** Of the key or the PFX. */
  readonly passphrase?: string | undefined;
}

/** Whom to trust, and what to speak; the same on both sides. */
export interface TlsRules {
  /** Trusted certificate authorities, PEM, one or several. Left out: the ones of Node. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[] | undefined;
  /** The same from a file. */
  readonly caFile?: string | undefined;
  /** Revoked certificates, PEM. With it every certificate of a chain is checked. */
  readonly crl?: string | Buffer | undefined;
  /** The same from a file. */
  readonly crlFile?: string | undefined;
  /** Least version. Default TLSv1.2. */
  readonly minVersion?: TlsVersion | undefined;
  /** Greatest version. Default TLSv1.3. */
  readonly maxVersion?: TlsVersion | undefined;
  /** Cipher list in the form of OpenSSL. Default: Node's. */
  readonly ciphers?: string | undefined;
  /** Groups of the key exchange (curves) in the form of OpenSSL, best first: `X25519:P-256`. Default: Node's. */
  readonly groups?: string | undefined;
  /** Application protocols, best first (RFC 7301). A server without one in common refuses. */
  readonly alpnProtocols?: readonly string[] | undefined;
}

/** The certificate for a server name; undefined: the main one. */
export type TlsCertificateSelector = (
  serverName: string,
) => TlsCertificate | undefined | Promise<TlsCertificate | undefined>;

/** TLS of a server. */
export interface TlsServerOptions extends TlsCertificate, TlsRules {
  /** Certificates by server name: `www.example.com`, or `*.example.com` for one label (RFC 6125 §6.4.3). */
  readonly serverNames?: Readonly<Record<string, TlsCertificate>> | undefined;
  /** Asked for names that `serverNames` does not have. */
  readonly selectCertificate?: TlsCertificateSelector | undefined;
  /** Whether clients show a certificate. `request` takes clients without or with a bad one, and tells. Default `none`. */
  readonly clientCertificate?: "none" | "request" | "require" | undefined;
  /** Session tickets, so that clients that come again are quicker. Default true. */
  readonly sessionTickets?: boolean | undefined;
  /** Keys of the tickets, 48 bytes, for several servers that take each other's. */
  readonly ticketKeys?: Buffer | undefined;
  /** New ticket keys are made after this time, in milliseconds; 0: never. Default 12 hours. */
  readonly ticketRotationMs?: number | undefined;
  /** How long a session can be resumed, in seconds. Default 7,200. */
  readonly sessionTimeoutSeconds?: number | undefined;
}

/** TLS of a client or an agent. */
export interface TlsClientOptions extends TlsCertificate, TlsRules {
  /** Name that is sent (SNI) and that the certificate must be for. Default: the host of `connect`. */
  readonly serverName?: string | undefined;
  /**
   * `full` (default): the certificate must be trusted and for the name. `pin`: one of `fingerprints`
   * decides alone. `none`: everything is taken; the connection is open to whoever is in between.
   */
  readonly verify?: "full" | "pin" | "none" | undefined;
  /** SHA-256 fingerprints, in hexadecimal, one of which the peer's certificate must have. */
  readonly fingerprints?: readonly string[] | undefined;
  /** Resume earlier sessions with the same peer. Default true. */
  readonly resumeSessions?: boolean | undefined;
}

/** A certificate that the peer has shown. */
export interface TlsPeerCertificate {
  /**
   * Its common name, by which devices and services are often known; undefined where it has none, or several. Good for
   * something only where the certificate was checked: {@link TlsInfo.isAuthorized}.
   */
  readonly commonName: string | undefined;
  /** Whom it is for, for people: `CN=…, O=…`. Values may have commas of their own: don't take it apart. */
  readonly subject: string;
  /** Who has signed it, in the same form. */
  readonly issuer: string;
  /** Names and addresses that it is for, as Node writes them: `DNS:one.example, IP Address:192.0.2.1`. */
  readonly subjectAltName: string | undefined;
  /** From when on it is valid, as OpenSSL writes it: `Jan  1 00:00:00 2026 GMT`. */
  readonly validFrom: string;
  /** Until when, in the same form. */
  readonly validTo: string;
  /** Serial number, hexadecimal. */
  readonly serialNumber: string;
  /** SHA-256, hexadecimal with colons. */
  readonly fingerprint256: string;
  /** DER. */
  readonly raw: Buffer;
}

/** What is known of a secured connection. */
export interface TlsInfo {
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly protocol: string;
  /** Name of the cipher by IANA. */
  readonly cipher: string;
  /** The name that the client asked for (SNI). */
  readonly serverName: string | undefined;
  /** The application protocol that was agreed on (ALPN). */
  readonly alpnProtocol: string | undefined;
  /** Whether an earlier session was resumed. */
  readonly isResumed: boolean;
  /** Whether the peer's certificate was checked and found good: trusted, and for the name. */
  readonly isAuthorized: boolean;
  /** Why not; undefined when it is, or when none was asked for. */
  readonly authorizationError: string | undefined;
  /** What the peer has shown; undefined when it has not, as, on some engines, a server in a resumed session. */
  readonly peerCertificate: TlsPeerCertificate | undefined;
}

/** Certificates and rules of one side, ready for handshakes. Made by an engine. */
export interface TlsContext {
  readonly role: "server" | "client";
  /**
   * Takes other options for handshakes to come; connections that are there are not touched. Throws
   * `INVALID_ARGUMENT` when they can't be used: then nothing is changed.
   */
  update(options: TlsServerOptions | TlsClientOptions): void;
}
