/** Forms of responses that applications give again and again: JSON, text, redirects. */
import { Buffer } from "node:buffer";
import { describe, invalidArgument, textOf } from "../../../errors.js";
import type { FieldInput } from "../../../protocol/http1/writing/field-writer.js";
import { fieldPairs, hasField } from "../../http-fields.js";

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** Types of what is responded with by itself. */
export const JSON_TYPE = "application/json";
export const PLAIN_TYPE = "text/plain; charset=utf-8";

/** A value as JSON. Throws `INVALID_ARGUMENT` for one that has none. */
export function jsonOf(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    const message = `the value can't be written as JSON: ${textOf(cause)}`;
    throw invalidArgument(message, { operation: "send", cause });
  }
  if (text !== undefined) return text;
  throw invalidArgument(`the value can't be written as JSON: ${describe(value)}`, {
    operation: "send",
  });
}

/** The fields, with this type where they have none. */
export function withType(fields: FieldInput | undefined, type: string): FieldInput {
  if (fields === undefined) return { "Content-Type": type };
  if (hasField(fields, "content-type")) return fields;
  return [["Content-Type", type], ...fieldPairs(fields)];
}

/** The fields with others behind them. */
export function withFields(
  fields: FieldInput,
  more: Iterable<readonly [name: string, value: string]>,
): FieldInput {
  return [...fieldPairs(fields), ...more];
}

/** Throws `INVALID_ARGUMENT` for a status that is no redirect, and for fields that say another place. */
export function assertRedirect(statusCode: number, headers: FieldInput | undefined): void {
  if (hasField(headers, "location")) {
    const message = "the headers of a redirect can't have Location: it is the second argument";
    throw invalidArgument(message, { operation: "send" });
  }
  if (REDIRECTS.includes(statusCode)) return;
  throw invalidArgument(
    `the status of a redirect must be one of ${REDIRECTS.join(", ")}, not ${describe(statusCode)}`,
    { operation: "send" },
  );
}

/** A place as Location has it: what is no visible ASCII is percent-encoded. Throws `INVALID_ARGUMENT`. */
export function locationOf(location: string | URL): string {
  if (location instanceof URL) return location.href;
  if (typeof location === "string" && location !== "") {
    // A lone surrogate is replaced, as on the web.
    return Buffer.from(location)
      .toString()
      .replace(/[^\x21-\x7e]+/gu, encodeURIComponent);
  }
  throw invalidArgument(
    `the place of a redirect must be text or a URL, not ${describe(location)}`,
    {
      operation: "send",
    },
  );
}
