import type { FieldInput } from "../../../protocol/http1/writing/field-writer.js";

/** How a file is sent. */
export interface FileResponseOptions {
  /** Media type. Default: that of `headers`; by the ending of the path, else `application/octet-stream`. */
  readonly contentType?: string | undefined;
  /**
   * Entity tag with its quotes, or whether to make one of size and time of change. Default: that of `headers`; true.
   */
  readonly etag?: string | boolean | undefined;
  /** When it changed, or whether to tell when the file did. Default: that of `headers`; true. */
  readonly lastModified?: Date | boolean | undefined;
  /** Whether a request for one range gets a part; a request for several gets the whole. Default true. */
  readonly ranges?: boolean | undefined;
  /** Whether If-Match, If-None-Match and the like are heeded. Default true. */
  readonly conditional?: boolean | undefined;
  /**
   * Further fields, for example Cache-Control; sent with 200, 206 and 304. Without Content-Length, Content-Range and
   * Transfer-Encoding, which tell of the part that is sent.
   */
  readonly headers?: FieldInput | undefined;
}
