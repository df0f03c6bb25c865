import { quoted, UsageError } from "../command-line.js";

/** Reads the URL of an HTTP server; without a scheme it is one of plain HTTP. */
export function readUrl(text: string | undefined): URL {
  if (text === undefined)
    throw new UsageError("which URL? Name one, such as http://127.0.0.1:8080/");
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(whole)) throw new UsageError(`${quoted(text)} is no URL`);
  const url = new URL(whole);
  if (url.protocol === "http:" || url.protocol === "https:") return url;
  throw new UsageError(`${quoted(text)} is no URL of HTTP`);
}

/** Whether a word of the command line is a URL of HTTP. */
export function isUrl(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

/** Reads the URL of a WebSocket. */
export function readSocketUrl(text: string | undefined): URL {
  if (text === undefined) throw new UsageError("which URL? Name one, such as ws://127.0.0.1:8080/");
  if (!URL.canParse(text)) throw new UsageError(`${quoted(text)} is no URL`);
  const url = new URL(text);
  if (url.hash !== "")
    throw new UsageError(`${quoted(text)} has a fragment, which no WebSocket has`);
  return url;
}

/** Whether a word of the command line is a URL of a WebSocket. */
export function isSocketUrl(text: string): boolean {
  return /^wss?:\/\//i.test(text);
}

/** Where the server of a URL is. */
export function addressOf(
  { hostname, port }: URL,
  isSecure: boolean,
): { readonly host: string; readonly port: number } {
  return {
    host: hostname.startsWith("[") ? hostname.slice(1, -1) : hostname,
    port: port === "" ? (isSecure ? 443 : 80) : Number(port),
  };
}
