/** The fields of a message that a proxy sends on: those of the hop are taken out (RFC 9110 §7.6.1), Via is added. */
import type { Fields } from "../http/fields.js";
import { FIELD_KIND } from "../protocol/http1/field-kind.js";
import { FieldNames } from "../protocol/http1/field-names.js";
import type { FieldSection } from "../protocol/http1/field-section.js";
import type { EncodedFields } from "../protocol/http1/writing/encoded-fields.js";
import { encodeFields } from "../protocol/http1/writing/head-writer.js";
import { PassedFields } from "../protocol/http1/writing/passed-fields.js";

/** A field: name and value. */
export type FieldPair = [name: string, value: string];

/** Fields of one hop, whether or not Connection names them. Each side has its own framing. */
const HOP_FIELDS: readonly string[] = [
  "connection",
  "proxy-connection",
  "keep-alive",
  "te",
  "transfer-encoding",
  "upgrade",
  "proxy-authorization",
  "proxy-authenticate",
  "proxy-authentication-info",
  "http2-settings",
];

const REQUEST_FIELDS: readonly string[] = [...HOP_FIELDS, "host", "max-forwards"];

/** What is not sent on of each kind of section. What is not of the hop and yet among them is made anew. */
export const LEFT: Readonly<
  Record<"request" | "shownRequest" | "expectingRequest" | "response" | "empty", FieldNames>
> = {
  /** Of one that a handler looks at: it may read how long the body is. */
  shownRequest: new FieldNames([...REQUEST_FIELDS, "expect"]),
  request: new FieldNames([...REQUEST_FIELDS, "expect", "content-length"]),
  /** Of one whose client waits for 100 Continue. */
  expectingRequest: new FieldNames([...REQUEST_FIELDS, "content-length"]),
  response: new FieldNames(HOP_FIELDS),
  /** Of a response that has no content, whatever an origin has sent: no length of it either. */
  empty: new FieldNames([...HOP_FIELDS, "content-length"]),
};

/** Fields that mean something at the beginning of a message only (RFC 9110 §6.5.1): behind it they are left out. */
const HEAD_FIELDS: ReadonlySet<string> = new Set([
  ...HOP_FIELDS,
  "authorization",
  "cache-control",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "cookie",
  "expect",
  "host",
  "location",
  "max-forwards",
  "range",
  "set-cookie",
  "trailer",
  "www-authenticate",
]);

/** Fields that Connection can't name away: the message would mean something else. */
const NEVER_OF_THE_HOP: ReadonlySet<string> = new Set(["content-length", "host", "via"]);

/** What Connection says of the connection alone. */
const PLAIN_CONNECTION = /^(?:keep-alive|close)$/i;

/** The fields without those of the hop. `left`: what else is not sent on; `added`: behind the others. */
export function endToEndFields(
  section: FieldSection,
  left: FieldNames,
  added: EncodedFields | undefined,
): PassedFields {
  const isNamed = section.hasKind(FIELD_KIND.connection);
  return new PassedFields(section, left, isNamed ? namedByConnection(section) : undefined, added);
}

function namedByConnection(section: FieldSection): FieldNames | undefined {
  const values = section.getAll("connection");
  if (values.every((value) => PLAIN_CONNECTION.test(value))) return undefined;
  const names = listed(values).map((name) => name.toLowerCase());
  return new FieldNames(names.filter((name) => !NEVER_OF_THE_HOP.has(name)));
}

/** The trailers that are sent on: those that need not be known before the body. Undefined where there are none. */
export function endToEndTrailers(trailers: Fields | undefined): FieldPair[] | undefined {
  if (trailers === undefined) return undefined;
  const passed = [...trailers].filter(([name]) => !HEAD_FIELDS.has(name.toLowerCase()));
  return passed.length === 0 ? undefined : passed;
}

/** Whether the sender of the head takes trailers (RFC 9110 §10.1.4). */
function takesTrailers(fields: Fields): boolean {
  return fields.has("te") && listed(fields.getAll("te")).some((one) => /^trailers$/i.test(one));
}

function listed(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(",")).map((one) => one.trim());
}

/** What a proxy adds to the messages that it sends on. */
export class AddedFields {
  private readonly pseudonym: string | undefined;
  private readonly known: (EncodedFields | undefined)[] = [];

  /** `pseudonym`: what Via calls the proxy; undefined: there is no Via. */
  constructor(pseudonym: string | undefined) {
    this.pseudonym = pseudonym;
  }

  /** Of a request, with whether trailers are taken behind the response. */
  ofRequest(head: FieldSection & { readonly minorVersion: 0 | 1 }): EncodedFields {
    return this.of(head.minorVersion, takesTrailers(head));
  }

  /** Of a response. */
  ofResponse({ minorVersion }: { readonly minorVersion: 0 | 1 }): EncodedFields {
    return this.of(minorVersion, false);
  }

  private of(minorVersion: 0 | 1, takesTrailers: boolean): EncodedFields {
    const index = minorVersion + (takesTrailers ? 2 : 0);
    this.known[index] ??= encodeFields([
      ["Via", this.pseudonym && `1.${minorVersion} ${this.pseudonym}`],
      ["TE", takesTrailers ? "trailers" : undefined],
      ["Connection", takesTrailers ? "TE" : undefined],
    ]);
    return this.known[index];
  }

  /** Whether a message has come through this proxy before. */
  isIn(fields: Fields): boolean {
    if (this.pseudonym === undefined || !fields.has("via")) return false;
    return listed(fields.getAll("via")).some((one) => one.split(/[ \t]+/)[1] === this.pseudonym);
  }
}
