/**
 * Every error of the library is a {@link NetError}. The table below is the single source of the
 * codes: whose fault each one is, and what it says. `docs/errors.md` is checked against it.
 */
import { closestWord } from "./closest-word.js";

/** Whose fault an error is. `limit`: a named limit or deadline of ours was reached. */
export type Fault = "usage" | "local" | "remote" | "system" | "limit";

/** What was being done when the error happened. */
export type Operation =
  | "configure"
  | "listen"
  | "resolve"
  | "accept"
  | "connect"
  | "handshake"
  | "send"
  | "receive"
  | "request"
  | "close";

/** Code → whose fault, and the sentence used when no better one is at hand. */
export const ERROR_CODES = {
  INVALID_ARGUMENT: { fault: "usage", text: "an argument or option has a value it can't have" },
  INVALID_STATE: { fault: "usage", text: "the call is not possible in the present state" },
  SETTING_FIXED: { fault: "usage", text: "the setting can't be changed while running" },
  NOT_SUPPORTED: { fault: "usage", text: "the engine or the platform can't do this" },
  ENGINE_UNAVAILABLE: { fault: "usage", text: "the engine that was asked for can't run here" },
  PACKET_INVALID: { fault: "usage", text: "the data can't be sent as a packet of this model" },
  FILE_INVALID: { fault: "usage", text: "the file can't be sent" },

  REFUSED: { fault: "local", text: "a handler refused the connection" },
  ADDRESS_REFUSED: { fault: "local", text: "allowAddress lets none of the host's addresses pass" },
  HANDLER_FAILED: { fault: "local", text: "a handler threw or rejected" },
  ABORTED: { fault: "local", text: "the operation was aborted" },
  CONNECTION_CLOSED: { fault: "local", text: "the connection is closed" },
  DUPLICATE_KEY: { fault: "local", text: "another connection has the same key" },
  STOPPED: { fault: "local", text: "the component was stopped" },

  PACKET_MALFORMED: { fault: "remote", text: "the peer sent a malformed packet" },
  PACKET_TRUNCATED: { fault: "remote", text: "the peer finished in the middle of a packet" },

  TLS_FAILED: { fault: "remote", text: "the TLS handshake or a record failed" },
  TLS_CERTIFICATE: { fault: "remote", text: "the peer's certificate is not accepted" },
  TLS_TRUNCATED: { fault: "remote", text: "the peer finished without close_notify" },
  TLS_NAME_UNKNOWN: { fault: "remote", text: "there is no destination for the server name" },
  TLS_PLAINTEXT: { fault: "remote", text: "plain bytes came where TLS had to begin" },

  HTTP_MALFORMED: { fault: "remote", text: "the peer sent what HTTP/1.1 does not allow" },
  HTTP_TRUNCATED: { fault: "remote", text: "the peer finished in the middle of a message" },
  HTTP_VERSION_UNSUPPORTED: { fault: "remote", text: "the peer speaks another version of HTTP" },
  HTTP_CODING_UNSUPPORTED: { fault: "remote", text: "a transfer coding that is not understood" },
  HTTP_LINE_TOO_LONG: { fault: "limit", text: "a start line is longer than maxStartLineBytes" },
  HTTP_METHOD_TOO_LONG: { fault: "limit", text: "a method is longer than maxStartLineBytes" },
  HTTP_HEAD_TOO_LARGE: { fault: "limit", text: "a head or a trailer section is above its limits" },
  HTTP_BODY_TOO_LARGE: { fault: "limit", text: "a body is longer than maxBodyBytes" },
  HTTP_INTERIM_LIMIT: { fault: "limit", text: "more than maxInterimResponses responses 1xx came" },
  HTTP_QUEUE_FULL: { fault: "limit", text: "maxQueued requests wait for a connection" },
  HTTP_QUEUE_TIMEOUT: {
    fault: "limit",
    text: "no connection was free for a request within queueTimeoutMs",
  },
  HTTP_HEAD_TIMEOUT: { fault: "limit", text: "no head came within headTimeoutMs" },
  HTTP_BODY_TIMEOUT: { fault: "limit", text: "no byte of the body came within bodyTimeoutMs" },
  HTTP_REQUEST_TIMEOUT: {
    fault: "limit",
    text: "a request did not come whole within requestTimeoutMs",
  },
  HTTP_RESPONSE_TIMEOUT: {
    fault: "limit",
    text: "the handler did not respond within responseTimeoutMs",
  },
  HTTP_SEND_TIMEOUT: {
    fault: "limit",
    text: "the peer took no byte of a response within sendTimeoutMs",
  },
  HTTP_REDIRECT_LIMIT: { fault: "limit", text: "more than maxRedirects redirects" },
  HTTP_REDIRECT_REFUSED: { fault: "remote", text: "a redirect that can't be followed" },
  HTTP_CONTENT_UNSUPPORTED: {
    fault: "remote",
    text: "content of a type or coding that is not taken",
  },
  HTTP_CONTENT_MALFORMED: { fault: "remote", text: "the content can't be decoded" },
  HTTP_CONTENT_TOO_LARGE: {
    fault: "limit",
    text: "the content grows above maxDecodedBytes or maxDecodedRatio",
  },

  PROXY_UNREACHABLE: { fault: "remote", text: "no connection to the proxy could be made" },
  PROXY_REFUSED: { fault: "remote", text: "the proxy did not make the tunnel" },
  PROXY_AUTHENTICATION: { fault: "remote", text: "the proxy does not accept the credentials" },
  PROXY_DESTINATION: { fault: "remote", text: "the proxy could not reach the destination" },
  PROXY_MALFORMED: { fault: "remote", text: "the proxy, or its client, broke the protocol" },
  PROXY_HEADER_MALFORMED: { fault: "remote", text: "no PROXY header came, or a malformed one" },
  PROXY_HEADER_TOO_LONG: { fault: "limit", text: "a PROXY header is longer than maxHeaderBytes" },

  WEBSOCKET_HANDSHAKE: { fault: "remote", text: "the peer's handshake is no WebSocket's" },
  WEBSOCKET_MALFORMED: { fault: "remote", text: "the peer sent what RFC 6455 does not allow" },
  WEBSOCKET_TEXT_INVALID: { fault: "remote", text: "the peer sent text that is no UTF-8" },
  WEBSOCKET_CONTENT_MALFORMED: { fault: "remote", text: "a message that can't be inflated" },
  WEBSOCKET_TRUNCATED: { fault: "remote", text: "the peer finished without a Close frame" },
  WEBSOCKET_TOO_LONG: { fault: "limit", text: "a frame or a message is above its limits" },
  WEBSOCKET_FLOOD: { fault: "limit", text: "too many fragments, or pings and pongs, in a message" },
  WEBSOCKET_PONG_TIMEOUT: { fault: "limit", text: "no pong came within pongTimeoutMs" },

  POOL_FULL: { fault: "limit", text: "maxWaiting takers wait for a connection of the pool" },
  CHECK_FAILED: { fault: "remote", text: "a health check of a destination failed" },
  POOL_TIMEOUT: { fault: "limit", text: "no connection of the pool was free in time" },

  PACKET_TOO_LONG: { fault: "limit", text: "a received packet is longer than maxPacketBytes" },
  SEND_QUEUE_FULL: { fault: "limit", text: "more bytes wait to be sent than maxPendingBytes" },
  DATAGRAM_TOO_LONG: { fault: "limit", text: "a datagram is too long" },
  SESSION_RATE_LIMIT: { fault: "limit", text: "too many sessions come from one network" },
  ARQ_DEAD_LINK: {
    fault: "limit",
    text: "the peer acknowledges nothing any more",
  },
  DETECT_TIMEOUT: { fault: "limit", text: "the peer sent nothing while it was probed" },
  CONNECTION_LIMIT: { fault: "limit", text: "there are maxConnections connections already" },
  ACCESS_REFUSED: { fault: "remote", text: "the lists of access don't let the address in" },
  ADDRESS_LIMIT: { fault: "limit", text: "an address has maxConnectionsPerAddress connections" },
  ADDRESS_RATE_LIMIT: { fault: "limit", text: "an address begins too many connections" },
  REQUEST_LIMIT: { fault: "limit", text: "maxRequestsInFlight requests wait for a response" },
  READ_LIMIT: { fault: "limit", text: "more bytes were asked for than maxUnreadBytes allows" },
  PROXY_HEADER_TIMEOUT: { fault: "limit", text: "no PROXY header came within timeoutMs" },
  CONNECT_TIMEOUT: { fault: "limit", text: "the connection was not made within timeoutMs" },
  HANDSHAKE_TIMEOUT: {
    fault: "limit",
    text: "the handshake was not finished within handshakeTimeoutMs",
  },
  HANDSHAKE_LIMIT: { fault: "limit", text: "maxHandshakes handshakes are under way" },
  IDLE_TIMEOUT: { fault: "limit", text: "nothing was received for idleTimeoutMs" },
  HEARTBEAT_TIMEOUT: { fault: "limit", text: "the peer answered no heartbeat" },
  DEADLINE_PASSED: { fault: "limit", text: "the deadline set for the connection has passed" },
  TOPIC_LIMIT: { fault: "limit", text: "no more topics can be subscribed to" },
  AGE_LIMIT: { fault: "limit", text: "the connection is older than allowed" },
  READ_TIMEOUT: { fault: "limit", text: "the read was not satisfied within timeoutMs" },
  REQUEST_TIMEOUT: { fault: "limit", text: "no response came within timeoutMs" },
  DRAIN_TIMEOUT: { fault: "limit", text: "the bytes were not sent within timeoutMs" },
  CLOSE_TIMEOUT: {
    fault: "limit",
    text: "the peer did not take the last bytes or finish within closeTimeoutMs",
  },

  ADDRESS_IN_USE: { fault: "system", text: "the address is in use" },
  ADDRESS_NOT_AVAILABLE: { fault: "system", text: "the address is not available here" },
  ACCESS_DENIED: { fault: "system", text: "the system does not permit this" },
  HOST_NOT_FOUND: { fault: "system", text: "the host name has no address" },
  RESOLVE_FAILED: { fault: "system", text: "the host name could not be looked up" },
  HOST_UNREACHABLE: { fault: "system", text: "the host or its network can't be reached" },
  CONNECTION_REFUSED: { fault: "remote", text: "the peer refused the connection" },
  CONNECTION_RESET: { fault: "remote", text: "the peer reset the connection" },
  SYSTEM_TIMEOUT: {
    fault: "remote",
    text: "the system gave the peer up: no acknowledgement came in time",
  },
  KEEPALIVE_TIMEOUT: {
    fault: "remote",
    text: "the peer's system answered no probe of keep-alive: it, or the way to it, is gone",
  },
  USER_TIMEOUT: {
    fault: "remote",
    text: "the peer's system acknowledged nothing of what was sent within userTimeoutMs",
  },
  COOKIE_FILE_MALFORMED: { fault: "system", text: "the file is no cookie file" },
  COOKIE_FILE_UNAVAILABLE: { fault: "system", text: "the cookie file can't be read or written" },
  DESCRIPTORS_EXHAUSTED: { fault: "system", text: "no file descriptor is left" },
  NO_BUFFERS: { fault: "system", text: "the system is out of memory or buffers" },
  SYSTEM_ERROR: { fault: "system", text: "the system reported an error" },
} as const;

