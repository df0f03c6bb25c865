/** The `headers` of a light Request. Hot. */
import type { Fields } from "../../fields.js";

const TOKEN = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;

type Visitor = (value: string, name: string, headers: unknown) => void;

/**
 * The headers of a light Request: looking for a field reads it where it came, all else is done by
 * the headers of the whole Request.
 */
export class LightHeaders {
  readonly #fields: Fields;
  readonly #makeWhole: () => Headers;
  #whole: Headers | undefined = undefined;

  /** `makeWhole`: makes headers of the platform's that have `fields`. */
  constructor(fields: Fields, makeWhole: () => Headers) {
    this.#fields = fields;
    this.#makeWhole = makeWhole;
  }

  get(...given: [name: string]): string | null {
    const [name] = given;
    if (this.#whole !== undefined || !isName(name)) return LightHeaders.wholeOf(this).get(...given);
    const values = this.#fields.getAll(name);
    if (values.length <= 1) return values[0] ?? null;
    return values.join(name.toLowerCase() === "cookie" ? "; " : ", ");
  }

  has(...given: [name: string]): boolean {
    const [name] = given;
    if (this.#whole !== undefined || !isName(name)) return LightHeaders.wholeOf(this).has(...given);
    return this.#fields.has(name);
  }

  forEach(...given: [visit: Visitor, self?: unknown]): void {
    const [visit, self] = given;
    const whole = LightHeaders.wholeOf(this);
    if (typeof visit !== "function") whole.forEach(...given);
    else {
      whole.forEach((value, name) => {
        visit.call(self, value, name, this);
      });
    }
  }

  /** The headers of the whole Request. */
  static wholeOf(this: void, light: LightHeaders): Headers {
    light.#whole ??= light.#makeWhole();
    return light.#whole;
  }
}

function isName(name: unknown): name is string {
  return typeof name === "string" && TOKEN.test(name);
}
