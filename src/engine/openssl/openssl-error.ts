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

/** Takes all errors out of the queue, and answers the oldest; undefined where there is none. */
export function takeOpenSslError(functions: OpenSsl): OpenSslError | undefined {
  const number = functions.takeError();
  if (number === 0) return undefined;
  functions.clearErrors();
  const reason = functions.errorReason(number) ?? "";
  return new OpenSslError(number, reason, functions.errorLibrary(number) ?? "");
}
