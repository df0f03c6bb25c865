/** Fields of a message, in their order, duplicates included. Names in any case of letters. */
export interface Fields extends Iterable<[name: string, value: string]> {
  /** Number of field lines. */
  readonly fieldCount: number;
  /** Value of the first field of this name; undefined where there is none. */
  get(name: string): string | undefined;
  /** Values of all fields of this name, in their order. */
  getAll(name: string): string[];
  /** Whether there is a field of this name. */
  has(name: string): boolean;
  /** All fields, in their order; names as they were spelt. */
  entries(): IterableIterator<[name: string, value: string]>;
}

/** Fields that are valid during the call that hands them out. */
export interface FieldSection extends Fields {
  /** Makes them last. Returns them. */
  keep(): this;
}

/** The head of a response, valid during the call that hands it out; `keep()` makes it last. */
export interface ResponseHead extends FieldSection {
  /** The status code, 100…999. */
  readonly statusCode: number;
  /** The reason phrase as Latin-1; empty where there is none. It has no meaning (RFC 9112 §4). */
  readonly reason: string;
  /** As it stands in the status line. */
  readonly version: "HTTP/1.1" | "HTTP/1.0";
  /** Whether another response to the same request follows: 1xx but 101 (RFC 9110 §15.2). */
  readonly isInterim: boolean;
  /** Whether the connection may carry another response after this one (RFC 9112 §9.3). */
  readonly keepAlive: boolean;
  /** Whether it says that another protocol follows, or that the connection has become a tunnel. */
  readonly isUpgrade: boolean;
  /** Bytes of the body where they are known before; undefined where they are not. 0 for none. */
  readonly contentLength: number | undefined;
  /** Whether the body comes in chunks. */
  readonly isChunked: boolean;
  /** Whether body bytes follow. */
  readonly hasBody: boolean;
}
