/** What handlers see of a WebSocket. What stands behind it is in `socket-session.ts`. */
import type { Data, SendResult, WaitOptions } from "../connection/connection.js";
import { bytesOf } from "../connection/data.js";
import { assertDeadline } from "../connection/own-rules.js";
import { beginWait, Waiter } from "../connection/waiting/waiter.js";
import type { Address, TcpInfo } from "../engine/engine.js";
import type { TlsInfo } from "../engine/tls-options.js";
import { CLOSE_CODE } from "../protocol/websocket/close-code.js";
import { OPCODE } from "../protocol/websocket/opcode.js";
import type { FrameState } from "../protocol/websocket/websocket-sink.js";
import type { FrameOutput, OwnConnection } from "./frame-output.js";
import type { MessageInbox } from "./message-inbox.js";
import { streamMessage } from "./message-stream.js";
import type {
  PublishOptions,
  SendOptions,
  WebSocketConnection,
  WebSocketEnd,
  WebSocketState,
  WebSocketStats,
} from "./websocket-connection.js";
import type { Message } from "./websocket-handlers.js";
import { assertSendOptions } from "./websocket-settings.js";

const NOTHING: Buffer = Buffer.alloc(0);

/** What stands behind a socket. */
export interface SocketBehind {
  readonly connection: OwnConnection;
  readonly output: FrameOutput;
  readonly isSendingMessage: boolean;
  readonly frame: FrameState;
  readonly isInMessage: boolean;
  readonly isClosedCleanly: boolean;
  readonly inbox: MessageInbox;
  readonly isOpen: boolean;
  readonly isCompressed: boolean;
  readonly pendingBytes: number;
  readonly receivedMessages: number;
  readonly sentMessages: number;
  readonly droppedCount: number;
  /** There when it has ended. */
  readonly end: WebSocketEnd | undefined;
  /** See `WebSocketConnection.drained`. */
  whenDrained(options?: WaitOptions): Promise<void>;
  /** The application reads on. */
  readOn(): void;
  /** `told` is called when it has ended. */
  awaitEnd(told: (end: WebSocketEnd) => void): void;
  subscribe(topic: string): boolean;
  unsubscribe(topic: string): boolean;
  publish(topic: string, data: Data, options: PublishOptions | undefined): number;
  topics(): string[];
  /** What the application has set for this socket alone. */
  key: unknown;
  setDeadline(deadlineMs: number, reason: string | undefined): boolean;
  /** Begins the close handshake. */
  close(code: number | undefined, reason: string): boolean;
  /** Ends the connection at once. */
  abort(): boolean;
}

/** What handlers see of a WebSocket. */
export class LiveWebSocket implements WebSocketConnection {
  context: unknown;
  readonly protocol: string;
  private readonly session: SocketBehind;
  private whenClosed: Promise<WebSocketEnd> | undefined = undefined;

  constructor(session: SocketBehind, protocol: string, context: unknown) {
    this.session = session;
    this.protocol = protocol;
    this.context = context;
  }

  // — what is known of it —

  get id(): number {
    return this.session.connection.id;
  }

  get key(): unknown {
    return this.session.key;
  }

  set key(key: unknown) {
    this.session.key = key;
  }

  get state(): WebSocketState {
    const { session } = this;
    if (session.end !== undefined) return "closed";
    return session.isOpen ? "open" : "closing";
  }

  get isOpen(): boolean {
    return this.session.isOpen;
  }

  /** Whether both sides have sent Close frames; the connection below may still be there. */
  get isClosedCleanly(): boolean {
    return this.session.isClosedCleanly;
  }

  get isCompressed(): boolean {
    return this.session.isCompressed;
  }

  get localAddress(): Address | undefined {
    return this.session.connection.localAddress;
  }

  get remoteAddress(): Address | undefined {
    return this.session.connection.remoteAddress;
  }

  get tls(): TlsInfo | undefined {
    return this.session.connection.tls;
  }

  get connectedAt(): number {
    return this.session.connection.connectedAt;
  }

