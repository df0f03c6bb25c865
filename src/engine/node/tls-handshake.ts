/**
 * The handshake on a socket that is open: the TLS socket takes over its handle, and from then on
 * plain bytes are neither read from it nor written to it.
 */
import type { Socket } from "node:net";
import type { DetailedPeerCertificate, PeerCertificate, TLSSocket } from "node:tls";
import { NetError } from "../../errors.js";
import { tlsModule } from "../built-in.js";
import { peerCertificateOf } from "../tls/peer-certificate.js";
import { type PeerNote, TlsClientContext } from "../tls/tls-client-context.js";
import { certificateError, noCertificateError } from "../tls/tls-error.js";
import { TlsServerContext } from "../tls/tls-server-context.js";
import type { TlsContext, TlsInfo } from "../tls-options.js";

/** Gets the end of a handshake; errors come as the socket's `error`. */
export interface HandshakeSink {
  secured(): void;
  /** The certificate of the peer is not accepted. */
  refused(error: NetError): void;
}

/** What is wrong with the names of servers that are taken all the same. */
const nameProblems: WeakMap<TLSSocket, string> = new WeakMap();

/** Begins the handshake. `host` is what a client connected to. */
export function beginHandshake(
  socket: Socket,
  context: TlsContext,
  host: string | undefined,
  sink: HandshakeSink,
): TLSSocket {
  if (context instanceof TlsServerContext) return serve(socket, context, sink);
  if (context instanceof TlsClientContext) return ask(socket, context, host, sink);
  throw new NetError("INVALID_ARGUMENT", "the TLS context was made by another engine");
}

function serve(socket: Socket, context: TlsServerContext, sink: HandshakeSink): TLSSocket {
  const { clientCertificate = "none", alpnProtocols } = context.options;
  const isRequired = clientCertificate === "require";
  const { TLSSocket } = tlsModule();
  const secure = new TLSSocket(socket, {
    isServer: true,
    secureContext: context.main,
    requestCert: clientCertificate !== "none",
    // Only a client without any certificate is refused by OpenSSL itself, with an alert.
    rejectUnauthorized: isRequired,
    ...(context.hasNames && {
      SNICallback: (name, answer) => context.find(textOf(name), answer),
    }),
    ...(alpnProtocols !== undefined && { ALPNProtocols: [...alpnProtocols] }),
  });
  secure.on("secure", () => {
    const problem = isRequired ? clientProblem(secure) : undefined;
    if (problem === undefined) sink.secured();
    else sink.refused(problem);
  });
  // Node reports an error behind the handshake only to its own servers, and goes on.
  secure.on("_tlsError", (error: Error) => void secure.destroy(error));
  return secure;
}

/** What is wrong with the certificate that a client has shown, or not shown. */
function clientProblem(secure: TLSSocket): NetError | undefined {
  if (secure.getPeerX509Certificate() === undefined) return noCertificateError();
  const code = verifyCode(secure);
  return code === undefined ? undefined : certificateError(code, "the client", undefined);
}

/**
 * OpenSSL's verdict on the client's chain; undefined when it is good. Node shows it only through the
 * TLS handle; where that can't be asked, the certificate counts as not accepted.
 */
function verifyCode(secure: TLSSocket): string | undefined {
  const handle: unknown = Reflect.get(secure, "ssl") ?? Reflect.get(secure, "_handle");
  if (typeof handle !== "object" || handle === null || !("verifyError" in handle)) {
    return "CERT_UNTRUSTED";
  }
  const { verifyError } = handle;
  if (typeof verifyError !== "function") return "CERT_UNTRUSTED";
  const error: unknown = verifyError.call(handle);
  if (error === null || error === undefined) return undefined;
  return typeof error === "object" && "code" in error ? String(error.code) : "CERT_UNTRUSTED";
}

