/**
 * What a command reads from and writes to: the streams of the process, or those of a test. Who reads
 * the output may go away at any time (`hp-socket … | head`): from then on what is written is dropped,
 * without a word. Where it can't be written for another reason, a full disk for example, that is said once; what
 * the command serves goes on, and its exit code is 1.
 */
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Paint } from "./paint.js";
import { onStopSignal, type SignalSource } from "./stop-signal.js";

/** A stream that may be a terminal. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** What the process has that a command needs. */
export interface Host extends SignalSource {
  readonly stdin: Readable;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the process ends with, where nobody says otherwise. */
  exitCode?: number | string | null | undefined;
}

/** The input, the output and the signals of one run of the program. */
export class Terminal {
  readonly input: Readable;
  readonly output: Output;
  readonly errors: Output;
  /** For text of the output. */
  readonly paint: Paint;
  /** For text of the errors. */
  readonly errorPaint: Paint;
  private readonly host: Host;
  private readonly goneListeners: (() => void)[] = [];
  private isGone = false;
  private isBroken = false;

  constructor(host: Host) {
    const { stdin, stdout, stderr, env } = host;
    this.host = host;
    this.input = stdin;
    this.output = stdout;
    this.errors = stderr;
    this.paint = new Paint(stdout, env);
    this.errorPaint = new Paint(stderr, env);
    stdout.on("error", (error) => {
      this.isGone = true;
      if (!isPipeEnd(error)) this.outputFailed(error);
      for (const listener of this.goneListeners.splice(0)) listener();
    });
    // There is nowhere to say that errors can't be told.
    stderr.on("error", () => {});
  }

  private outputFailed(error: Error): void {
    if (this.isBroken) return;
    this.isBroken = true;
    // The command may have ended before its output has failed.
    this.host.exitCode = 1;
    this.complain(undefined, `the output can't be written: ${error.message}`);
  }

  /** Whether the output could not be written, for another reason than that nobody reads it. */
  get hasFailed(): boolean {
    return this.isBroken;
  }

  /** Calls back when nobody reads the output any more. */
  onOutputGone(listener: () => void): void {
    if (this.isGone) listener();
    else this.goneListeners.push(listener);
  }

  /** See {@link onStopSignal}. */
  onStopSignal(callback: () => void): () => void {
    return onStopSignal(this.host, callback);
  }

  /** Calls back at each SIGHUP, which then does nothing else. Returns a function that takes that back. */
  onReload(callback: () => void): () => void {
    this.host.on("SIGHUP", callback);
    return () => {
      this.host.off("SIGHUP", callback);
    };
  }

  /** Writes lines to the output. Returns false when it is full: `drain` comes when it is not. */
  print(text: string): boolean {
    return this.write(`${text}\n`);
  }

  /** Writes text as it is to the output. See {@link print}. */
  write(text: string): boolean {
    return this.isGone || this.output.write(text);
  }

  /**
   * Writes bytes to the output, no faster than they are read there. Ends early where nobody reads any
   * more. Rejects as `chunks` does.
   */
  async pour(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      if (!this.isGone) await pipeline(chunks, this.output, { end: false });
    } catch (error) {
      if (!isPipeEnd(error as Error)) throw error;
    }
  }

  /** Writes one line to the errors, with the name of the program and its command before it. */
  complain(commandName: string | undefined, text: string): void {
    const name = commandName === undefined ? "hp-socket" : `hp-socket ${commandName}`;
    this.errors.write(`${this.errorPaint.bold(`${name}:`)} ${text}\n`);
  }
}

/** Whether nobody reads any more. */
function isPipeEnd(error: Error): boolean {
  return "code" in error && error.code === "EPIPE";
}
