/** The rules of a client, and the sessions that it can resume: the last one of each peer. */
import { isIP } from "node:net";
import type { PeerCertificate, SecureContext } from "node:tls";
import { checkServerIdentity } from "node:tls";
import { NetError } from "../../errors.js";
import type { TlsClientOptions, TlsContext } from "../tls-options.js";
import { secureContext } from "./tls-credentials.js";

/** Peers whose sessions are kept; the one that was not used for longest goes first. */
const MAX_SESSIONS = 1_000;

/** See the head of the file. */
export class TlsClientContext implements TlsContext {
  readonly role = "client";
  #options: TlsClientOptions;
  #secureContext: SecureContext;
  #fingerprints: ReadonlySet<string>;
  readonly #sessions: Map<string, Buffer> = new Map();

  constructor(options: TlsClientOptions) {
    this.#options = options;
    this.#secureContext = secureContext(options, options);
    this.#fingerprints = fingerprintSet(options);
  }

  update(options: TlsClientOptions): void {
    this.#secureContext = secureContext(options, options);
    this.#fingerprints = fingerprintSet(options);
    this.#options = options;
    this.#sessions.clear();
  }

  get options(): TlsClientOptions {
    return this.#options;
  }

  get secureContext(): SecureContext {
    return this.#secureContext;
  }

  /** The name to send and to check, for a peer that was connected to as `host`. */
  serverNameFor(host: string | undefined): string | undefined {
    return this.#options.serverName ?? host;
  }

  /** The name to send: an address is no server name (RFC 6066 §3). */
  static sentName(serverName: string | undefined): string {
    return serverName === undefined || isIP(serverName) !== 0 ? "" : serverName;
  }

  /** The session to resume with `peer`, or undefined. */
  session(peer: string): Buffer | undefined {
    return (this.#options.resumeSessions ?? true) ? this.#sessions.get(peer) : undefined;
  }

  /** Keeps the session for the next connection to `peer`. */
  keepSession(peer: string, session: Buffer): void {
    this.#sessions.delete(peer);
    this.#sessions.set(peer, session);
    if (this.#sessions.size <= MAX_SESSIONS) return;
    for (const oldest of this.#sessions.keys()) {
      this.#sessions.delete(oldest);
      return;
    }
  }

  /** What is wrong with the peer's certificate, apart from trust; undefined when nothing is. */
  identityError(serverName: string | undefined, certificate: PeerCertificate): Error | undefined {
    const { verify = "full", fingerprints } = this.#options;
    if (fingerprints !== undefined && verify !== "none") {
      const shown = certificate.fingerprint256 ?? "";
      if (!this.#fingerprints.has(plainFingerprint(shown))) {
        return new Error(`the certificate's fingerprint ${shown} is none of those expected`);
      }
    }
    if (verify !== "full" || serverName === undefined) return undefined;
    return checkServerIdentity(serverName, certificate);
  }
}

function plainFingerprint(text: string): string {
  return text.replaceAll(":", "").toLowerCase();
}

function fingerprintSet(options: TlsClientOptions): ReadonlySet<string> {
  const { verify = "full", fingerprints = [] } = options;
  const plain = fingerprints.map(plainFingerprint);
  const bad = plain.find((text) => !/^[0-9a-f]{64}$/.test(text));
  if (bad !== undefined) throw invalid(`tls: ${JSON.stringify(bad)} is no SHA-256 fingerprint`);
  if (verify === "pin" && plain.length === 0) throw invalid("tls: verify pin needs fingerprints");
  return new Set(plain);
}

function invalid(message: string): NetError {
  return new NetError("INVALID_ARGUMENT", message, { operation: "configure" });
}
