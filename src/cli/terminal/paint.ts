/** Colours of a terminal. Where there is none, or `NO_COLOR` is set (no-color.org), text stays as it is. */
export class Paint {
  private readonly isOn: boolean;

  constructor(
    stream: { readonly isTTY?: boolean },
    env: Readonly<Record<string, string | undefined>>,
  ) {
    const isRefused = (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
    this.isOn = stream.isTTY === true && !isRefused;
  }

  bold(text: string): string {
    return this.painted(text, 1, 22);
  }

  dim(text: string): string {
    return this.painted(text, 2, 22);
  }

  red(text: string): string {
    return this.painted(text, 31, 39);
  }

  green(text: string): string {
    return this.painted(text, 32, 39);
  }

  yellow(text: string): string {
    return this.painted(text, 33, 39);
  }

  private painted(text: string, on: number, off: number): string {
    return this.isOn ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  }
}
