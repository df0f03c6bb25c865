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
import type { Terminal } from "../terminal/terminal.js";
import { PacketView } from "./packet-view.js";

/** What becomes of the connection of a conversation. */
export interface ConversationEvents {
  received(bytes: Buffer): void;
  drained(): void;
  closed(reason: CloseReason): void;
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
}

/** What a conversation is made of. */
export interface ConversationOptions {
  /** How what is typed becomes packets, and what comes is shown. */
  readonly receive: ReceiveModel<Buffer>;
  readonly createClient: (events: ConversationEvents) => ConversationClient;
  readonly terminal: Terminal;
  /** How long nothing may come, once the input is over, before it ends. */
  readonly waitMs: number;
  /** A line can't be sent. */
  onUnsent(error: NetError): void;
}

/** A connection between standard input and standard output. */
export class Conversation {
  private readonly options: ConversationOptions;
  private readonly terminal: Terminal;
  private readonly client: ConversationClient;
  /** Cuts the input into lines; undefined where it is sent as it is. */
  private readonly lines: Decoder | undefined;
  private readonly view = new PacketView();
  private waiting: Timer | undefined;
  private isInputOver = false;
  private isEnded = false;
  private end: (reason: CloseReason) => void = () => {};

  constructor(options: ConversationOptions) {
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
      closed: (reason) => this.ended(reason),
    });
  }

  /** Connects and talks; resolves with why it ended. Rejects where it can't connect. */
  async run(): Promise<CloseReason> {
    const ended = new Promise<CloseReason>((resolve) => {
      this.end = resolve;
    });
    await this.client.connect();
    this.terminal.onOutputGone(() => this.close());
    if (!this.isEnded) this.readInput();
    return ended;
  }

  /** Whether all of the input was sent, and the peer told so. */
  get hasFinished(): boolean {
    return this.isInputOver;
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
      this.options.onUnsent(error);
      if (error.code === "PACKET_TOO_LONG") this.giveUpInput();
    }
  }

  private giveUpInput(): void {
    this.terminal.input.destroy();
    this.isInputOver = true;
    this.waitForMore();
  }

  private waitForMore(): void {
    if (!this.isInputOver || this.isEnded) return;
    this.waiting?.cancel();
    this.waiting = systemClock.setTimer(this.options.waitMs, () => {
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

  private ended(reason: CloseReason): void {
    this.isEnded = true;
    this.waiting?.cancel();
    this.terminal.write(this.view.end());
    this.terminal.input.destroy();
    this.end(reason);
  }
}
