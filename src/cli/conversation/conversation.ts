/**
 * A connection between standard input and standard output. Lines that are typed become packets (or
 * bytes as they are, where the model has no packets), what comes is shown. The end of the input is
 * told to the peer. It ends with the peer, or when nothing came for a while after that.
 *
 * Nothing piles up: input is read no faster than the peer takes it, and the peer is read from no
 * faster than the output is.
 */
import {
  type CloseReason,
  delimiter,
  NetError,
  type ReceiveModel,
  type SendResult,
} from "../../index.js";
import type { Decoder } from "../../receive/receive-model.js";
import { systemClock, type Timer } from "../../time/clock.js";
import type { ExitCode } from "../command.js";
import { type Option, secondsOption } from "../command-line.js";
import type { Terminal } from "../terminal/terminal.js";
import { PacketView } from "./packet-view.js";

/** What becomes of the connection of a conversation. `End`: what is known of how it ended. */
export interface ConversationEvents<End = CloseReason> {
  received(bytes: Buffer): void;
  drained(): void;
  unsent(error: NetError): void;
  closed(end: End): void;
}

/** The connection of a conversation, over whatever carries it. */
export interface ConversationClient {
  connect(): Promise<unknown>;
  send(bytes: Buffer): SendResult;
  /** Tells the peer that the input is over, where it can. */
  finish(): unknown;
  close(): unknown;
  pause(): unknown;
  resume(): unknown;
  pendingBytes(): number;
  /** Ends what is left of it, also where it could not connect. Default: nothing is left. */
  stop?(): Promise<unknown>;
}

/** What a conversation is made of. */
export interface ConversationOptions<End> {
  /** How what is typed becomes packets, and what comes is shown. */
  readonly receive: ReceiveModel<Buffer>;
  readonly createClient: (events: ConversationEvents<End>) => ConversationClient;
  readonly terminal: Terminal;
  /** How long nothing may come, once the input is over, before it ends. */
  readonly waitSeconds: number;
  /** What is said at the end. `hasFinished`: all of the input was sent, and the peer told so. */
  endText(end: End, hasFinished: boolean): string;
  isCleanEnd(end: End): boolean;
}

/** The option `wait` of a conversation. */
export function waitOption(): Option<number> {
  const text = "end when nothing came for so long after the end of the input (default: 1)";
  return secondsOption(text, { min: 0, max: 86_400 }, 1);
}

/** What the end of a connection has to say. A peer that closes because we have finished was not the one who ended it. */
export const CONNECTION_END: Pick<ConversationOptions<CloseReason>, "endText" | "isCleanEnd"> = {
  endText: ({ code, initiator, cause }, hasFinished) => {
    if (cause !== undefined) return `${code}: ${cause.message}`;
    if (hasFinished) return "closed after the end of the input";
    return initiator === "remote" ? "the peer closed the connection" : "closed";
  },
  isCleanEnd: ({ code }) => code === "CLOSED",
};

/** Connects, talks until it ends, and says how. Rejects where it can't connect. */
export async function converse<End>(options: ConversationOptions<End>): Promise<ExitCode> {
  const { terminal } = options;
  const conversation = new Conversation(options);
  const releaseSignals = terminal.onStopSignal(() => conversation.close());
  try {
    const end = await conversation.run();
    terminal.complain("cat", options.endText(end, conversation.isInputOver));
    return options.isCleanEnd(end) && !conversation.isUnsent ? 0 : 1;
  } finally {
    releaseSignals();
    await conversation.client.stop?.();
  }
}

/** A connection between standard input and standard output. */
class Conversation<End> {
  private readonly options: ConversationOptions<End>;
  private readonly terminal: Terminal;
  readonly client: ConversationClient;
  /** Cuts the input into lines; undefined where it is sent as it is. */
  private readonly lines: Decoder | undefined;
  private readonly view = new PacketView();
  private waiting: Timer | undefined;
  isInputOver = false;
  /** A line could not be sent. */
  isUnsent = false;
  private isEnded = false;
  private end: (end: End) => void = () => {};

  constructor(options: ConversationOptions<End>) {
    const { maxPacketBytes } = options.receive;
    this.options = options;
    this.terminal = options.terminal;
    this.lines =
      maxPacketBytes === undefined ? undefined : delimiter({ maxPacketBytes }).createDecoder();
    this.client = options.createClient({
      received: (bytes) => this.show(bytes),
      drained: () => {
        this.terminal.input.resume();
      },
      unsent: (error) => this.unsent(error),
      closed: (end) => this.ended(end),
    });
  }

  async run(): Promise<End> {
    const ended = new Promise<End>((resolve) => {
      this.end = resolve;
    });
    await this.client.connect();
    this.terminal.onOutputGone(() => this.close());
    if (!this.isEnded) this.readInput();
    return ended;
  }

  /** Ends it in good order. */
  close(): void {
    this.client.close();
  }

  private readInput(): void {
    this.terminal.input.on("data", (chunk: Buffer) => this.typed(chunk));
    this.terminal.input.on("end", () => this.inputOver());
    this.terminal.input.on("error", () => {
      // Input that can't be read, a folder for example, has ended.
      this.inputOver();
    });
  }

  private typed(chunk: Buffer): void {
    const lines = this.lines;
    if (lines === undefined) this.send(chunk);
    else this.attempt(() => lines.feed(chunk, this.lineSink));
  }

  private readonly lineSink = {
    packet: (line: Buffer): boolean => {
      this.send(line);
      return true;
    },
  };

  private send(bytes: Buffer): void {
    this.attempt(() => {
      if (this.client.send(bytes) === "slow") this.terminal.input.pause();
    });
  }

  private inputOver(): void {
    if (this.isInputOver) return;
    this.isInputOver = true;
    this.attempt(() => this.lines?.end(this.lineSink));
    this.client.finish();
    this.waitForMore();
  }

  /** Behind a line that is too long the input can't be cut any further. */
  private attempt(task: () => void): void {
    try {
      task();
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      this.unsent(error);
      if (error.code === "PACKET_TOO_LONG") this.giveUpInput();
    }
  }

  private unsent({ message }: NetError): void {
    this.isUnsent = true;
    this.terminal.complain("cat", `not sent: ${message}`);
  }

  private giveUpInput(): void {
    this.terminal.input.destroy();
    this.isInputOver = true;
    this.waitForMore();
  }

  private waitForMore(): void {
    if (!this.isInputOver || this.isEnded) return;
    this.waiting?.cancel();
    this.waiting = systemClock.setTimer(this.options.waitSeconds * 1_000, () => {
      if (this.client.pendingBytes() > 0) this.waitForMore();
      else this.close();
    });
  }

  private show(bytes: Buffer): void {
    const isPacket = this.options.receive.delivers === "packets";
    if (!this.terminal.write(isPacket ? this.view.packet(bytes) : this.view.piece(bytes))) {
      this.client.pause();
      this.terminal.output.once("drain", () => this.client.resume());
    }
    this.waitForMore();
  }

  private ended(end: End): void {
    this.isEnded = true;
    this.waiting?.cancel();
    this.terminal.write(this.view.end());
    this.terminal.input.destroy();
    this.end(end);
  }
}