  get silentForMs(): number {
    return this.session.connection.silentForMs;
  }

  get pendingBytes(): number {
    return this.session.pendingBytes;
  }

  get stats(): WebSocketStats {
    const { receivedBytes, sentBytes } = this.session.connection;
    const { receivedMessages, sentMessages, droppedCount, pendingBytes } = this.session;
    return {
      receivedBytes,
      sentBytes,
      pendingBytes,
      receivedMessages,
      sentMessages,
      droppedCount,
    };
  }

  get frame(): FrameState {
    return this.session.frame;
  }

  get isInMessage(): boolean {
    return this.session.isInMessage;
  }

  get isPaused(): boolean {
    return this.session.connection.isPaused;
  }

  tcpInfo(): TcpInfo | undefined {
    return this.session.connection.tcpInfo();
  }

  // — sending —

  send(data: Data, options?: SendOptions): SendResult {
    const { session } = this;
    if (options !== undefined) assertSendOptions("send", options);
    if (session.isOpen) return session.output.send(data, options);
    // Wrong arguments throw on a socket that has ended, too.
    if (typeof data !== "string") bytesOf(data);
    return false;
  }

  sendStream(
    source: AsyncIterable<Data> | Iterable<Data>,
    options: SendOptions = {},
  ): Promise<void> {
    assertSendOptions("sendStream", options);
    return streamMessage(this.session, source, options);
  }

  ping(data: Data = NOTHING): SendResult {
    const bytes = bytesOf(data);
    return this.session.isOpen && this.session.output.offerControl(OPCODE.ping, bytes);
  }

  pong(data: Data = NOTHING): SendResult {
    const bytes = bytesOf(data);
    return this.session.isOpen && this.session.output.offerControl(OPCODE.pong, bytes);
  }

  drained(options?: WaitOptions): Promise<void> {
    return this.session.whenDrained(options);
  }

  // — topics —

  subscribe(topic: string): boolean {
    return this.session.subscribe(topic);
  }

  unsubscribe(topic: string): boolean {
    return this.session.unsubscribe(topic);
  }

  publish(topic: string, data: Data, options?: PublishOptions): number {
    return this.session.publish(topic, data, options);
  }

  get topics(): readonly string[] {
    return this.session.topics();
  }

  // — receiving —

  pause(): boolean {
    return this.session.connection.pause();
  }

  resume(): boolean {
    return this.session.connection.resume();
  }

  read(options: WaitOptions = {}): Promise<Message> {
    const { session } = this;
    const message = session.inbox.read(options);
    session.readOn();
    return message;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, undefined> {
    for (;;) {
      let message: Message;
      try {
        message = await this.read();
      } catch (error) {
        if (this.isClosedCleanly) return;
        throw error;
      }
      yield message;
    }
  }

  // — how it ends —

  close(code: number = CLOSE_CODE.normal, reason = ""): boolean {
    const isBare = code === CLOSE_CODE.noCode && reason === "";
    return this.session.close(isBare ? undefined : code, reason);
  }

  abort(): boolean {
    return this.session.abort();
  }

  setDeadline(deadlineMs: number, reason?: string): boolean {
    assertDeadline(deadlineMs, reason);
    return this.session.setDeadline(deadlineMs, reason);
  }

  async closed(options: WaitOptions = {}): Promise<WebSocketEnd> {
    beginWait(options, "closed", "close");
    const { session } = this;
    if (session.end !== undefined) return session.end;
    this.whenClosed ??= new Promise((resolve) => session.awaitEnd(resolve));
    const { timeoutMs = 0, signal } = options;
    if (timeoutMs === 0 && signal === undefined) return await this.whenClosed;
    const waiter = new Waiter<WebSocketEnd>(session.connection.wheel, options, {
      code: "CLOSE_TIMEOUT",
      call: "closed",
      operation: "close",
      forget: () => {},
    });
    void this.whenClosed.then((end) => waiter.resolve(end));
    return await waiter.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed();
  }
}
