/** Who may use a proxy: names and passwords, out of a table or by a function. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { assertText, describe, invalidArgument } from "../errors.js";
import type { HandlerWaits } from "./handler-waits.js";

/** Says whether a name and a password are right; `client`: the address that they came from. */
export type Authenticate = (
  name: string,
  password: string,
  client: string | undefined,
) => boolean | Promise<boolean>;

/** A table, name → password, or a function. */
export type Authentication = Readonly<Record<string, string>> | Authenticate;

const KEY_BYTES = 32;

/** Checks names and passwords. Of a table each takes the same time, whatever was right of it. */
export class Authenticator {
  private readonly key: Buffer = randomBytes(KEY_BYTES);
  private readonly table: Map<string, Buffer> | undefined;
  private readonly check: Authenticate | undefined;
  private readonly waits: HandlerWaits;

  /** `waits`: calls a function. Throws `INVALID_ARGUMENT`. */
  constructor(given: Authentication, waits: HandlerWaits) {
    this.waits = waits;
    if (typeof given === "function") {
      this.check = given;
      return;
    }
    if (typeof given !== "object" || given === null || Array.isArray(given)) {
      throw invalidArgument(
        `authenticate must be a table { name: password } or a function, not ${describe(given)}`,
      );
    }
    this.table = new Map();
    for (const [name, password] of Object.entries(given)) {
      assertText("a password of authenticate", password);
      if (name === "" || name.includes(":")) {
        throw invalidArgument("a name of authenticate must not be empty or have a colon");
      }
      this.table.set(name, this.digest(password));
    }
    if (this.table.size === 0) throw invalidArgument("authenticate must have a name at least");
  }

  /** Whether they are right. A promise where the function answers one. Throws or rejects with `HANDLER_FAILED`. */
  accepts(
    name: string,
    password: string,
    client: string | undefined,
    signal: AbortSignal,
  ): boolean | Promise<boolean> {
    const check = this.check;
    if (check !== undefined) {
      return this.waits.call("authenticate", () => check(name, password, client), signal);
    }
    const found = this.digest(password);
    const wanted = this.table?.get(name);
    // A name that is not there is compared, too.
    const isSame = timingSafeEqual(found, wanted ?? this.key);
    return isSame && wanted !== undefined;
  }

  private digest(password: string): Buffer {
    return createHmac("sha256", this.key).update(password).digest();
  }
}

const CONTROLS = /\p{Cc}/u;

/** Name and password of a field of Basic authentication (RFC 7617); undefined for anything else, and for two of them. */
export function basicCredentials(
  fields: readonly string[],
): { readonly name: string; readonly password: string } | undefined {
  const [field = ""] = fields;
  const encoded = /^basic +([A-Za-z0-9+/]+=*) *$/i.exec(field)?.[1];
  if (encoded === undefined || fields.length > 1) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  // RFC 7617 §2: neither has control characters.
  if (colon < 0 || CONTROLS.test(text)) return undefined;
  return { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