/** A stable, documented error code; see `docs/errors.md`. */
export type NetErrorCode = keyof typeof ERROR_CODES;

/** What a {@link NetError} can carry besides its code and sentence. */
export interface NetErrorDetail {
  /** What was being done. */
  readonly operation?: Operation | undefined;
  /** Whose fault it is, where that differs from the code's own entry. */
  readonly fault?: Fault | undefined;
  /** What brought it about. */
  readonly cause?: unknown;
  /** The connection it belongs to. */
  readonly connectionId?: number | undefined;
  /** The operating system's name of the error, for example `ECONNRESET`. */
  readonly systemCode?: string | undefined;
}

/** Node can be told to keep its own objects as they are (`--frozen-intrinsics`). */
const CAN_LIMIT_STACK: boolean =
  Object.getOwnPropertyDescriptor(Error, "stackTraceLimit")?.writable === true;

/** The one error class. Switch on {@link NetError.code}; messages are for people and may change. */
export class NetError extends Error {
  /** Always `NetError`. */
  override readonly name: "NetError" = "NetError";
  /** Stable code. */
  readonly code: NetErrorCode;
  /** Whose fault it is. */
  readonly fault: Fault;
  /** What was being done, where known. */
  readonly operation: Operation | undefined;
  /** The connection it belongs to, where there is one. */
  readonly connectionId: number | undefined;
  /** The operating system's name of the error, where it came from there. */
  readonly systemCode: string | undefined;

