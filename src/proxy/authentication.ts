/** Who may use a proxy: names and passwords, out of a table or by a function. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { assertText, describe, invalidArgument } from "../errors.js";

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
  readonly #key: Buffer = randomBytes(KEY_BYTES);
  readonly #table: Map<string, Buffer> | undefined;
  readonly #check: Authenticate | undefined;

  /** Throws `INVALID_ARGUMENT`. */
  constructor(given: Authentication) {
    if (typeof given === "function") {
      this.#check = given;
      return;
    }
    if (typeof given !== "object" || given === null) {
      throw invalidArgument(`authenticate must be a table or a function, not ${describe(given)}`);
    }
    this.#table = new Map();
    for (const [name, password] of Object.entries(given)) {
      assertText("a password of authenticate", password);
      if (name === "" || name.includes(":")) {
        throw invalidArgument("a name of authenticate must not be empty or have a colon");
      }
      this.#table.set(name, this.#digest(password));
    }
    if (this.#table.size === 0) throw invalidArgument("authenticate must have a name at least");
  }

  /** Whether they are right. A promise where the function answers one. */
  accepts(name: string, password: string, client: string | undefined): boolean | Promise<boolean> {
    if (this.#check !== undefined) return this.#check(name, password, client);
    const found = this.#digest(password);
    const wanted = this.#table?.get(name);
    // A name that is not there is compared, too.
    const isSame = timingSafeEqual(found, wanted ?? this.#key);
    return isSame && wanted !== undefined;
  }

  #digest(password: string): Buffer {
    return createHmac("sha256", this.#key).update(password).digest();
  }
}

/** Name and password of a field of Basic authentication (RFC 7617); undefined for anything else. */
export function basicCredentials(
  field: string | undefined,
): { readonly name: string; readonly password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+=*) *$/i.exec(field ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0) return undefined;
  return { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
