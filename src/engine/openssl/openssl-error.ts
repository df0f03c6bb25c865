/** Errors of OpenSSL, with the code and the reason that Node gives them. */
import type { OpenSsl } from "./openssl-functions.js";

/** What OpenSSL has put into its queue. */
export class OpenSslError extends Error {
  /** `ERR_SSL_` and the reason, as Node has it; empty where OpenSSL gives none. */
  readonly code: string;
  readonly reason: string;
  readonly library: string;

  constructor(number: number, reason: string, library: string) {
    super(`error:${number.toString(16).toUpperCase().padStart(8, "0")}:${library}:${reason}`);
    this.name = "OpenSslError";
    this.reason = reason;
    this.library = library;
    this.code = reason === "" ? "" : `ERR_SSL_${reason.replaceAll(" ", "_").toUpperCase()}`;
  }
}

const LIBRARY_SHIFT = 23;
const LIBRARY_MASK = 0xff;
/** `ERR_LIB_SSL`. */
const SSL_LIBRARY = 20;
const REASON_MASK = 0x7f_ffff;
/** `SSL_AD_REASON_OFFSET`: reasons from here on are alerts of the peer. */
const ALERTS_FROM = 1_000;

/**
 * Takes all errors out of the queue, and returns the first error of TLS, which is the cause: later ones are its
 * consequences. Undefined if there is none: then other users of keys and certificates have left the errors there.
 */
export function takeTlsError(functions: OpenSsl): OpenSslError | undefined {
  let first = 0;
  for (let number = functions.takeError(); number !== 0; number = functions.takeError()) {
    const isTls = ((number >>> LIBRARY_SHIFT) & LIBRARY_MASK) === SSL_LIBRARY;
    if (isTls && first === 0) first = number;
  }
  return first === 0 ? undefined : errorOf(functions, first);
}

/** OpenSSL has no text for alerts that it does not know. */
function reasonWithoutText(reason: number): string {
  return reason < ALERTS_FROM ? `reason ${reason}` : `alert number ${reason - ALERTS_FROM}`;
}

/** Takes all errors out of the queue, and returns the oldest; undefined where there is none. */
export function takeOpenSslError(functions: OpenSsl): OpenSslError | undefined {
  const number = functions.takeError();
  if (number === 0) return undefined;
  functions.clearErrors();
  return errorOf(functions, number);
}

function errorOf(functions: OpenSsl, number: number): OpenSslError {
  const reason = functions.errorReason(number) ?? reasonWithoutText(number & REASON_MASK);
  return new OpenSslError(number, reason, functions.errorLibrary(number) ?? "");
}
