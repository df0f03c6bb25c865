/** What went wrong in TLS, as a NetError: whose certificate, for which name, and what else. */
import { NetError, type Operation } from "../../errors.js";
import { errnoNameOf, systemError } from "../system-error.js";

/** OpenSSL's, Node's and our names for certificates that are not accepted, and what they mean. */
const CERTIFICATE_CODES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "has expired",
  CERT_NOT_YET_VALID: "is not valid yet",
  CERT_REVOKED: "is revoked",
  CERT_REJECTED: "is rejected by its authority",
  CERT_UNTRUSTED: "is not trusted",
  CERT_SIGNATURE_FAILURE: "has a wrong signature",
  CERT_CHAIN_TOO_LONG: "has too long a chain",
  CRL_HAS_EXPIRED: "can't be checked: the list of revoked certificates has expired",
  CRL_NOT_YET_VALID: "can't be checked: the list of revoked certificates is not valid yet",
  UNABLE_TO_GET_CRL: "can't be checked: there is no list of revoked certificates for its issuer",
  DEPTH_ZERO_SELF_SIGNED_CERT: "is self-signed and not trusted",
  SELF_SIGNED_CERT_IN_CHAIN: "comes from an authority that is not trusted",
  UNABLE_TO_GET_ISSUER_CERT: "comes from an authority that is not known",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "comes from an authority that is not trusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "comes from an authority that is not trusted",
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: "comes from an authority whose key can't be read",
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: "has a signature that can't be read",
  UNABLE_TO_DECRYPT_CRL_SIGNATURE: "can't be checked: its authority's list can't be read",
  CRL_SIGNATURE_FAILURE: "can't be checked: the list of revoked certificates has a wrong signature",
  ERROR_IN_CERT_NOT_BEFORE_FIELD: "has no date from which on it is valid",
  ERROR_IN_CERT_NOT_AFTER_FIELD: "has no date until which it is valid",
  ERROR_IN_CRL_LAST_UPDATE_FIELD: "can't be checked: the list of revoked certificates has no date",
  ERROR_IN_CRL_NEXT_UPDATE_FIELD: "can't be checked: the list of revoked certificates has no date",
  PATH_LENGTH_EXCEEDED: "comes from an authority that may not issue it",
  UNSPECIFIED: "is not accepted",
  INVALID_CA: "comes from an authority that may not issue it",
  INVALID_PURPOSE: "is not for this purpose",
  HOSTNAME_MISMATCH: "is not for this name",
  ERR_TLS_CERT_ALTNAME_INVALID: "is not for this name",
};

/** Codes whose error says itself what is wrong. */
const TELLING_CODES: ReadonlySet<string> = new Set(["PIN_MISMATCH", "NO_NAME"]);

/** OpenSSL's errors for bytes that are not TLS. */
const PLAINTEXT_CODES: ReadonlySet<string> = new Set([
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_HTTP_REQUEST",
  "ERR_SSL_HTTPS_PROXY_REQUEST",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
]);

/** OpenSSL's error where a server requires a certificate. */
const NO_CLIENT_CERTIFICATE = "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE";

/** `TLS_CERTIFICATE` for a peer's certificate; `name` is the one it had to be for. */
export function certificateError(code: string, name: string | undefined, cause: unknown): NetError {
  const own = TELLING_CODES.has(code) && cause instanceof Error ? cause.message : undefined;
  const what = own ?? CERTIFICATE_CODES[code] ?? "is not accepted";
  const whose = name === undefined || name === "" ? "the peer" : name;
  const names = cause instanceof Error && "cert" in cause ? certificateNames(cause.cert) : "";
  return new NetError("TLS_CERTIFICATE", `the certificate of ${whose} ${what}${names} (${code})`, {
    operation: "handshake",
    cause,
    systemCode: code,
  });
}

/** `TLS_CERTIFICATE` for a client that has none. */
export function noCertificateError(cause?: unknown): NetError {
  return new NetError("TLS_CERTIFICATE", "the client has shown no certificate", {
    operation: "handshake",
    cause,
  });
}

/** The names that a certificate is for, where Node tells them. */
function certificateNames(certificate: unknown): string {
  if (typeof certificate !== "object" || certificate === null) return "";
  const names: unknown = Reflect.get(certificate, "subjectaltname");
  return typeof names === "string" ? `, but for ${names}` : "";
}

/** The NetError for an error of a secured socket, or of one that is being secured. */
export function tlsError(error: Error, operation: Operation, name?: string): NetError {
  if (error instanceof NetError) return error;
  const code = "code" in error ? String(error.code) : "";
  if (code in CERTIFICATE_CODES || TELLING_CODES.has(code)) {
    return certificateError(code, name, error);
  }
  if (code === NO_CLIENT_CERTIFICATE) return noCertificateError(error);
  const isNetwork = /^E[A-Z]+$/.test(code) && code !== "EPROTO";
  if (isNetwork && operation !== "handshake") {
    return systemError(errnoNameOf(error), operation, error);
  }
  const isPlain = operation === "handshake" && PLAINTEXT_CODES.has(code);
  let text = `TLS failed: ${"reason" in error ? String(error.reason) : error.message}`;
  if (isNetwork) text = "the peer broke off the handshake";
  if (isPlain) text = "the peer speaks no TLS";
  if (code !== "") text += ` (${code})`;
  const detail = { operation, cause: error, ...(code !== "" && { systemCode: code }) };
  return new NetError(isPlain ? "TLS_PLAINTEXT" : "TLS_FAILED", text, detail);
}
