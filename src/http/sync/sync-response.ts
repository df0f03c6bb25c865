import type { Buffer } from "node:buffer";
import { noName } from "../../protocol/http1/field-section.js";
import { notJson } from "../body/not-json.js";
import type { HttpTiming } from "../client/http-response.js";
import type { SyncHead } from "./sync-messages.js";

/** Fields of a response, in the order in which they came. */
export class SyncFields implements Iterable<readonly [name: string, value: string]> {
  readonly #pairs: readonly (readonly [string, string])[];

  constructor(pairs: readonly (readonly [string, string])[]) {
    this.#pairs = pairs;
  }

  /** Value of the first field of this name, in any case of letters; undefined where there is none. */
  get(name: string): string | undefined {
    return this.getAll(name)[0];
  }

  /** Values of all fields of this name. */
  getAll(name: string): string[] {
    if (typeof name !== "string") throw noName(name);
    const wanted = name.toLowerCase();
    return this.#pairs.filter(([one]) => one.toLowerCase() === wanted).map(([, value]) => value);
  }

  /** Whether there is a field of this name. */
  has(name: string): boolean {
    return this.getAll(name).length > 0;
  }

  /** All fields. */
  entries(): IterableIterator<readonly [name: string, value: string]> {
    return this.#pairs.values();
  }

  [Symbol.iterator](): IterableIterator<readonly [name: string, value: string]> {
    return this.entries();
  }
}

/** A whole response. */
export class SyncResponse {
  /** The status code. */
  readonly status: number;
  /** The reason phrase, which clients should ignore (RFC 9112 §4). */
  readonly statusText: string;
  /** Fields of the head. */
  readonly headers: SyncFields;
  /** Fields behind the body; undefined where none came. */
  readonly trailers: SyncFields | undefined;
  /** All of it. */
  readonly body: Buffer;
  /** URL of the request. */
  readonly url: string;
  /** How long its parts took. */
  readonly timing: HttpTiming;

  constructor(head: SyncHead, body: Buffer) {
    this.status = head.status;
    this.statusText = head.statusText;
    this.headers = new SyncFields(head.headers);
    this.trailers = head.trailers === undefined ? undefined : new SyncFields(head.trailers);
    this.body = body;
    this.url = head.url;
    this.timing = head.timing;
  }

  /** Whether the status is 200…299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** The body as UTF-8 text. */
  text(): string {
    return this.body.toString("utf8");
  }

  /** The value that the body has as JSON. Throws `HTTP_MALFORMED` for a body that is no JSON. */
  json(): unknown {
    try {
      return JSON.parse(this.text()) as unknown;
    } catch (cause) {
      throw notJson(cause);
    }
  }
}
