/**
 * A Response that keeps what it was made of, text or bytes, so that a server can send it without
 * reading a stream. `installLightClasses` puts it in the place of the platform's. What is less usual,
 * and whatever is wrong, is left to a whole one, of the platform's. Hot.
 *
 *     untouched ── text, json, sending … ──► read    the body went straight to its reader
 *         └─────── body, clone, blob, … ───► whole   `whole` has the body from then on
 *
 * Invariants: who asks sees what a whole Response would have shown; headers that were handed out stay
 * the ones that count.
 */
import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import { inspect } from "node:util";
import type { FieldInput } from "../../../protocol/http1/writing/field-writer.js";
import { bodyIsUsed, ownBuffer, spentBody, textOf } from "./body-bytes.js";
import { standBefore } from "./light-members.js";
import { fieldsOfHeaders, type PlainFields, plainFields } from "./response-fields.js";

/** What a light Response is sent as. */
export interface LightParts {
  readonly status: number;
  /** The reason phrase; "" for the registered one. */
  readonly statusText: string;
  readonly fields: FieldInput;
  readonly body: LightBody;
}

type LightBody = string | Uint8Array | ReadableStream<Uint8Array> | null;
type Given = ConstructorParameters<typeof Response>;

/** The platform's class, which stays what it is. */
let Platform: typeof Response;
let wholeOf: (light: LightResponse) => Response;
let take: (response: object) => LightParts | undefined;

/** The class that stands for the global `Response`. */
class LightResponse {
  readonly #status: number;
  readonly #statusText: string;
  readonly #body: LightBody;
  readonly #fields: PlainFields | undefined;
  #headers: Headers | undefined = undefined;
  #whole: Response | undefined = undefined;
  #isRead = false;

  constructor(...given: Given) {
    const [body, init] = given;
    const light = lightBody(body);
    const { status = 200, statusText = "", headers } = init ?? NO_INIT;
    const isSeen = headers instanceof Headers;
    const isText = typeof body === "string";
    const fields = isSeen ? fieldsOfHeaders(headers, isText) : plainFields(headers, isText);
    this.#status = status;
    this.#statusText = statusText;
    this.#body = light ?? null;
    this.#fields = fields;
    if (!isUsual(init, light, status, statusText) || !(isSeen || fields)) {
      this.#whole = new Platform(...given);
    } else if (fields === undefined) {
      this.#headers = new Headers(headers);
      if (isText && !this.#headers.has("content-type")) {
        this.#headers.set("content-type", TEXT_TYPE);
      }
    }
  }

  static json(...given: Parameters<typeof Response.json>): Response {
    const [data, init] = given;
    const text = init === null ? undefined : (JSON.stringify(data) as string | undefined);
    if (text === undefined) return Platform.json(...given);
    const { headers } = init ?? NO_INIT;
    if (headers === undefined) return newResponse(text, { ...init, headers: JSON_FIELDS });
    const fields = plainFields(headers, false);
    if (fields !== undefined) {
      const hasType = Object.keys(fields).some((name) => name.toLowerCase() === "content-type");
      return newResponse(text, {
        ...init,
        headers: hasType ? fields : { ...fields, ...JSON_FIELDS },
      });
    }
    const all = new Headers(headers);
    if (!all.has("content-type")) all.set("content-type", JSON_TYPE);
    return newResponse(text, { ...init, headers: all });
  }

  get status(): number {
    return this.#whole === undefined ? this.#status : this.#whole.status;
  }

  get ok(): boolean {
    const { status } = this;
    return status >= 200 && status <= 299;
  }

  get statusText(): string {
    return this.#whole === undefined ? this.#statusText : this.#whole.statusText;
  }

