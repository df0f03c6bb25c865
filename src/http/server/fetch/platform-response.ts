/**
 * What a Response of the platform's was made of, where Node shows it: up to version 22 its classes keep
 * their state under a symbol. To ask its members, and to read the stream of its body, costs more than the
 * rest of a request. Hot.
 */
import { Readable } from "node:stream";
import type { FieldInput } from "../../../protocol/http1/writing/field-writer.js";
import { bodyIsUsed } from "./body-bytes.js";
import type { LightParts } from "./light-response.js";
import { isSpecialField } from "./response-fields.js";

/** A Response as Node keeps it. */
interface KeptResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headersList: KeptFields;
  readonly body: KeptBody | null;
}

/** Names in lower case and values that are joined; `cookies`: each value of Set-Cookie, or null. */
type KeptFields = Iterable<readonly [name: string, value: string]> & {
  readonly cookies: readonly string[] | null;
};

/** A body as Node keeps it. `source` is null where it was made of a stream. */
interface KeptBody {
  readonly stream: ReadableStream<Uint8Array>;
  readonly source: unknown;
}

/**
 * The symbol of the state, in an array that is empty where Node has none. Node loads its classes when they are first
 * looked at.
 */
let stateSymbols: readonly symbol[] | undefined;

/**
 * What to send of a Response, whose text or bytes are read by that. Undefined where Node does not show what it was
 * made of, and where it has members of its own, which count. Throws where its body is used.
 */
export function takePlatformParts(response: object): LightParts | undefined {
  stateSymbols ??= findStateSymbols();
  const [stateSymbol] = stateSymbols;
  if (stateSymbol === undefined || !isUnchanged(response)) return undefined;
  const state: unknown = Reflect.get(response, stateSymbol);
  if (!isKept(state)) return undefined;
  const { status, statusText, headersList, body } = state;
  const fields = fieldsOf(headersList) ?? (response as Response).headers;
  if (body === null) return { status, statusText, fields, body };
  const { stream, source } = body;
  // Node takes streams of the web's, too.
  if (Readable.isDisturbed(stream as unknown as Readable)) throw bodyIsUsed();
  if (stream.locked || !(typeof source === "string" || source instanceof Uint8Array)) {
    return { status, statusText, fields, body: stream };
  }
  // It has nothing to fail with.
  void stream.cancel();
  return { status, statusText, fields, body: source };
}

function findStateSymbols(): symbol[] {
  const symbols = Object.getOwnPropertySymbols(new Response(""));
  return symbols.filter(({ description }) => description === "state");
}

/** Whether it is of the platform's class itself, without members of its own. */
function isUnchanged(response: object): boolean {
  const isOfClass = Object.getPrototypeOf(response) === Response.prototype;
  return isOfClass && Object.getOwnPropertyNames(response).length === 0;
}

function isKept(state: unknown): state is KeptResponse {
  if (typeof state !== "object" || state === null || !("body" in state)) return false;
  if (!("status" in state && "statusText" in state && "headersList" in state)) return false;
  const { status, statusText, headersList, body } = state;
  if (typeof status !== "number" || typeof statusText !== "string") return false;
  if (typeof headersList !== "object" || headersList === null) {
    return false;
  }
  return (
    Symbol.iterator in headersList &&
    "cookies" in headersList &&
    (body === null || isKeptBody(body))
  );
}

function isKeptBody(body: unknown): body is KeptBody {
  if (typeof body !== "object" || body === null) return false;
  return "source" in body && "stream" in body && body.stream instanceof ReadableStream;
}

/** As an object, whose heads are compared quickly; undefined where there is more to them. */
function fieldsOf(list: KeptFields): FieldInput | undefined {
  if (list.cookies !== null) return undefined;
  const fields: Record<string, string> = {};
  for (const [name, value] of list) {
    if (typeof value !== "string" || isSpecialField(name)) return undefined;
    fields[name] = value;
  }
  return fields;
}
