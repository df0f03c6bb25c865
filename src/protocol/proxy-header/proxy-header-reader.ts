/**
 * Reads the one PROXY header that a connection begins with, of version 1 or 2. Strict: what two readers
 * could take for two addresses is refused.
 *
 *     1:  PROXY TCP4 source destination port port CRLF      at most 107 bytes (§2.1)
 *     2:  signature 12 · version, command · family · u16    then the address block and TLVs (§2.2)
 */
import { Buffer } from "node:buffer";
import { formatIp, parseIp } from "../../bytes/ip-bytes.js";
import { NetError } from "../../errors.js";
import { crc32c } from "./crc32c.js";
import {
  type ProxyEnd,
  type ProxyHeader,
  type ProxySsl,
  type ProxyTlv,
  TLV,
  tlvsOf,
} from "./proxy-header.js";

/** Longest header of version 1 with its CRLF (§2.1). */
export const MAX_V1_BYTES = 107;

/** Default of the longest header of version 2, the first 16 bytes included. */
export const MAX_V2_BYTES = 4_096;

/** What version 2 begins with. */
export const SIGNATURE: Buffer = Buffer.from("0d0a0d0a000d0a515549540a", "hex");

const V1_START = Buffer.from("PROXY ");
const V2_HEAD_BYTES = 16;
const LOCAL = 0;
const PROXY = 1;
const PORT = /^(?:0|[1-9]\d{0,4})$/;

/** Bytes of the addresses by family and transport (§2.2); family 3 is a Unix path. All others must be refused. */
const ADDRESS_BYTES: Readonly<Record<number, number>> = {
  0: 0,
  17: 12,
  18: 12,
  33: 36,
  34: 36,
  49: 216,
  50: 216,
};

/** Gets what a reader finds. */
export interface ProxyHeaderSink {
  /** The header is complete and sound. */
  proxyHeader(header: ProxyHeader): void;
  /** What came is no PROXY header. Last. */
  proxyHeaderFailed(error: NetError): void;
}

/** Reads one header. */
export class ProxyHeaderReader {
  private kept: Buffer = Buffer.alloc(0);
  private isOver = false;
  private readonly maxBytes: number;

  /** `maxBytes`: longest header of version 2. */
  constructor(maxBytes: number = MAX_V2_BYTES) {
    this.maxBytes = maxBytes;
  }

  /** Takes bytes of the header, and returns how many. The bytes behind it are the application's. */
  feed(bytes: Buffer, sink: ProxyHeaderSink): number {
    if (this.isOver) return 0;
    const keptBytes = this.kept.length;
    const all = keptBytes === 0 ? bytes : Buffer.concat([this.kept, bytes]);
    try {
      const end = this.endOf(all);
      if (end === undefined) {
        // The bytes may be lent.
        this.kept = Buffer.from(all);
        return bytes.length;
      }
      const head = all.subarray(0, end);
      const header = head[0] === SIGNATURE[0] ? readV2(head) : readV1(head);
      this.isOver = true;
      this.kept = Buffer.alloc(0);
      sink.proxyHeader(header);
      return end - keptBytes;
    } catch (error) {
      this.isOver = true;
      sink.proxyHeaderFailed(error as NetError);
      return bytes.length;
    }
  }

  /** Where the header ends; undefined while bytes are missing. Throws as soon as the bytes can't be a header. */
  private endOf(all: Buffer): number | undefined {
    if (all.length === 0) return undefined;
    const mark = all[0] === SIGNATURE[0] ? SIGNATURE : V1_START;
    const common = Math.min(all.length, mark.length);
    if (!all.subarray(0, common).equals(mark.subarray(0, common))) {
      throw malformed("the connection does not begin with a PROXY header");
    }
    return mark === SIGNATURE ? this.endOfV2(all) : endOfV1(all);
  }

  private endOfV2(all: Buffer): number | undefined {
    if (all.length < V2_HEAD_BYTES) return undefined;
    const end = V2_HEAD_BYTES + all.readUInt16BE(14);
    if (end > this.maxBytes) {
      const text = `a PROXY header of ${end} bytes is longer than maxHeaderBytes (${this.maxBytes})`;
      throw new NetError("PROXY_HEADER_TOO_LONG", text, { operation: "accept" });
    }
    return all.length < end ? undefined : end;
  }
}

function endOfV1(all: Buffer): number | undefined {
  const lineEnd = all.subarray(0, MAX_V1_BYTES).indexOf("\r\n");
  if (lineEnd !== -1) return lineEnd + 2;
  if (all.length < MAX_V1_BYTES) return undefined;
  throw malformed(`a PROXY header without CRLF in its first ${MAX_V1_BYTES} bytes (§2.1)`);
}