  get headers(): Headers {
    if (this.#headers !== undefined) return this.#headers;
    if (this.#whole !== undefined) return this.#whole.headers;
    this.#headers = new Headers(this.#fields);
    return this.#headers;
  }

  get bodyUsed(): boolean {
    if (this.#whole !== undefined) return this.#whole.bodyUsed;
    return this.#isRead || (this.#body instanceof ReadableStream && isDisturbed(this.#body));
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (this.#whole === undefined && this.#body === null) return null;
    return wholeOf(this).body;
  }

  async text(): Promise<string> {
    return textOf(await this.#read());
  }

  async json(): Promise<unknown> {
    return JSON.parse(textOf(await this.#read()));
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return ownBuffer(await this.#read());
  }

  async bytes(): Promise<Uint8Array> {
    return new Uint8Array(ownBuffer(await this.#read()));
  }

  async #read(): Promise<Uint8Array> {
    const body = this.#body;
    if (this.#whole !== undefined || body instanceof ReadableStream) {
      return new Uint8Array(await wholeOf(this).arrayBuffer());
    }
    if (body === null) return NOTHING;
    if (this.#isRead) throw bodyIsUsed();
    this.#isRead = true;
    return typeof body === "string" ? Buffer.from(body, "utf8") : body;
  }

  static {
    // Functions that see what is private, and are no members: applications have the class.
    wholeOf = (light) => {
      const headers = light.#headers;
      if (light.#whole === undefined) {
        const body = light.#isRead ? spentBody() : light.#body;
        light.#whole = new Platform(body as Given[0], {
          status: light.#status,
          statusText: light.#statusText,
          headers: headers ?? light.#fields ?? {},
        });
        // As it is behind a body that was read as a whole: used, and locked for good.
        if (light.#isRead) void light.#whole.text();
      }
      if (headers !== undefined) align(light.#whole.headers, headers);
      return light.#whole;
    };
    take = (response) => {
      if (!(#status in response) || response.#whole !== undefined) return undefined;
      const body = response.#body;
      if (response.bodyUsed) throw bodyIsUsed();
      response.#isRead = body !== null && !(body instanceof ReadableStream);
      const fields = response.#headers ?? response.#fields ?? NO_FIELDS;
      return { status: response.#status, statusText: response.#statusText, fields, body };
    };
  }
}

/** What to send of a light Response, whose body is read by that; undefined for any other object. */
export function takeLightParts(response: object): LightParts | undefined {
  return take(response);
}

/** The light class, before the platform's. */
export function lightResponseBefore(platform: typeof Response): typeof Response {
  Platform = platform;
  Object.setPrototypeOf(LightResponse, platform);
  Object.defineProperty(LightResponse, "name", { value: platform.name });
  Object.defineProperty(LightResponse, "json", { enumerable: true });
  // Responses of `fetch` are objects of the platform's.
  Object.defineProperty(LightResponse, Symbol.hasInstance, {
    value(this: typeof Response, value: unknown): boolean {
      const isOurs = (this as unknown) === LightResponse;
      return Function.prototype[Symbol.hasInstance].call(isOurs ? platform : this, value);
    },
  });
  standBefore({ prototype: LightResponse.prototype, wholeOf }, platform, new platform(), [
    inspect.custom,
  ]);
  return LightResponse as unknown as typeof Response;
}

const NOTHING = new Uint8Array(0);
const NO_INIT: ResponseInit = {};
const NO_FIELDS: FieldInput = {};
const TEXT_TYPE = "text/plain;charset=UTF-8";
const JSON_TYPE = "application/json";
const JSON_FIELDS = { "content-type": JSON_TYPE };
/** What a reason phrase is made of (RFC 9112 §4). */
const PHRASE = /^[\t\x20-\x7e\x80-\xff]+$/;
/** Their responses have no body. */
const NULL_BODY_STATUS: ReadonlySet<number> = new Set([204, 205, 304]);

function isDisturbed(stream: ReadableStream): boolean {
  // Node takes streams of the web's, too.
  return Readable.isDisturbed(stream as unknown as Readable);
}

function newResponse(...given: Given): Response {
  return new LightResponse(...given) as unknown as Response;
}

/** What can be kept as it is; undefined where the platform's class has to check it. */
function lightBody(body: unknown): LightBody | undefined {
  if (typeof body === "string") return body;
  if (body === null || body === undefined) return null;
  if (body instanceof Uint8Array) return new Uint8Array(body);
  if (!(body instanceof ReadableStream) || body.locked || isDisturbed(body)) return undefined;
  return body as ReadableStream<Uint8Array>;
}

/** Whether nothing is wrong, nor rare. */
function isUsual(
  init: unknown,
  body: LightBody | undefined,
  status: unknown,
  statusText: unknown,
): boolean {
  if (body === undefined || (init !== undefined && typeof init !== "object")) return false;
  if (!isPhrase(statusText) || !Number.isInteger(status)) return false;
  if ((status as number) < 200 || (status as number) > 599) return false;
  return body === null || !NULL_BODY_STATUS.has(status as number);
}

function isPhrase(text: unknown): boolean {
  return text === "" || (typeof text === "string" && PHRASE.test(text));
}

/** Makes `headers` the same as those that count. */
function align(headers: Headers, counting: Headers): void {
  for (const name of [...headers.keys()]) headers.delete(name);
  for (const [name, value] of counting) headers.append(name, value);
}
