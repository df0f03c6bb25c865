/**
 * The one place where an operating system's error names become codes of ours. Errors are read by
 * their name (`ECONNRESET`), never by their message.
 */
import { ERROR_CODES, NetError, type NetErrorCode, type Operation } from "../errors.js";

const CODES: Readonly<Record<string, NetErrorCode>> = {
  EADDRINUSE: "ADDRESS_IN_USE",
  EADDRNOTAVAIL: "ADDRESS_NOT_AVAILABLE",
  // The address family is switched off, as IPv6 often is in containers.
  EAFNOSUPPORT: "ADDRESS_NOT_AVAILABLE",
  EACCES: "ACCESS_DENIED",
  EPERM: "ACCESS_DENIED",
  ENOTFOUND: "HOST_NOT_FOUND",
  ENODATA: "HOST_NOT_FOUND",
  EAI_NONAME: "HOST_NOT_FOUND",
  EAI_NODATA: "HOST_NOT_FOUND",
  EAI_ADDRFAMILY: "HOST_NOT_FOUND",
  ESERVFAIL: "RESOLVE_FAILED",
  ETIMEOUT: "RESOLVE_FAILED",
  EHOSTUNREACH: "HOST_UNREACHABLE",
  EHOSTDOWN: "HOST_UNREACHABLE",
  ENETUNREACH: "HOST_UNREACHABLE",
  ENETDOWN: "HOST_UNREACHABLE",
  ENONET: "HOST_UNREACHABLE",
  ECONNREFUSED: "CONNECTION_REFUSED",
  ECONNRESET: "CONNECTION_RESET",
  ECONNABORTED: "CONNECTION_RESET",
  EPIPE: "CONNECTION_RESET",
  ENOTCONN: "CONNECTION_RESET",
  ETIMEDOUT: "SYSTEM_TIMEOUT",
  EMFILE: "DESCRIPTORS_EXHAUSTED",
  ENFILE: "DESCRIPTORS_EXHAUSTED",
  EMSGSIZE: "DATAGRAM_TOO_LONG",
  ENOBUFS: "NO_BUFFERS",
  ENOMEM: "NO_BUFFERS",
};

/** Names that mean something else while a connection is being made: no socket listens at the path. */
const CONNECT_CODES: Readonly<Record<string, NetErrorCode>> = {
  ENOENT: "CONNECTION_REFUSED",
  ENOTSOCK: "CONNECTION_REFUSED",
};

/** And while one listens: the folder of the path is not there. */
const LISTEN_CODES: Readonly<Record<string, NetErrorCode>> = {
  ENOENT: "ADDRESS_NOT_AVAILABLE",
  ENOTDIR: "ADDRESS_NOT_AVAILABLE",
};

/** And where datagrams are received: what was sent before has met a host or a router that does not let it through. */
const RECEIVE_CODES: Readonly<Record<string, NetErrorCode>> = {
  EACCES: "HOST_UNREACHABLE",
  ENOPROTOOPT: "HOST_UNREACHABLE",
  EOPNOTSUPP: "HOST_UNREACHABLE",
  EPROTO: "HOST_UNREACHABLE",
};

const OPERATION_CODES: Partial<Record<Operation, Readonly<Record<string, NetErrorCode>>>> = {
  connect: CONNECT_CODES,
  listen: LISTEN_CODES,
  receive: RECEIVE_CODES,
};

function codeOf(errnoName: string, operation: Operation): NetErrorCode {
  const code = OPERATION_CODES[operation]?.[errnoName] ?? CODES[errnoName];
  if (code !== undefined) return code;
  return errnoName.startsWith("EAI_") ? "RESOLVE_FAILED" : "SYSTEM_ERROR";
}

/**
 * The NetError for an error of the operating system. `errnoName` is kept as `systemCode`; names that
 * have no code of their own give `SYSTEM_ERROR`. `addressText` is put into the message.
 */
export function systemError(
  errnoName: string,
  operation: Operation,
  cause?: unknown,
  addressText?: string,
): NetError {
  const code = codeOf(errnoName, operation);
  const where = addressText === undefined ? "" : `: ${addressText}`;
  return new NetError(code, `${ERROR_CODES[code].text}${where} (${errnoName})`, {
    operation,
    systemCode: errnoName,
    cause,
  });
}

/** The error for a name that has no address. */
export function noAddress(host: string): NetError {
  const text = `${ERROR_CODES.HOST_NOT_FOUND.text}: ${JSON.stringify(host)}`;
  return new NetError("HOST_NOT_FOUND", text, { operation: "resolve" });
}

/** The operating system's name of an error that Node threw or emitted; `UNKNOWN` without one. */
export function errnoNameOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    return error.code;
  }
  return "UNKNOWN";
}

/**
 * What an error of accept(2) means: `peer` concerns one connection that died before it was accepted,
 * `exhausted` passes when descriptors or memory come back, `fatal` breaks the listener.
 */
export type AcceptErrorKind = "peer" | "exhausted" | "fatal";

const ACCEPT_ERRORS: Readonly<Record<string, AcceptErrorKind>> = {
  // accept(2): Linux hands errors of the new connection's network on; they are to be retried.
  ECONNABORTED: "peer",
  ECONNRESET: "peer",
  EPROTO: "peer",
  ENOPROTOOPT: "peer",
  EOPNOTSUPP: "peer",
  EHOSTDOWN: "peer",
  EHOSTUNREACH: "peer",
  ENETDOWN: "peer",
  ENETUNREACH: "peer",
  ENONET: "peer",
  ETIMEDOUT: "peer",
  EINTR: "peer",
  EAGAIN: "peer",
  // A firewall rule forbids this one peer.
  EPERM: "peer",
  EMFILE: "exhausted",
  ENFILE: "exhausted",
  ENOBUFS: "exhausted",
  ENOMEM: "exhausted",
};

/** See {@link AcceptErrorKind}; names that are not in the table are `fatal`. */
export function acceptErrorKind(errnoName: string): AcceptErrorKind {
  return ACCEPT_ERRORS[errnoName] ?? "fatal";
}

/** Errors of a datagram socket that tell of a datagram which left before: all that ICMP becomes, of either version. */
const REFUSALS: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENONET",
  "ENOPROTOOPT",
  "EOPNOTSUPP",
  "EACCES",
  "EPROTO",
  // Too long for a path, which a router has told of (RFC 1191, RFC 8201).
  "EMSGSIZE",
]);

/** Errors of a datagram socket that pass by themselves. */
const PASSING: ReadonlySet<string> = new Set([
  "ENETDOWN",
  "ENOBUFS",
  "ENOMEM",
  "EPERM",
  "ECANCELED",
  "EINTR",
  "EAGAIN",
]);

/** What an error of receiving datagrams means: of one that left before, passing, or the socket's end. */
export function datagramErrorKind(errnoName: string): "refusal" | "passing" | "fatal" {
  if (REFUSALS.has(errnoName)) return "refusal";
  return PASSING.has(errnoName) ? "passing" : "fatal";
}
