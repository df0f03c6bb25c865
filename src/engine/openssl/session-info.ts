/** What is known of a secured session. */
import type { PeerCertificate } from "node:tls";
import { cryptoModule } from "../built-in.js";
import { peerCertificateOf } from "../tls/peer-certificate.js";
import type { TlsInfo } from "../tls-options.js";
import type { TlsLibrary } from "./tls-library.js";
import { verdictName } from "./verify-result.js";

const HOST_NAME = 0;

/** Whether the peer was accepted, as its side knows. */
export interface Authorization {
  /** Whether the peer was asked for a certificate, even if it has shown none. */
  readonly isAsked: boolean;
  /** What is wrong with the certificate. */
  readonly problem: string | undefined;
}

/** What is known of the session of `ssl`. */
export function sessionInfo(
  library: TlsLibrary,
  ssl: number,
  authorization: (certificate: PeerCertificate | undefined) => Authorization,
): TlsInfo {
  const { functions } = library;
  const certificate = peerCertificate(library, ssl);
  const { isAsked, problem } = authorization(certificate);
  const cipher = functions.sslGet0Cipher(ssl);
  const serverName = functions.sslServerName(ssl, HOST_NAME) ?? "";
  return {
    protocol: functions.sslVersion(ssl) ?? "",
    cipher: cipher === 0 ? "" : (functions.cipherName(cipher) ?? ""),
    serverName: serverName === "" ? undefined : serverName,
    alpnProtocol: alpnProtocol(library, ssl),
    isResumed: isReused(library, ssl),
    isAuthorized: isAsked && problem === undefined,
    authorizationError: isAsked ? problem : undefined,
    peerCertificate: certificate && peerCertificateOf(certificate),
  };
}

/** Whether an earlier session goes on. */
export function isReused(library: TlsLibrary, ssl: number): boolean {
  return library.functions.sslIsReused(ssl) === 1;
}

/** What OpenSSL says of the peer's chain; undefined when it is good. */
export function verdict(library: TlsLibrary, ssl: number): string | undefined {
  return verdictName(library.functions.sslVerifyResult(ssl));
}

/** The certificate that the peer has shown, as Node gives it. */
export function peerCertificate(library: TlsLibrary, ssl: number): PeerCertificate | undefined {
  const { functions } = library;
  const certificate = functions.sslGet1Certificate(ssl);
  if (certificate === 0) return undefined;
  let der: Buffer;
  try {
    der = derOf(library, (pointer) => functions.certificateToDer(certificate, pointer));
  } finally {
    functions.certificateFree(certificate);
  }
  // Node's own type of it is less exact.
  return new (cryptoModule().X509Certificate)(der).toLegacyObject() as unknown as PeerCertificate;
}

/** What `write` writes to where a pointer points; without one it tells how much that is. */
export function derOf(library: TlsLibrary, write: (pointer: Uint8Array | null) => number): Buffer {
  const byteCount = write(null);
  if (byteCount <= 0) throw new Error("OpenSSL can't write out what it has");
  const bytes = Buffer.allocUnsafeSlow(byteCount);
  const pointer = new BigUint64Array([BigInt(library.functions.addressOf(bytes))]);
  write(new Uint8Array(pointer.buffer));
  return bytes;
}

function alpnProtocol(library: TlsLibrary, ssl: number): string | undefined {
  const { functions, port } = library;
  const { scratch } = port;
  port.setScratchNumber(0, 0);
  port.setScratchNumber(8, 0);
  const bytes = new Uint8Array(scratch.buffer, scratch.byteOffset, 16);
  functions.sslGet0Alpn(ssl, bytes.subarray(0, 8), bytes.subarray(8));
  const byteCount = scratch.getUint32(8, true);
  if (byteCount === 0) return undefined;
  const name = Buffer.alloc(byteCount);
  functions.copyMemory(name, port.scratchNumber(0), byteCount);
  return name.toString();
}
