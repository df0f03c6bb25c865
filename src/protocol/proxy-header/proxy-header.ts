/** What a PROXY header says, whichever version wrote it (PROXY protocol, versions 1 and 2, §2). */
import type { Buffer } from "node:buffer";
import { assertObject, describe, invalidArgument } from "../../errors.js";

/** An end of the connection that was relayed. */
export interface ProxyEnd {
  /** IP address as text. */
  readonly host: string;
  /** Port of TCP. */
  readonly port: number;
}

/** Types of TLVs that have a name (PROXY protocol §2.2): `PROXY_TLV.authority` and others. */
export const TLV = {
  alpn: 0x01,
  authority: 0x02,
  crc32c: 0x03,
  noop: 0x04,
  uniqueId: 0x05,
  ssl: 0x20,
  sslVersion: 0x21,
  sslCommonName: 0x22,
  sslCipher: 0x23,
  sslSignature: 0x24,
  sslKey: 0x25,
  netns: 0x30,
} as const;

/** One value behind the addresses of version 2. */
export interface ProxyTlv {
  /** One of `PROXY_TLV`, or another number up to 255. */
  readonly type: number;
  /** The value, as it came. */
  readonly value: Buffer;
}

/** What TLS the client spoke with the relay (PROXY protocol §2.2.6). */
export interface ProxySsl {
  /** The client connected over TLS. */
  readonly isSecured: boolean;
  /** It presented a certificate, on this connection or in the session. */
  readonly hasCertificate: boolean;
  /** It presented one, and that was verified. */
  readonly isVerified: boolean;
  /** `TLSv1.3`, for example. */
  readonly version: string | undefined;
  /** Common name of the client's certificate. */
  readonly commonName: string | undefined;
  /** Cipher that the client spoke. */
  readonly cipher: string | undefined;
}

/** A header that was read. */
export interface ProxyHeader {
  /** Version of the header: 1 is text, 2 binary. */
  readonly version: 1 | 2;
  /** The relay speaks for itself (LOCAL: a health check), or the family is unknown: there are no addresses. */
  readonly isLocal: boolean;
  /** Who connected to the relay; undefined where the header has no addresses of IP. */
  readonly source: ProxyEnd | undefined;
  /** Where it connected to. */
  readonly destination: ProxyEnd | undefined;
  /** Values of version 2 in their order; NOOP and the checksum are left out. */
  readonly tlvs: readonly ProxyTlv[];
}

/** The value of the first TLV of a type, as text; undefined where there is none. */
export function tlvText(header: ProxyHeader, type: number): string | undefined {
  return tlvsOf(header)
    .find((tlv) => tlv.type === type)
    ?.value.toString("utf8");
}

/** The TLVs of what an application takes for a header. Throws `INVALID_ARGUMENT`. */
export function tlvsOf(header: ProxyHeader): readonly ProxyTlv[] {
  assertObject("header", header);
  const { tlvs } = header;
  if (Array.isArray(tlvs) && tlvs.every((tlv) => tlv?.value instanceof Uint8Array)) return tlvs;
  throw invalidArgument(`header.tlvs must be a list of TLVs, not ${describe(tlvs)}`);
}