  constructor(code: NetErrorCode, message?: string, detail: NetErrorDetail = {}) {
    const fault = detail.fault ?? ERROR_CODES[code].fault;
    const { stackTraceLimit } = Error;
    // What a peer does comes in an event, which no call leads to. To look for one is most of what
    // an error costs, and peers could make us do it as often as they like.
    if (fault === "remote" && CAN_LIMIT_STACK) Error.stackTraceLimit = 0;
    super(
      message ?? ERROR_CODES[code].text,
      detail.cause === undefined ? undefined : { cause: detail.cause },
    );
    if (fault === "remote" && CAN_LIMIT_STACK) Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
    this.fault = fault;
    this.operation = detail.operation;
    this.connectionId = detail.connectionId;
    this.systemCode = detail.systemCode;
  }
}

/** The error of an argument or option that can't be: `message` names it, what it can be, and the value. */
export function invalidArgument(message: string, detail: NetErrorDetail = {}): NetError {
  return new NetError("INVALID_ARGUMENT", message, { operation: "configure", ...detail });
}

/** Throws `INVALID_ARGUMENT` unless `value` is a whole number from `min` to `max`. */
export function assertInteger(name: string, value: unknown, min: number, max: number): void {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return;
  throw invalidArgument(
    `${name} must be a whole number from ${min} to ${max}, not ${describe(value)}`,
  );
}

