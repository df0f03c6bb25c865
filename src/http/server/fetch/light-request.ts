/**
 * The Request that a `fetch` handler gets. Hot.
 *
 *     untouched ── text, json, arrayBuffer, bytes ──► read    the body went straight to its reader
 *         └─────── clone, body, new Request(it), … ─► whole   `whole` has the body from then on
 *
 * Invariants: who asks sees what a whole Request would have shown; the body is read in one way; the
 * headers that were handed out stay the ones that count.
 */
import type { BodyIntake } from "../../body/body-intake.js";
import type { IncomingBody, WholeBodyOptions } from "../../body/incoming-body.js";
import type { Fields } from "../../fields.js";
import { bodyIsUsed, ownBuffer, spentBody, textOf } from "./body-bytes.js";
import { LightHeaders } from "./light-headers.js";

/** What a Request is made of: an exchange, mostly. */
export interface RequestSource {
  readonly headers: Fields;
  readonly hasBody: boolean;
  readonly body: BodyIntake;
  readonly signal: AbortSignal;
  /**
   * The whole Request that was made of it. Its signal follows `signal` weakly: a handler that waits for
   * that alone would wait for ever if the Request were collected. Held as long as the source is.
   */
  wholeRequest: Request | undefined;
}

/** Longest body that is read as a whole; the server's own limit is below. */
const WHOLE: WholeBodyOptions = { maxBytes: 2 ** 32 };

/**
 * A Request that is made of what has come, and becomes a whole one of the platform's when more is
 * asked of it than applications usually do.
 */
export class LightRequest {
  readonly #source: RequestSource;
  readonly #method: string;
  readonly #url: string;
  #headers: LightHeaders | undefined = undefined;
  #whole: Request | undefined = undefined;
  #isRead = false;

  /** `method` and `url`: as a Request has them. */
  constructor(source: RequestSource, method: string, url: string) {
    this.#source = source;
    this.#method = method;
    this.#url = url;
  }

  get method(): string {
    return this.#method;
  }

  get url(): string {
    return this.#url;
  }

  get headers(): Headers {
    if (this.#headers === undefined) {
      if (this.#whole !== undefined) return this.#whole.headers;
      this.#headers = new LightHeaders(
        this.#source.headers,
        () => LightRequest.wholeOf(this).headers,
      );
    }
    return this.#headers as unknown as Headers;
  }

  get signal(): AbortSignal {
    return this.#source.signal;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#hasBody ? LightRequest.wholeOf(this).body : null;
  }

  get bodyUsed(): boolean {
    return this.#isRead || (this.#whole?.bodyUsed ?? false);
  }

  async text(): Promise<string> {
    if (!this.#isOfTheSource()) return textOf(await this.#read());
    return this.#source.body.whole(WHOLE, textOf);
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return ownBuffer(await this.#read());
  }

  async bytes(): Promise<Uint8Array> {
    return new Uint8Array(ownBuffer(await this.#read()));
  }

  /** A Request takes "get" for GET, which is never one with a body. */
  get #hasBody(): boolean {
    return this.#source.hasBody && this.#method !== "GET" && this.#method !== "HEAD";
  }

  async #read(): Promise<Uint8Array> {
    if (this.#isOfTheSource()) return this.#source.body.bytes(WHOLE);
    if (this.#whole !== undefined) return new Uint8Array(await this.#whole.arrayBuffer());
    return NOTHING;
  }

  /** Whether the body is to be read where it comes from, from now on. Throws where it was read. */
  #isOfTheSource(): boolean {
    if (this.#isRead) throw bodyIsUsed();
    this.#isRead = this.#whole === undefined && this.#hasBody;
    return this.#isRead;
  }

  /** The whole of a light Request, and whatever else it is given as it is. */
  static unwrap(this: void, value: unknown): unknown {
    const isLight = typeof value === "object" && value !== null && #whole in value;
    return isLight ? LightRequest.wholeOf(value) : value;
  }

  /** The whole Request, which this one stands for. */
  static wholeOf(this: void, light: LightRequest): Request {
    if (light.#whole !== undefined) return light.#whole;
    const body = light.#isRead ? spentBody() : undefined;
    light.#whole = wholeRequest(light.#source, light.#method, light.#url, body);
    // As it is behind a body that was read as a whole: used, and locked for good.
    if (light.#isRead) void light.#whole.text();
    return light.#whole;
  }
}

const NOTHING = new Uint8Array(0);

/** A Request of the platform's. `body`: instead of the one that comes. */
export function wholeRequest(
  source: RequestSource,
  method: string,
  url: string,
  body?: ReadableStream<Uint8Array>,
): Request {
  const hasBody = source.hasBody && method !== "GET" && method !== "HEAD";
  source.wholeRequest = new Request(url, {
    method,
    headers: [...source.headers.entries()],
    signal: source.signal,
    ...(hasBody && { body: body ?? streamOf(source.body), duplex: "half" }),
  });
  return source.wholeRequest;
}

/** A body as a stream of the web's. It reads only when it is read. */
function streamOf(body: IncomingBody): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = await body.read();
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel() {
        body.discard();
      },
    },
    { highWaterMark: 0 },
  );
}
