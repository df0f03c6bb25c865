import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import type { TestContext } from "node:test";
import { setInterval as ticks } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** The program as users start it. */
export const PROGRAM_PATH: string = fileURLToPath(
  new URL("../../../bin/hp-socket.js", import.meta.url),
);

const OUTPUT_LIMIT_MS = 60_000;
const TICK_MS = 20;

/** How a program ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a program did that ran to its end. */
export interface Finished extends Ended {
  readonly stdout: string;
  readonly stderr: string;
}

/** A running program. */
export class CliProgram {
  stdout = "";
  stderr = "";
  readonly ended: Promise<Ended>;
  readonly #child;

  constructor(args: readonly string[], path: string = PROGRAM_PATH) {
    const { HP_SOCKET_ENGINE: _, ...env } = process.env;
    const child = spawn(process.execPath, [path, ...args], { env });
    this.#child = child;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    // A program may end before it has read its input.
    child.stdin.on("error", () => {});
    this.ended = once(child, "close").then(([code, signal]) => ({ code, signal }));
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** Whether it still runs. */
  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  type(text: string | Uint8Array): void {
    this.#child.stdin.write(text);
  }

  endInput(): void {
    this.#child.stdin.end();
  }

  /** Closes the reader of its standard output, as `| head` does. */
  closeOutput(): void {
    this.#child.stdout.destroy();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until a stream has what `pattern` matches; answers the match. */
  async shows(stream: "stdout" | "stderr", pattern: RegExp): Promise<RegExpExecArray> {
    const endMs = performance.now() + OUTPUT_LIMIT_MS;
    for await (const _ of ticks(TICK_MS)) {
      const match = pattern.exec(this[stream]);
      if (match !== null) return match;
      if (!this.isRunning || performance.now() > endMs) break;
    }
    throw new Error(`${pattern} is not in ${stream}: ${this.stdout}\n${this.stderr}`);
  }

  /** The port in its READY line. */
  async readyPort(): Promise<number> {
    const [, port] = await this.shows("stdout", /^READY 127\.0\.0\.1:(\d+) /m);
    return Number(port);
  }
}

/** Starts the program; it is killed at the end of the test where it still runs. */
export function startProgram(test: TestContext, args: readonly string[]): CliProgram {
  const program = new CliProgram(args);
  test.after(async () => {
    program.kill("SIGKILL");
    await program.ended;
  });
  return program;
}

/** Runs the program to its end. */
export async function runProgram(
  args: readonly string[],
  input: string | Uint8Array = "",
): Promise<Finished> {
  const program = new CliProgram(args);
  program.type(input);
  program.endInput();
  const ended = await program.ended;
  return { ...ended, stdout: program.stdout, stderr: program.stderr };
}
