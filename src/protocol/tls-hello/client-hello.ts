/**
 * The ClientHello of TLS, as much of it as a relay needs: the server name (SNI) and the protocols offered (ALPN).
 *
 *     u8 type 1 │ u24 length │ u16 version │ 32 random │ u8 + session id │ u16 + cipher suites
 *     │ u8 + compression │ u16 + extensions: u16 type, u16 length, value …
 *
 * Sources: RFC 8446 §4.1.2, RFC 5246 §7.4.1.2, RFC 6066 §3 (names), RFC 7301 §3.1 (ALPN).
 */
import type { Buffer } from "node:buffer";
import { NetError } from "../../errors.js";

/** What a ClientHello says of itself. */
export interface ClientHello {
  /** Name of the server that is wanted (SNI), in lower case and without a final dot; undefined without one. */
  readonly serverName: string | undefined;
  /** Application protocols that are offered (ALPN), in their order. */
  readonly alpnProtocols: readonly string[];
}

/** First byte of the message. */
export const CLIENT_HELLO = 1;

const RANDOM_BYTES = 32;
const MAX_SESSION_ID_BYTES = 32;
const SERVER_NAME = 0;
const ALPN = 16;
const HOST_NAME = 0;
/** As DNS has it, and underscores, which names of services have. */
const NAME_FORM = /^(?!-)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
const MAX_NAME_LENGTH = 253;

/** The error for a ClientHello that can't be read. */
export function malformed(what: string): NetError {
  return new NetError("TLS_FAILED", `the ClientHello is malformed: ${what}`, {
    operation: "handshake",
  });
}

/** A place in a message, which is never left beyond its end. */
class Cursor {
  at: number;
  readonly end: number;
  readonly bytes: Buffer;

  constructor(bytes: Buffer, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get isAtEnd(): boolean {
    return this.at === this.end;
  }

  skip(byteCount: number, what: string): number {
    const from = this.at;
    if (this.end - from < byteCount) throw malformed(`${what} goes beyond the end`);
    this.at = from + byteCount;
    return from;
  }

  u8(what: string): number {
    return this.bytes.readUInt8(this.skip(1, what));
  }

  u16(what: string): number {
    return this.bytes.readUInt16BE(this.skip(2, what));
  }

  /** A part of so many bytes. */
  part(byteCount: number, what: string): Cursor {
    const from = this.skip(byteCount, what);
    return new Cursor(this.bytes, from, from + byteCount);
  }

  text(): string {
    return this.bytes.toString("latin1", this.at, this.end);
  }
}

/** Reads the body of a ClientHello, what follows type and length. Throws `TLS_FAILED`. */
export function parseClientHello(body: Buffer): ClientHello {
  const hello = new Cursor(body, 0, body.length);
  const version = hello.u16("the version");
  if (version >> 8 !== 3) throw malformed(`its version is 0x${version.toString(16)}`);
  hello.skip(RANDOM_BYTES, "the random");
  const sessionIdBytes = hello.u8("the session id");
  if (sessionIdBytes > MAX_SESSION_ID_BYTES) throw malformed("the session id is too long");
  hello.skip(sessionIdBytes, "the session id");
  const cipherBytes = hello.u16("the cipher suites");
  if (cipherBytes < 2 || cipherBytes % 2 > 0) throw malformed("the cipher suites are no list");
  hello.skip(cipherBytes, "the cipher suites");
  const compressionBytes = hello.u8("the compression methods");
  if (compressionBytes < 1) throw malformed("there is no compression method");
  hello.skip(compressionBytes, "the compression methods");
  if (hello.isAtEnd) return { serverName: undefined, alpnProtocols: [] };
  const extensions = hello.part(hello.u16("the extensions"), "the extensions");
  if (!hello.isAtEnd) throw malformed("there are bytes behind the extensions");
  return parseExtensions(extensions);
}

function parseExtensions(extensions: Cursor): ClientHello {
  let serverName: string | undefined;
  let alpnProtocols: readonly string[] = [];
  const seen = new Set<number>();
  while (!extensions.isAtEnd) {
    const type = extensions.u16("an extension");
    const value = extensions.part(extensions.u16("an extension"), "an extension");
    // RFC 8446 §4.2. Whoever takes the last of two and whoever takes the first would go different ways.
    if (seen.has(type)) throw malformed(`extension ${type} comes twice`);
    seen.add(type);
    if (type === SERVER_NAME) serverName = parseServerName(value);
    else if (type === ALPN) alpnProtocols = parseProtocols(value);
  }
  return { serverName, alpnProtocols };
}

function parseServerName(value: Cursor): string {
  const list = value.part(value.u16("the list of names"), "the list of names");
  if (!value.isAtEnd) throw malformed("there are bytes behind the list of names");
  let name: string | undefined;
  while (!list.isAtEnd) {
    const type = list.u8("a name");
    const text = list.part(list.u16("a name"), "a name").text();
    if (type !== HOST_NAME) continue;
    if (name !== undefined) throw malformed("there are two host names");
    name = text.toLowerCase().replace(/\.$/, "");
    if (name.length > MAX_NAME_LENGTH || !NAME_FORM.test(name)) {
      throw malformed("its server name is none");
    }
  }
  if (name === undefined) throw malformed("its list of names has no host name");
  return name;
}

function parseProtocols(value: Cursor): string[] {
  const list = value.part(value.u16("the list of protocols"), "the list of protocols");
  if (!value.isAtEnd || list.isAtEnd) throw malformed("the list of protocols is none");
  const protocols: string[] = [];
  while (!list.isAtEnd) {
    const byteCount = list.u8("a protocol");
    if (byteCount === 0) throw malformed("a protocol is empty");
    protocols.push(list.part(byteCount, "a protocol").text());
  }
  return protocols;
}
