/** The server's side of a session. */
import type { SecureContext } from "node:tls";
import { NetError } from "../../errors.js";
import { certificateError, noCertificateError, tlsError } from "../tls/tls-error.js";
import type { TlsServerContext } from "../tls/tls-server-context.js";
import type { TlsInfo } from "../tls-options.js";
import { FATAL, GO_ON, NOT_TAKEN, OK, REFUSE, WAIT } from "./session-calls.js";
import { peerCertificate, sessionInfo, verdict } from "./session-info.js";
import type { TlsLibrary } from "./tls-library.js";
import type { Side } from "./tls-session.js";

const VERIFY_PEER = 1;
const VERIFY_FAIL_WITHOUT = 2;
const HOST_NAME = 0;
const NEGOTIATED = 1;

/** What a server asks for, and whom it accepts. */
export class ServerSide implements Side {
  readonly context: number;
  private readonly library: TlsLibrary;
  private readonly rules: TlsServerContext;
  /** The certificate that was asked for is there: the handshake can go on. */
  private readonly onCertificate: () => void;
  /** Those that are used: they must live as long. */
  private readonly secureContexts: SecureContext[];
  private readonly requirement: "none" | "request" | "require";
  private readonly protocols: readonly string[] | undefined;
  private ssl = 0;
  /** Which certificate a server name has: not asked, asked, known. */
  private choice: "open" | "asked" | "made" = "open";
  private chosen: SecureContext | undefined = undefined;
  private choiceError: Error | undefined = undefined;

  constructor(library: TlsLibrary, rules: TlsServerContext, onCertificate: () => void) {
    this.library = library;
    this.rules = rules;
    this.onCertificate = onCertificate;
    const { main } = rules;
    this.secureContexts = [main];
    this.context = library.serverContext(main);
    this.requirement = rules.options.clientCertificate ?? "none";
    this.protocols = rules.options.alpnProtocols;
  }

  begin(ssl: number): void {
    const { calls, functions } = this.library;
    this.ssl = ssl;
    functions.sslSetAcceptState(ssl);
    // `refusal` judges the chain, so that the verdict is the same as Node's.
    if (this.requirement !== "none") {
      const mode = this.requirement === "require" ? VERIFY_FAIL_WITHOUT : 0;
      functions.sslSetVerify(ssl, VERIFY_PEER | mode, calls.takeAnyChain);
    }
    if (this.rules.hasNames) functions.sslSetCertificateCall(ssl, calls.certificate, 0);
  }

  chooseCertificate(): number {
    if (this.choice === "open") this.askForCertificate();
    if (this.choice === "asked") return WAIT;
    if (this.choiceError !== undefined) return REFUSE;
    if (this.chosen !== undefined) {
      this.library.functions.sslSetContext(this.ssl, this.library.serverContext(this.chosen));
      this.secureContexts.push(this.chosen);
      this.chosen = undefined;
    }
    return GO_ON;
  }

  private askForCertificate(): void {
    const name = this.library.functions.sslServerName(this.ssl, HOST_NAME) ?? "";
    if (name === "") {
      this.choice = "made";
      return;
    }
    let isLate = false;
    this.choice = "asked";
    this.rules.find(name, (error, context) => {
      this.choice = "made";
      this.choiceError = error ?? undefined;
      this.chosen = context;
      if (isLate) this.onCertificate();
    });
    isLate = true;
  }

  chooseProtocol(out: number, outLength: number, theirs: number, theirLength: number): number {
    if (this.protocols === undefined) return NOT_TAKEN;
    const { bytes, address } = this.library.protocolList(this.protocols);
    const { functions } = this.library;
    const result = functions.selectProtocol(
      out,
      outLength,
      address,
      bytes.length,
      theirs,
      theirLength,
    );
    return result === NEGOTIATED ? OK : FATAL;
  }

  sessionCame(): void {
    // Clients keep their sessions, in tickets.
  }

  refusal(): NetError | undefined {
    if (this.requirement !== "require") return undefined;
    const code = verdict(this.library, this.ssl);
    if (code !== undefined) return certificateError(code, "the client", undefined);
    return peerCertificate(this.library, this.ssl) === undefined ? noCertificateError() : undefined;
  }

  failure(error: Error): NetError {
    const { choiceError } = this;
    if (choiceError instanceof NetError) return choiceError;
    return tlsError(error, "handshake");
  }

  info(): TlsInfo {
    return sessionInfo(this.library, this.ssl, (certificate) => ({
      isAsked: certificate !== undefined,
      problem: certificate === undefined ? undefined : verdict(this.library, this.ssl),
    }));
  }
}
