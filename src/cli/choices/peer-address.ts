import { type ConnectOptions, parseHostPort } from "../../index.js";
import { quoted, UsageError } from "../command-line.js";

/** A peer as it was typed, and how to connect to it. */
export interface PeerAddress {
  /** For messages: `127.0.0.1:5555`, `[::1]:5555`, or the path. */
  readonly text: string;
  readonly connect: ConnectOptions;
}

/** Reads `HOST:PORT` or `[IPV6]:PORT`, or takes the path of a Unix-domain socket instead. */
export function readPeerAddress(words: readonly string[], path: string | undefined): PeerAddress {
  const [text] = words;
  if (path !== undefined) {
    if (text !== undefined) throw new UsageError(`take either ${quoted(text)} or --path`);
    return { text: path, connect: { path } };
  }
  if (text === undefined) throw new UsageError("where to? Name HOST:PORT, or a socket with --path");
  if (/^https?:/i.test(text)) {
    throw new UsageError(`${quoted(text)} is a URL of HTTP: \`hp-socket http\` asks for those`);
  }
  const peer = parseHostPort(text);
  if (peer === undefined || peer.port === 0) {
    const what = text.includes("://") ? "is no URL that is taken here, nor" : "is not";
    throw new UsageError(`${quoted(text)} ${what} HOST:PORT, such as 127.0.0.1:5555 or [::1]:5555`);
  }
  const { host, port } = peer;
  return { text, connect: { host, port } };
}