/** Throws `INVALID_ARGUMENT` unless `value` is one of `choices`. */
export function assertOneOf(name: string, value: unknown, choices: readonly string[]): void {
  if (typeof value === "string" && choices.includes(value)) return;
  throw invalidArgument(`${name} must be one of ${choices.join(", ")}, not ${describe(value)}`);
}

/** Throws `INVALID_ARGUMENT` unless `value` is true or false. */
export function assertBoolean(name: string, value: unknown): void {
  if (typeof value === "boolean") return;
  throw invalidArgument(`${name} must be true or false, not ${describe(value)}`);
}

/** Throws `INVALID_ARGUMENT` unless `value` is text that is not empty. */
export function assertText(name: string, value: unknown): void {
  if (typeof value === "string" && value !== "") return;
  throw invalidArgument(`${name} must be text that is not empty, not ${describe(value)}`);
}

/** Throws `INVALID_ARGUMENT` unless `value` is a function. */
export function assertFunction(name: string, value: unknown): void {
  if (typeof value === "function") return;
  throw invalidArgument(`${name} must be a function, not ${describe(value)}`);
}

/** Throws `INVALID_ARGUMENT` unless `value` is an object, and no array. */
export function assertObject(name: string, value: unknown): asserts value is object {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (isObject && !ArrayBuffer.isView(value)) return; // bytes have names of their own: filter, find
  throw invalidArgument(`${name} must be an object, not ${describe(value)}`);
}

