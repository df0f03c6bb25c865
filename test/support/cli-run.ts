/** A command of the program, run in this process with streams of its own. */
import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import type { TestContext } from "node:test";
import { main } from "#src/cli/main.js";
import { Terminal } from "#src/cli/terminal/terminal.js";
import { until } from "./until.js";

/** What a terminal is told of itself. */
export interface TerminalOptions {
  /** Both outputs are terminals. */
  readonly isTerminal?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** A running command. */
export class CliRun extends EventEmitter {
  readonly stdin: PassThrough = new PassThrough();
  /** The exit code; rejects with what the command threw. */
  readonly ended: Promise<number>;
  #shown = { stdout: "", stderr: "" };
  #isRunning = true;

  constructor(argv: readonly string[], { isTerminal = false, env = {} }: TerminalOptions = {}) {
    super();
    const stdout = this.#watched("stdout", isTerminal);
    const stderr = this.#watched("stderr", isTerminal);
    const host = {
      stdin: this.stdin,
      stdout,
      stderr,
      env,
      on: (signal: NodeJS.Signals, listener: () => void) => super.on(signal, listener),
      off: (signal: NodeJS.Signals, listener: () => void) => super.off(signal, listener),
      exit: (code: number) => {
        throw new Error(`the command ends the process with ${code}`);
      },
    };
    this.ended = main(argv, new Terminal(host)).finally(() => {
      this.#isRunning = false;
    });
    // Who starts a command may look at it later.
    this.ended.catch(() => {});
  }

  get stdout(): string {
    return this.#shown.stdout;
  }

  get stderr(): string {
    return this.#shown.stderr;
  }

  /** Sends a signal, to this command alone. */
  kill(signal: NodeJS.Signals): void {
    this.emit(signal);
  }

  /** Waits until a stream has what `pattern` matches; answers the match. */
  async shows(stream: "stdout" | "stderr", pattern: RegExp): Promise<RegExpExecArray> {
    await until(() => !this.#isRunning || pattern.test(this[stream]));
    const match = pattern.exec(this[stream]);
    if (match !== null) return match;
    throw new Error(`${pattern} is not in ${stream}: ${this.stdout}\n${this.stderr}`);
  }

  /** The port in its READY line. */
  async readyPort(): Promise<number> {
    const [, port] = await this.shows("stdout", /^READY 127\.0\.0\.1:(\d+) /m);
    return Number(port);
  }

  #watched(name: "stdout" | "stderr", isTTY: boolean): PassThrough & { isTTY: boolean } {
    const stream = new PassThrough();
    stream.setEncoding("utf8").on("data", (text: string) => {
      this.#shown[name] += text;
    });
    return Object.assign(stream, { isTTY });
  }
}

/** Starts a command; it is told to stop at the end of the test where it still runs. */
export function startCommand(
  test: TestContext,
  argv: readonly string[],
  options?: TerminalOptions,
): CliRun {
  const run = new CliRun(argv, options);
  test.after(async () => {
    run.kill("SIGTERM");
    await run.ended.catch(() => undefined);
  });
  return run;
}

/** What a command did that ran to its end. */
export interface CommandEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export async function runCommand(
  argv: readonly string[],
  input: string | Uint8Array = "",
  options?: TerminalOptions,
): Promise<CommandEnd> {
  const run = new CliRun(argv, options);
  run.stdin.end(input);
  const code = await run.ended;
  return { code, stdout: run.stdout, stderr: run.stderr };
}