function ask(
  socket: Socket,
  context: TlsClientContext,
  host: string | undefined,
  sink: HandshakeSink,
): TLSSocket {
  const { verify = "full", alpnProtocols } = context.options;
  const serverName = context.serverNameFor(host);
  const { sessions } = context;
  const peer = `${serverName ?? ""}|${socket.remoteAddress ?? ""}|${socket.remotePort ?? ""}`;
  const kept = sessions?.get(peer);
  let { nameProblem, validUntilMs }: PeerNote = kept ?? {};
  const secure = tlsModule().connect({
    socket,
    secureContext: context.secureContext,
    servername: TlsClientContext.sentName(serverName),
    rejectUnauthorized: verify === "full",
    checkServerIdentity: (_name, certificate) => {
      if (verify === "full") validUntilMs = TlsClientContext.validUntilMs(certificate);
      return context.identityError(serverName, certificate);
    },
    ...(kept !== undefined && { session: kept.bytes }),
    ...(alpnProtocols !== undefined && { ALPNProtocols: [...alpnProtocols] }),
  });
  // Only sessions of peers that were found good are kept: a resumed one shows no certificate.
  let isGood = false;
  let ticket: Buffer | undefined;
  if (sessions !== undefined) {
    secure.on("session", (given) => {
      ticket = given;
      if (isGood) sessions.keep(peer, given, { nameProblem, validUntilMs });
    });
  }
  secure.on("secureConnect", () => {
    const problem = verify === "pin" ? pinProblem(secure, context, serverName) : undefined;
    if (problem !== undefined) {
      sink.refused(problem);
      return;
    }
    isGood = true;
    if (verify === "none") {
      if (!secure.isSessionReused()) {
        nameProblem = TlsClientContext.nameProblem(serverName, secure.getPeerCertificate());
      }
      if (nameProblem !== undefined) nameProblems.set(secure, nameProblem);
    }
    if (ticket !== undefined) sessions?.keep(peer, ticket, { nameProblem, validUntilMs });
    sink.secured();
  });
  return secure;
}

/** With `pin` Node's own verdict does not count; a resumed session was looked at when it began. */
function pinProblem(
  secure: TLSSocket,
  context: TlsClientContext,
  serverName: string | undefined,
): NetError | undefined {
  if (secure.isSessionReused()) return undefined;
  const problem = context.identityError(serverName, secure.getPeerCertificate());
  return problem && certificateError("PIN_MISMATCH", serverName, problem);
}

/** What is known of a secured socket. `context` tells what was asked of the peer. */
export function tlsInfoOf(secure: TLSSocket, context: TlsContext): TlsInfo {
  const cipher = secure.getCipher();
  const certificate: PeerCertificate | DetailedPeerCertificate = secure.getPeerCertificate(false);
  const isShown = Object.keys(certificate ?? {}).length > 0;
  const problem = authorizationProblem(secure, context, isShown);
  const isAsked = isShown || context.role === "client";
  return {
    protocol: secure.getProtocol() ?? "",
    cipher: cipher.standardName ?? cipher.name,
    serverName: serverNameOf(secure),
    alpnProtocol: secure.alpnProtocol ? textOf(secure.alpnProtocol) : undefined,
    isResumed: secure.isSessionReused(),
    isAuthorized: isAsked && problem === undefined,
    authorizationError: isAsked ? problem : undefined,
    peerCertificate: isShown ? peerCertificateOf(certificate) : undefined,
  };
}

function serverNameOf(secure: TLSSocket): string | undefined {
  const name: unknown = Reflect.get(secure, "servername");
  return typeof name === "string" && name !== "" ? textOf(name) : undefined;
}

/** A name that was received: Node decodes it as Latin-1. */
function textOf(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString();
}

function authorizationProblem(
  secure: TLSSocket,
  context: TlsContext,
  isShown: boolean,
): string | undefined {
  if (context.role === "server") return isShown ? verifyCode(secure) : undefined;
  if (context instanceof TlsClientContext && context.options.verify === "pin") return undefined;
  if (secure.authorized) return nameProblems.get(secure);
  const error: unknown = secure.authorizationError;
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
