/**
 * Lists in header fields (RFC 9110 §5.6): tokens with commas between, as in Connection and Upgrade, and
 * extensions with parameters (RFC 6455 §9.1). Several fields of a name are one list.
 */

/** Octets of a token (RFC 9110 §5.6.2). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** A parameter: its value is undefined where it has none. */
export type ExtensionParameter = readonly [name: string, value: string | undefined];

/** An extension as it is offered or agreed on. */
export interface Extension {
  readonly name: string;
  /** In their order, repeated ones included. */
  readonly parameters: readonly ExtensionParameter[];
}

/** Whether a text is a token. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** The elements of a list as they are spelt; empty ones are left out (RFC 9110 §5.6.1.2). */
export function parseList(values: readonly string[]): string[] {
  return values
    .flatMap((value) => value.split(","))
    .map(trimBlanks)
    .filter((element) => element !== "");
}

/** The same, where all elements must be tokens and there must be one; undefined if not. */
export function parseTokens(values: readonly string[]): string[] | undefined {
  const tokens = parseList(values);
  return tokens.length > 0 && tokens.every(isToken) ? tokens : undefined;
}

/** Whether a list has this token, in any case of letters. */
export function hasToken(values: readonly string[], lowerCase: string): boolean {
  const isWanted = (element: string): boolean => element.toLowerCase() === lowerCase;
  // Most lists have one element, which needs no parsing.
  return values.some(isWanted) || parseList(values).some(isWanted);
}

/** Takes SP and HTAB off both ends. In linear time, which `replace` would not be. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text[start])) start++;
  while (end > start && isBlank(text[end - 1])) end--;
  return text.slice(start, end);
}

function isBlank(sign: string | undefined): boolean {
  return sign === " " || sign === "\t";
}

/**
 * Extensions of Sec-WebSocket-Extensions fields; undefined where they are malformed. Values may be quoted
 * strings, and are tokens when the quotes are off (RFC 6455 §9.1).
 */
export function parseExtensions(values: readonly string[]): Extension[] | undefined {
  const extensions: Extension[] = [];
  for (const value of values) {
    const scanner = new Scanner(value);
    do {
      scanner.skipEmptyElements();
      if (scanner.isAtEnd) break;
      const extension = scanExtension(scanner);
      if (extension === undefined) return undefined;
      extensions.push(extension);
    } while (scanner.take(","));
    if (!scanner.isAtEnd) return undefined;
  }
  return extensions.length > 0 || values.length === 0 ? extensions : undefined;
}

/** Writes extensions as a field value. */
export function writeExtensions(extensions: readonly Extension[]): string {
  return extensions
    .map(({ name, parameters }) =>
      [
        name,
        ...parameters.map(([key, value]) => (value === undefined ? key : `${key}=${value}`)),
      ].join("; "),
    )
    .join(", ");
}

function scanExtension(scanner: Scanner): Extension | undefined {
  const name = scanner.token();
  if (name === undefined) return undefined;
  const parameters: ExtensionParameter[] = [];
  while (scanner.take(";")) {
    const key = scanner.token();
    if (key === undefined) return undefined;
    if (!scanner.take("=")) {
      parameters.push([key, undefined]);
      continue;
    }
    const value = scanner.tokenOrQuoted();
    if (value === undefined) return undefined;
    parameters.push([key, value]);
  }
  return { name, parameters };
}

/** Reads a field value from left to right; blanks before each part are skipped. */
class Scanner {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get isAtEnd(): boolean {
    this.skipBlanks();
    return this.at === this.text.length;
  }

  skipEmptyElements(): void {
    while (this.take(","));
  }

  take(sign: string): boolean {
    this.skipBlanks();
    if (this.text[this.at] !== sign) return false;
    this.at++;
    return true;
  }

  token(): string | undefined {
    this.skipBlanks();
    const start = this.at;
    while (this.at < this.text.length && isToken(this.text[this.at]!)) this.at++;
    return this.at > start ? this.text.slice(start, this.at) : undefined;
  }

  tokenOrQuoted(): string | undefined {
    if (!this.take('"')) return this.token();
    let value = "";
    for (;;) {
      let sign = this.text[this.at++];
      if (sign === '"') return isToken(value) ? value : undefined;
      if (sign === "\\") sign = this.text[this.at++];
      if (sign === undefined) return undefined;
      value += sign;
    }
  }

  private skipBlanks(): void {
    while (isBlank(this.text[this.at])) this.at++;
  }
}
