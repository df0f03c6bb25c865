/** Writes PROXY headers, versions 1 and 2. */
import { Buffer } from "node:buffer";
import { formatIp, parseIp } from "../../bytes/ip-bytes.js";
import { assertInteger, describe, invalidArgument } from "../../errors.js";
import { crc32c } from "./crc32c.js";
import { type ProxyEnd, type ProxyTlv, TLV } from "./proxy-header.js";
import { SIGNATURE } from "./proxy-header-reader.js";

/** The two ends that a header tells of. */
export interface ProxyEnds {
  readonly source: ProxyEnd;
  readonly destination: ProxyEnd;
}

/** What version 2 can say besides. */
export interface ProxyHeaderExtras {
  /** Values in their order. */
  readonly tlvs?: readonly ProxyTlv[] | undefined;
  /** A checksum is added. Default false. */
  readonly checksum?: boolean | undefined;
}

const VERSION_AND_LOCAL = 0x20;
const VERSION_AND_PROXY = 0x21;
const UNSPECIFIED = 0;
const TCP4 = 0x11;
const TCP6 = 0x21;
const LENGTH_AT = 14;
const HEAD_BYTES = 16;
const MAX_LENGTH = 65_535;

/** The line of version 1; without ends, `PROXY UNKNOWN`. Throws `INVALID_ARGUMENT`. */
export function encodeProxyHeaderV1(ends: ProxyEnds | undefined): Buffer {
  if (ends === undefined) return Buffer.from("PROXY UNKNOWN\r\n");
  const [source, destination] = ipPair(ends);
  const family = source.length === 4 ? "TCP4" : "TCP6";
  const hosts = `${formatIp(source)} ${formatIp(destination)}`;
  return Buffer.from(`PROXY ${family} ${hosts} ${ends.source.port} ${ends.destination.port}\r\n`);
}

/** The bytes of version 2; without ends, LOCAL, as a health check has it. Throws `INVALID_ARGUMENT`. */
export function encodeProxyHeaderV2(
  ends: ProxyEnds | undefined,
  { tlvs = [], checksum = false }: ProxyHeaderExtras = {},
): Buffer {
  const pieces: Uint8Array[] = [SIGNATURE, Buffer.from([VERSION_AND_LOCAL, UNSPECIFIED, 0, 0])];
  if (ends !== undefined) {
    const [source, destination] = ipPair(ends);
    const family = source.length === 4 ? TCP4 : TCP6;
    const ports = Buffer.alloc(4);
    ports.writeUInt16BE(ends.source.port, 0);
    ports.writeUInt16BE(ends.destination.port, 2);
    pieces[1] = Buffer.from([VERSION_AND_PROXY, family, 0, 0]);
    pieces.push(source, destination, ports);
  }
  for (const { type, value } of tlvs) pieces.push(tlvHead(type, value.length), value);
  if (checksum) pieces.push(tlvHead(TLV.crc32c, 4), Buffer.alloc(4));
  const header = Buffer.concat(pieces);
  if (header.length - HEAD_BYTES > MAX_LENGTH) {
    throw invalidArgument(
      `a PROXY header has at most ${MAX_LENGTH} bytes of addresses and TLVs, not ${header.length - HEAD_BYTES}`,
    );
  }
  header.writeUInt16BE(header.length - HEAD_BYTES, LENGTH_AT);
  if (checksum) header.writeUInt32BE(crc32c(header, header.length - 4), header.length - 4);
  return header;
}

function tlvHead(type: number, length: number): Buffer {
  assertInteger("the type of a TLV", type, 0, 255);
  assertInteger("the length of a TLV", length, 0, MAX_LENGTH);
  return Buffer.from([type, length >> 8, length & 0xff]);
}

/** Both addresses in one family: an IPv4 address beside an IPv6 one is written as a mapped one. */
function ipPair({ source, destination }: ProxyEnds): readonly [Uint8Array, Uint8Array] {
  const [first, second] = [source, destination].map(({ host, port }) => {
    assertInteger("port", port, 0, 65_535);
    const bytes = host.includes("%") ? undefined : parseIp(host);
    if (bytes !== undefined) return bytes;
    throw invalidArgument(`a PROXY header takes IP addresses, not ${describe(host)}`);
  }) as [Uint8Array, Uint8Array];
  if (first.length === second.length) return [first, second];
  return [mapped(first), mapped(second)];
}

function mapped(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 16) return bytes;
  return Buffer.concat([Buffer.alloc(10), Buffer.from([0xff, 0xff]), bytes]);
}
