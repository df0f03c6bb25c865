import { isIP } from "node:net";
import type { PeerCertificate, SecureContext } from "node:tls";
import { describe, NetError } from "../../errors.js";
import { tlsModule } from "../built-in.js";
import type { TlsClientOptions, TlsContext } from "../tls-options.js";
import { sendableServerName } from "./server-name.js";
import { certificateOptions, ruleOptions, secureContext } from "./tls-credentials.js";

/** Peers whose sessions are kept; the one that was not used for longest goes first. */
const MAX_SESSIONS = 1_000;

/**
 * A session is kept up to this size, most of which is the ticket and the peer's certificate: a ticket may have
 * 65,535 bytes, and all extensions of the hello that shows it have no more together.
 */
const MAX_SESSION_BYTES = 32_768;

/** What {@link TlsClientContext.identityError} finds wrong. */
export class IdentityError extends Error {
  readonly code: "PIN_MISMATCH" | "NO_NAME";

  constructor(code: "PIN_MISMATCH" | "NO_NAME", message: string) {
    super(message);
    this.code = code;
  }
}

/** What is known of a peer by its certificate, which is not shown again when its session is resumed. */
export interface PeerNote {
  /** What was wrong with the name in it. */
  readonly nameProblem?: string | undefined;
  /** Until when it is valid, where that counts, in milliseconds since 1970. */
  readonly validUntilMs?: number | undefined;
}

/** A session that can be resumed. */
export interface KeptSession extends PeerNote {
  readonly bytes: Buffer;
}

/** Sessions by peer. Those of earlier rules are thrown away with their table. */
export class SessionTable {
  private readonly sessions: Map<string, KeptSession> = new Map();

  /**
   * The session to resume with `peer`, or undefined. Some servers give a new ticket with every session that is resumed:
   * one whose certificate has expired has to be looked at again.
   */
  get(peer: string): KeptSession | undefined {
    const kept = this.sessions.get(peer);
    if (kept?.validUntilMs === undefined || Date.now() <= kept.validUntilMs) return kept;
    this.sessions.delete(peer);
    return undefined;
  }

  /** Keeps the session for the next connection to `peer`. */
  keep(peer: string, bytes: Buffer, { nameProblem, validUntilMs }: PeerNote = {}): void {
    this.sessions.delete(peer);
    if (bytes.length > MAX_SESSION_BYTES) return;
    this.sessions.set(peer, { bytes, nameProblem, validUntilMs });
    if (this.sessions.size <= MAX_SESSIONS) return;
    for (const oldest of this.sessions.keys()) {
      this.sessions.delete(oldest);
      return;
    }
  }
}

/** The rules of a client, and the sessions that it can resume: the last one of each peer. */
export class TlsClientContext implements TlsContext {
  readonly role = "client";
  private given: TlsClientOptions;
  private ownContext: SecureContext;
  private fingerprints: ReadonlySet<string>;
  private ownSessions: SessionTable | undefined;

  constructor(options: TlsClientOptions) {
    this.given = options;
    this.ownContext = clientContext(options);
    this.fingerprints = fingerprintSet(options);
    this.ownSessions = sessionTable(options);
  }

  update(options: TlsClientOptions): void {
    const fingerprints = fingerprintSet(options);
    this.ownContext = clientContext(options);
    this.fingerprints = fingerprints;
    this.given = options;
    this.ownSessions = sessionTable(options);
  }

  get options(): TlsClientOptions {
    return this.given;
  }

  get secureContext(): SecureContext {
    return this.ownContext;
  }

  /** Sessions under the rules in force; undefined when none is resumed. */
  get sessions(): SessionTable | undefined {
    return this.ownSessions;
  }

  /** The name to send and to check, for a peer that was connected to as `host`. */
  serverNameFor(host: string | undefined): string | undefined {
    return this.given.serverName ?? host;
  }

  /** The name to send: an address is no server name (RFC 6066 §3). */
  static sentName(serverName: string | undefined): string {
    return serverName === undefined || isIP(serverName) !== 0 ? "" : sendableServerName(serverName);
  }

  /** What is wrong with the peer's certificate, apart from trust; undefined when nothing is. */
  identityError(serverName: string | undefined, certificate: PeerCertificate): Error | undefined {
    const { verify = "full", fingerprints } = this.given;
    if (fingerprints !== undefined) {
      const shown = certificate.fingerprint256 ?? "";
      if (!this.fingerprints.has(plainFingerprint(shown))) {
        return new IdentityError(
          "PIN_MISMATCH",
          `has a fingerprint that is not expected: ${shown}`,
        );
      }
    }
    return verify === "full" ? TlsClientContext.nameError(serverName, certificate) : undefined;
  }

  /** Until when a certificate is valid, in milliseconds since 1970. */
  static validUntilMs(certificate: PeerCertificate): number {
    return Date.parse(certificate.valid_to);
  }

  /** Why the certificate is not for the name; undefined when it is. */
  static nameError(
    serverName: string | undefined,
    certificate: PeerCertificate,
  ): Error | undefined {
    if (serverName === undefined) {
      return new IdentityError("NO_NAME", "can't be checked: give tls.serverName for a path");
    }
    const name = TlsClientContext.sentName(serverName) || serverName;
    return tlsModule().checkServerIdentity(name, certificate);
  }

  /** The same in one word, as `authorizationError` has it. */
  static nameProblem(
    serverName: string | undefined,
    certificate: PeerCertificate,
  ): string | undefined {
    const error = TlsClientContext.nameError(serverName, certificate);
    if (error === undefined) return undefined;
    return "code" in error ? String(error.code) : error.message;
  }
}

function clientContext(options: TlsClientOptions): SecureContext {
  const verifies = options.verify !== "pin";
  return secureContext({ ...certificateOptions(options), ...ruleOptions(options) }, verifies);
}

function sessionTable({ resumeSessions = true }: TlsClientOptions): SessionTable | undefined {
  return resumeSessions ? new SessionTable() : undefined;
}

function plainFingerprint(text: string): string {
  return text.replaceAll(":", "").toLowerCase();
}

function fingerprintSet(options: TlsClientOptions): ReadonlySet<string> {
  const { verify = "full", fingerprints } = options;
  const plain = (fingerprints ?? []).map(plainFingerprint);
  const bad = plain.find((text) => !/^[0-9a-f]{64}$/.test(text));
  if (bad !== undefined)
    throw invalid(
      `tls.fingerprints has ${describe(bad)}, which is no SHA-256 fingerprint: 32 bytes in hexadecimal`,
    );
  if (fingerprints === undefined ? verify === "pin" : plain.length === 0) {
    throw invalid("tls.fingerprints must have one at least; tls.verify pin needs them");
  }
  if (verify === "none" && fingerprints !== undefined) {
    throw invalid("tls.fingerprints have no meaning where tls.verify is none: take pin");
  }
  return new Set(plain);
}

function invalid(message: string): NetError {
  return new NetError("INVALID_ARGUMENT", message, { operation: "configure" });
}
