/**
 * A WebSocket between standard input and standard output: lines that are typed become messages, what comes
 * is shown, each message on its line. Behind the end of the input it ends when nothing came for a while, with
 * a Close frame of ours; else with the peer's.
 *
 * Nothing piles up: input is read no faster than the peer takes it, and the peer is read from no
 * faster than the output is.
 */
import { delimiter, NetError } from "../../index.js";
import type { Decoder } from "../../receive/receive-model.js";
import { systemClock, type Timer } from "../../time/clock.js";
import {
  WebSocketClient,
  type WebSocketClientOptions,
  type WebSocketConnectOptions,
  type WebSocketEnd,
} from "../../websocket/index.js";
import type { Terminal } from "../terminal/terminal.js";
import { PacketView } from "./packet-view.js";

/** What a conversation is made of. */
export interface SocketConversationOptions {
  readonly client: WebSocketClientOptions;
  readonly isBinary: boolean;
  readonly maxMessageBytes: number;
  readonly terminal: Terminal;
  /** How long nothing may come, once the input is over, before it ends. */
  readonly waitMs: number;
  /** A line can't be sent. */
  onUnsent(error: NetError): void;
}

export class SocketConversation {
  private readonly options: SocketConversationOptions;
  private readonly terminal: Terminal;
  private readonly client: WebSocketClient;
  private readonly lines: Decoder;
  private readonly view = new PacketView();
  private waiting: Timer | undefined;
  private isInputOver = false;

  constructor(options: SocketConversationOptions) {
    this.options = options;
    this.terminal = options.terminal;
    this.lines = delimiter({ maxPacketBytes: options.maxMessageBytes }).createDecoder();
    this.client = new WebSocketClient({
      ...options.client,
      onMessage: (_socket, data) => this.show(data),
      onDrain: () => {
        this.terminal.input.resume();
      },
    });
  }

  /** Connects and talks; resolves with how it ended. Rejects where it can't connect. */
  async run(url: URL, options: WebSocketConnectOptions): Promise<WebSocketEnd> {
    try {
      const { socket } = await this.client.connect(url, options);
      this.terminal.onOutputGone(() => this.close());
      if (socket.state !== "closed") this.readInput();
      return await socket.closed();
    } finally {
      this.waiting?.cancel();
      this.terminal.input.destroy();
      await this.client.stop({ drainMs: 0 });
    }
  }

  /** Whether all of the input was sent. */
  get hasFinished(): boolean {
    return this.isInputOver;
  }

  /** Ends it in good order. */
  close(): void {
    this.client.close();
  }

  private readInput(): void {
    const { input } = this.terminal;
    input.on("data", (chunk: Buffer) => this.attempt(() => this.lines.feed(chunk, this.sink)));
    input.on("end", () => this.inputOver());
    input.on("error", () => {
      // Input that can't be read, a folder for example, has ended.
      this.inputOver();
    });
  }

  private readonly sink = {
    packet: (line: Buffer): boolean => {
      // It is the decoder's; and a text must be sound.
      const message = this.options.isBinary ? Buffer.from(line) : line.toString("utf8");
      if (this.client.send(message) === "slow") this.terminal.input.pause();
      return true;
    },
  };

  private inputOver(): void {
    if (this.isInputOver) return;
    this.isInputOver = true;
    this.attempt(() => this.lines.end(this.sink));
    this.waitForMore();
  }

  /** Behind a line that is too long the input can't be cut any further. */
  private attempt(task: () => void): void {
    try {
      task();
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      this.options.onUnsent(error);
      this.terminal.input.destroy();
      this.isInputOver = true;
      this.waitForMore();
    }
  }

  private waitForMore(): void {
    if (!this.isInputOver || !this.client.isOpen) return;
    this.waiting?.cancel();
    this.waiting = systemClock.setTimer(this.options.waitMs, () => {
      if (this.client.socket.pendingBytes > 0) this.waitForMore();
      else this.close();
    });
  }

  private show(data: string | Buffer): void {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    if (!this.terminal.write(this.view.packet(bytes))) {
      this.client.socket.pause();
      this.terminal.output.once("drain", () => this.client.socket.resume());
    }
    this.waitForMore();
  }
}