function readV1(head: Buffer): ProxyHeader {
  const words = head.toString("latin1", V1_START.length, head.length - 2).split(" ");
  const [family, source = "", destination = "", sourcePort = "", destinationPort = ""] = words;
  const header = {
    version: 1,
    isLocal: true,
    source: undefined,
    destination: undefined,
    tlvs: [],
  } as const;
  // "the receiver must ignore anything presented before the CRLF" (§2.1).
  if (family === "UNKNOWN") return header;
  const length = family === "TCP4" ? 4 : family === "TCP6" ? 16 : 0;
  if (length === 0 || words.length !== 5) throw malformed("a PROXY header of no known form (§2.1)");
  return {
    ...header,
    isLocal: false,
    source: { host: hostOf(source, length), port: portOf(sourcePort) },
    destination: { host: hostOf(destination, length), port: portOf(destinationPort) },
  };
}

function hostOf(text: string, length: number): string {
  const bytes = text.includes("%") ? undefined : parseIp(text);
  if (bytes?.length !== length)
    throw malformed("a PROXY header with an address of another family (§2.1)");
  return formatIp(bytes);
}

function portOf(text: string): number {
  if (PORT.test(text) && Number(text) <= 65_535) return Number(text);
  throw malformed("a PROXY header whose port is no number up to 65535 (§2.1)");
}

function readV2(head: Buffer): ProxyHeader {
  const version = head[12]! >> 4;
  const command = head[12]! & 0xf;
  if (version !== 2) throw malformed(`a PROXY header of version ${version} (§2.2)`);
  // A LOCAL connection's block is to be skipped with its family, whatever they say: they may be forged.
  if (command === LOCAL) {
    return { version: 2, isLocal: true, source: undefined, destination: undefined, tlvs: [] };
  }
  if (command !== PROXY) throw malformed(`a PROXY header with command ${command} (§2.2)`);
  const family = head[13]! >> 4;
  const transport = head[13]! & 0xf;
  const addressBytes = ADDRESS_BYTES[head[13]!];
  if (addressBytes === undefined) {
    throw malformed(`a PROXY header of family ${family} and transport ${transport} (§2.2)`);
  }
  const tlvsAt = V2_HEAD_BYTES + addressBytes;
  if (head.length < tlvsAt)
    throw malformed("a PROXY header that is too short for its addresses (§2.2)");
  const hasIp = family === 1 || family === 2;
  return {
    version: 2,
    isLocal: family === 0,
    source: hasIp ? endAt(head, family, 0) : undefined,
    destination: hasIp ? endAt(head, family, 1) : undefined,
    tlvs: readTlvs(head, tlvsAt),
  };
}

function endAt(head: Buffer, family: number, index: 0 | 1): ProxyEnd {
  const length = family === 1 ? 4 : 16;
  const at = V2_HEAD_BYTES + index * length;
  const portAt = V2_HEAD_BYTES + 2 * length + 2 * index;
  return { host: formatIp(head.subarray(at, at + length)), port: head.readUInt16BE(portAt) };
}

function readTlvs(head: Buffer, start: number): ProxyTlv[] {
  const tlvs: ProxyTlv[] = [];
  for (let at = start; at < head.length; ) {
    const valueAt = at + 3;
    const end = valueAt + (valueAt <= head.length ? head.readUInt16BE(at + 1) : 0);
    if (end > head.length || valueAt > head.length) {
      throw malformed("a PROXY header whose last TLV is cut off (§2.2)");
    }
    const type = head[at]!;
    if (type === TLV.crc32c) checkSum(head, valueAt, end);
    else if (type !== TLV.noop)
      tlvs.push({ type, value: Buffer.from(head.subarray(valueAt, end)) });
    at = end;
  }
  return tlvs;
}

function checkSum(head: Buffer, valueAt: number, end: number): void {
  if (end - valueAt === 4 && head.readUInt32BE(valueAt) === crc32c(head, valueAt)) return;
  throw malformed("a PROXY header whose checksum does not match (§2.2.3)");
}

/** The TLS of the client, as the SSL TLV has it (PROXY protocol §2.2.6); undefined where the header has none, or a malformed one. */
export function sslOf(header: ProxyHeader): ProxySsl | undefined {
  const value = tlvsOf(header).find(({ type }) => type === TLV.ssl)?.value;
  if (value === undefined || value.length < 5) return undefined;
  const parts = new Map<number, string>();
  for (let at = 5; at + 3 <= value.length; ) {
    const end = at + 3 + value.readUInt16BE(at + 1);
    if (end > value.length) return undefined;
    parts.set(value[at]!, value.toString("utf8", at + 3, end));
    at = end;
  }
  const bits = value[0]!;
  const hasCertificate = (bits & 6) !== 0;
  return {
    isSecured: (bits & 1) !== 0,
    hasCertificate,
    // Relays say 0 where there was no certificate to verify, too: HAProxy does.
    isVerified: hasCertificate && value.readUInt32BE(1) === 0,
    version: parts.get(TLV.sslVersion),
    commonName: parts.get(TLV.sslCommonName),
    cipher: parts.get(TLV.sslCipher),
  };
}

function malformed(text: string): NetError {
  return new NetError("PROXY_HEADER_MALFORMED", text, { operation: "accept" });
}
