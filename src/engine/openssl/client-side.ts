/** The client's side of a session. */
import type { PeerCertificate, SecureContext } from "node:tls";
import type { NetError } from "../../errors.js";
import { type PeerNote, type SessionTable, TlsClientContext } from "../tls/tls-client-context.js";
import { certificateError, tlsError } from "../tls/tls-error.js";
import type { TlsInfo } from "../tls-options.js";
import { GO_ON, NOT_TAKEN } from "./session-calls.js";
import { derOf, isReused, peerCertificate, sessionInfo, verdict } from "./session-info.js";
import type { TlsLibrary } from "./tls-library.js";
import type { Side } from "./tls-session.js";

const VERIFY_PEER = 1;
const SET_HOST_NAME = 55;
const HOST_NAME = 0;

/** What a client asks for, and whom it accepts. */
export class ClientSide implements Side {
  readonly context: number;
  /** The context in use; it must live as long. */
  readonly secureContext: SecureContext;
  private readonly library: TlsLibrary;
  private readonly rules: TlsClientContext;
  /** The name that the certificate has to be for. */
  private readonly serverName: string | undefined;
  private readonly sessions: SessionTable | undefined;
  /** Whose sessions can be resumed. */
  private readonly peer: string;
  private readonly verify: "full" | "pin" | "none";
  private readonly protocols: readonly string[] | undefined;
  private ssl = 0;
  /** Only sessions of peers that were found good are kept: a resumed one shows no certificate. */
  private isGood = false;
  private came: Buffer | undefined = undefined;
  /** Of the certificate that the peer has shown, now or when its session began. */
  private note: PeerNote = {};

  /** `host` is what was connected to, at `address`. */
  constructor(
    library: TlsLibrary,
    rules: TlsClientContext,
    host: string | undefined,
    address: string,
  ) {
    this.library = library;
    this.rules = rules;
    this.secureContext = rules.secureContext;
    this.context = library.clientContext(this.secureContext);
    this.serverName = rules.serverNameFor(host);
    this.sessions = rules.sessions;
    this.peer = `${this.serverName ?? ""}|${address}`;
    this.verify = rules.options.verify ?? "full";
    this.protocols = rules.options.alpnProtocols;
  }

  begin(ssl: number): void {
    const { calls, functions } = this.library;
    this.ssl = ssl;
    functions.sslSetConnectState(ssl);
    // `refusal` judges the chain, so that the verdict is the same as Node's.
    functions.sslSetVerify(ssl, VERIFY_PEER, calls.takeAnyChain);
    const sentName = TlsClientContext.sentName(this.serverName);
    if (sentName !== "") {
      functions.sslControl(ssl, SET_HOST_NAME, HOST_NAME, Buffer.from(`${sentName}\0`));
    }
    if (this.protocols !== undefined) {
      const { bytes } = this.library.protocolList(this.protocols);
      functions.sslSetAlpn(ssl, bytes, bytes.length);
    }
    const session = this.sessions?.get(this.peer);
    if (session === undefined) return;
    this.note = session;
    this.resume(session.bytes);
  }

  private resume(der: Buffer): void {
    const { functions } = this.library;
    const pointer = new BigUint64Array([BigInt(functions.addressOf(der))]);
    const session = functions.sessionFromDer(0, new Uint8Array(pointer.buffer), der.length);
    if (session === 0) return;
    functions.sslSetSession(this.ssl, session);
    functions.sessionFree(session);
  }

  chooseCertificate(): number {
    return GO_ON;
  }

  chooseProtocol(): number {
    return NOT_TAKEN;
  }

  sessionCame(session: number): void {
    if (this.sessions === undefined) return;
    const { functions } = this.library;
    const der = derOf(this.library, (pointer) => functions.sessionToDer(session, pointer));
    if (this.isGood) this.sessions.keep(this.peer, der, this.note);
    else this.came = der;
  }

  refusal(): NetError | undefined {
    const problem = this.problem();
    if (problem !== undefined) return problem;
    this.isGood = true;
    if (this.came !== undefined) this.sessions?.keep(this.peer, this.came, this.note);
    this.came = undefined;
    return undefined;
  }

  /** What is wrong with the peer, which OpenSSL has looked at where trust counts. */
  private problem(): NetError | undefined {
    const { verify, library, serverName, ssl } = this;
    if (verify === "none") return undefined;
    if (verify === "full") {
      const code = verdict(library, ssl);
      if (code !== undefined) return certificateError(code, serverName, undefined);
    }
    // The certificate of a resumed session was checked when the session began.
    if (isReused(library, ssl)) return undefined;
    const certificate = peerCertificate(library, ssl);
    if (certificate === undefined) return certificateError("UNSPECIFIED", serverName, undefined);
    if (verify === "full") this.note = { validUntilMs: TlsClientContext.validUntilMs(certificate) };
    const error = this.rules.identityError(serverName, certificate);
    if (error === undefined) return undefined;
    if (verify === "pin") return certificateError("PIN_MISMATCH", serverName, error);
    return tlsError(error, "handshake", serverName);
  }

  failure(error: Error): NetError {
    return tlsError(error, "handshake", this.serverName);
  }

  info(): TlsInfo {
    return sessionInfo(this.library, this.ssl, (certificate) => ({
      isAsked: true,
      problem: this.verify === "pin" ? undefined : this.toldProblem(certificate),
    }));
  }

  /** What is told of a peer that is accepted: with `none` that may be anybody. */
  private toldProblem(certificate: PeerCertificate | undefined): string | undefined {
    const { library, serverName, ssl, verify } = this;
    const code = verdict(library, ssl);
    if (code !== undefined || verify === "full") return code;
    if (certificate === undefined) return "UNSPECIFIED";
    return TlsClientContext.nameProblem(serverName, certificate);
  }
}
