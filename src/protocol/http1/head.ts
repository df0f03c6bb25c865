import { FieldSection } from "./field-section.js";

/**
 * How long a body is: its bytes where Content-Length told them, or one of these. `none` differs from
 * 0 in what a writer makes of it: no Content-Length at all.
 */
export const BODY = {
  /** The message has no body. */
  none: -1,
  /** It comes in chunks (RFC 9112 §7.1). */
  chunked: -2,
  /** It ends when the peer finishes (RFC 9112 §6.3). */
  untilClose: -3,
  /**
   * For writers only: as Content-Length or Transfer-Encoding among the fields say; without them none
   * for a request, and for a response chunks, or until close where the peer speaks HTTP/1.0.
   */
  byFields: -4,
} as const;

/** What requests and responses have in common: fields, version, framing, persistence. */
export abstract class Head extends FieldSection {
  /** 1 for HTTP/1.1, 0 for HTTP/1.0. */
  minorVersion: 0 | 1 = 1;
  /** Bytes of the body, or one of {@link BODY}. */
  bodyLength: number = BODY.none;
  /** Whether the connection may carry another message after this one (RFC 9112 §9.3). */
  keepAlive = true;
  /**
   * A request: it asks to go on with another protocol (RFC 9110 §7.8). A response: it says that the
   * connection does, or has become a tunnel.
   */
  isUpgrade = false;

  /** As it stands in the start line. */
  get version(): "HTTP/1.1" | "HTTP/1.0" {
    return this.minorVersion === 1 ? "HTTP/1.1" : "HTTP/1.0";
  }

  /** Bytes of the body where they are known before; undefined where they are not. 0 for none. */
  get contentLength(): number | undefined {
    if (this.bodyLength >= 0) return this.bodyLength;
    return this.bodyLength === BODY.none ? 0 : undefined;
  }

  /** Whether the body comes in chunks. */
  get isChunked(): boolean {
    return this.bodyLength === BODY.chunked;
  }

  /** Whether body bytes follow. */
  get hasBody(): boolean {
    return this.bodyLength !== 0 && this.bodyLength !== BODY.none;
  }
}