/** Throws `INVALID_ARGUMENT` for what is no object, and for a key that no option has: a misspelt option is never ignored. */
export function assertKnownKeys(name: string, value: object, known: readonly string[]): void {
  assertObject(name === "options" ? "the options" : `the options of ${name}`, value);
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const what = name === "options" ? "there is no option" : `${name} has no option`;
    throw invalidArgument(`${what} ${JSON.stringify(key)}${suggestion(key, known)}`);
  }
}

/**
 * What `read` returns. Where it throws `INVALID_ARGUMENT` for one of `options`, which it reads as if they stood alone, the
 * error names the option below `owner`: `agent.maxConnections`.
 */
export function readBelow<Result>(owner: string, options: object, read: () => Result): Result {
  assertObject(owner, options);
  return readRenamed(read, (message) => {
    const [said = "", unknown, known] = OPTION_SAID.exec(message) ?? [];
    if (!Object.hasOwn(options, unknown ?? known ?? "")) return message;
    if (unknown === undefined) return `${owner}.${message}`;
    return `${owner} has no option "${unknown}"${message.slice(said.length)}`;
  });
}

/** What `read` returns. What it says of the option `name` is said of `owner`: `tls.ca` becomes `toTls.ca`. */
export function readAs<Result>(owner: string, name: string, read: () => Result): Result {
  return readRenamed(read, (message) => message.replace(new RegExp(`^${name}\\b`), owner));
}

/** What `read` returns. Where it throws `INVALID_ARGUMENT`, `rename` makes the message of its message. */
export function readRenamed<Result>(
  read: () => Result,
  rename: (message: string) => string,
): Result {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof NetError) || error.code !== "INVALID_ARGUMENT") throw error;
    const { operation, cause } = error;
    throw invalidArgument(rename(error.message), { operation, cause });
  }
}

/** How messages begin: of an option that is not there, or of one with a wrong value. */
const OPTION_SAID = /^(?:there is no option "(\w+)"|(\w+))/;

/** Names that differ by capitals, one small slip or a unit at the end are taken for what was meant; else few are listed. */
function suggestion(key: string, known: readonly string[]): string {
  const alike = known.filter((name) => HANDLER_NAME.test(name) === HANDLER_NAME.test(key));
  const units = ["Ms", "Seconds", "Bytes", "Count"].map((unit) => key + unit);
  const meant = units.find((name) => known.includes(name)) ?? closestWord(key, alike);
  if (meant !== undefined) return `; did you mean ${meant}?`;
  if (known.length === 0) return ": it has none";
  if (known.length <= MAX_LISTED) return `; known: ${known.join(", ")}`;
  return ENDPOINT.has(key) ? ": it belongs to listen, connect or open" : "";
}

/** What other libraries take where a component is made. */
const ENDPOINT: ReadonlySet<string> = new Set(["host", "port", "path"]);

const HANDLER_NAME = /^on[A-Z]/;
const MAX_LISTED = 8;

/** A short text of any value, for messages. */
export function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 80));
  if (typeof value === "function") return "a function";
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array";
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}

/** Whether `thrown` is an error of ours. It may be anything, such as a proxy that throws when it is looked at. */
export function isNetError(thrown: unknown): thrown is NetError {
  try {
    return thrown instanceof NetError;
  } catch {
    return false;
  }
}

/** What a thrown value says. Never throws, whatever the value is: it may be anybody's. */
export function textOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : String(thrown);
  } catch {
    return "a value that has no text";
  }
}

/**
 * A callback of the library's own has thrown, which is a defect. It must neither unwind those who call others
 * behind it, nor be hidden: it is thrown again from a microtask of its own, and becomes the process's
 * `uncaughtException`.
 */
export function rethrowLater(defect: unknown): void {
  queueMicrotask(() => {
    throw defect;
  });
}
