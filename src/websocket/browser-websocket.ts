/**
 * The `WebSocket` of browsers (WHATWG, "WebSockets"), for code that was written for them: an EventTarget with
 * `binaryType`, `bufferedAmount` and close codes. It stands on a `WebSocketAgent`.
 */
import { types } from "node:util";
import { bytesOf } from "../connection/data.js";
import { CLOSE_CODE, MAX_REASON_BYTES } from "../protocol/websocket/close-code.js";
import { isToken } from "../protocol/websocket/header-list.js";
import { assertGiven, CloseEvent, EventHandlers } from "./browser-events.js";
import { UnsentMessages } from "./unsent-messages.js";
import { WebSocketAgent } from "./websocket-agent.js";
import type { WebSocketConnection } from "./websocket-connection.js";
import type { WebSocketConnectOptions } from "./websocket-dialer.js";
import type { Message } from "./websocket-handlers.js";

/** What can be sent. Anything else is sent as the text that it becomes as a string. */
export type BrowserData = string | ArrayBufferLike | ArrayBufferView | Blob;

/** What the standard does not have: who makes the socket, and with what. */
export interface BrowserWebSocketInit
  extends Pick<WebSocketConnectOptions, "headers" | "origin" | "timeoutMs" | "proxy"> {
  /** Subprotocols in the order of preference. */
  readonly protocols?: string | Iterable<string> | undefined;
}

const STATES = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 } as const;

const { CONNECTING, OPEN, CLOSING, CLOSED } = STATES;

/** Bound of a message that comes, and of what waits to be sent: a page that was written for browsers sets neither. */
export const MAX_BROWSER_BYTES: number = 268_435_456;

const NOTHING: Buffer = Buffer.alloc(0);

type Listener<Told extends Event = Event> = ((event: Told) => void) | null;

/** A socket of browsers, as the agent's handlers see it. */
interface Page {
  opened(socket: WebSocketConnection): void;
  received(data: Message): void;
  ended(code: number, reason: string): void;
}

/** Makes the sockets of all. */
let agent: WebSocketAgent<Page> | undefined;

function sharedAgent(): WebSocketAgent<Page> {
  agent ??= new WebSocketAgent<Page>({
    compression: true,
    maxMessageBytes: MAX_BROWSER_BYTES,
    maxPendingBytes: MAX_BROWSER_BYTES,
    onOpen: (socket) => socket.context.opened(socket),
    onMessage: ({ context }, data) => context.received(data),
    onClose: ({ context }, code, reason) => context.ended(code, reason),
  });
  return agent;
}

/**
 * The `WebSocket` of browsers (WHATWG, "WebSockets"), for code that was written for them: an
 * EventTarget with `binaryType`, `bufferedAmount` and close codes.
 */
export class BrowserWebSocket extends EventTarget {
  declare static readonly CONNECTING: number;
  declare static readonly OPEN: number;
  declare static readonly CLOSING: number;
  declare static readonly CLOSED: number;
  declare readonly CONNECTING: number;
  declare readonly OPEN: number;
  declare readonly CLOSING: number;
  declare readonly CLOSED: number;
  readonly #url: URL;
  readonly #handlers: EventHandlers = new EventHandlers(this);
  readonly #abort: AbortController = new AbortController();
  #socket: WebSocketConnection | undefined;
  #unsent: UnsentMessages | undefined;
  #state: number = CONNECTING;
  /** Events that were not dispatched yet. */
  #waitingTasks = 0;
  #binaryType: "blob" | "arraybuffer" = "blob";
  /** Bytes of blobs that are being read, and of what was given to a socket that closes. */
  #unsentBytes = 0;
  /** Blobs are read one after the other; what follows one waits. */
  #line: Promise<void> | undefined;

  static {
    for (const owner of [BrowserWebSocket, BrowserWebSocket.prototype]) {
      for (const [name, value] of Object.entries(STATES)) {
        Object.defineProperty(owner, name, { value, enumerable: true });
      }
    }
    for (const name of Object.getOwnPropertyNames(BrowserWebSocket.prototype)) {
      if (name !== "constructor" && !(name in STATES)) {
        Object.defineProperty(BrowserWebSocket.prototype, name, { enumerable: true });
      }
    }
  }

  /** Throws `SyntaxError` for a URL or a subprotocol that is none, as the standard says. */
  constructor(url: string | URL, init: string | Iterable<string> | BrowserWebSocketInit = []) {
    super();
    // biome-ignore lint/complexity/noArguments: undefined is an argument, too
    assertGiven("WebSocket", arguments.length);
    this.#url = parseUrl(`${url}`);
    const { protocols, ...options } = readInit(init);
    void this.#connect({ ...options, protocols: readProtocols(protocols) });
  }

  async #connect(options: WebSocketConnectOptions<Page>): Promise<void> {
    const { signal } = this.#abort;
    const isProtocolWanted = (options.protocols?.length ?? 0) > 0;
    const context: Page = {
      opened: (socket) => this.#later(() => this.#opened(socket, isProtocolWanted)),
      received: (message) => this.#later(() => this.#received(message)),
      ended: (code, reason) => this.#later(() => this.#ended(code, reason)),
    };
    try {
      await sharedAgent().connect(this.#url, { ...options, signal, context });
    } catch {
      // The standard tells a page no reason: it gets an event `error`, and code 1006.
      context.ended(CLOSE_CODE.abnormal, "");
    }
  }

  // — what has happened —

  /** Each event has a task of its own: whoever awaits one can listen for the next. */
  #later(task: () => void): void {
    this.#waitingTasks++;
    setImmediate(() => {
      try {
        task();
      } finally {
        this.#waitingTasks--;
      }
    });
  }

  #opened(socket: WebSocketConnection, isProtocolWanted: boolean): void {
    // The standard is stricter than RFC 6455: a server has to accept one of the offered protocols.
    if (this.#state !== CONNECTING || (isProtocolWanted && socket.protocol === "")) {
      socket.abort();
      return;
    }
    this.#socket = socket;
    this.#unsent = new UnsentMessages(socket);
    this.#state = OPEN;
    this.dispatchEvent(new Event("open"));
  }

  #received(message: Message): void {
    if (this.#state !== OPEN) return;
    const { origin } = this.#url;
    const data = typeof message === "string" ? message : this.#given(message);
    this.dispatchEvent(new MessageEvent("message", { data, origin }));
  }

  #given(bytes: Buffer): Blob | ArrayBuffer {
    const own = bytes as Buffer<ArrayBuffer>;
    if (this.#binaryType === "blob") return new Blob([own]);
    return own.buffer.slice(own.byteOffset, own.byteOffset + own.byteLength);
  }

  #ended(code: number, reason: string): void {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    const wasClean = code !== CLOSE_CODE.abnormal;
    if (!wasClean) this.dispatchEvent(new Event("error"));
    this.dispatchEvent(new CloseEvent("close", { wasClean, code, reason }));
  }

  // — what is known of it —

  /** The URL that it was made with, serialized. */
  get url(): string {
    return this.#url.href;
  }

  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  get readyState(): number {
    const hasPeerClosed = this.#waitingTasks === 0 && this.#socket?.isOpen === false;
    return this.#state === OPEN && hasPeerClosed ? CLOSING : this.#state;
  }

  /** The subprotocol that was agreed on, or "". */
  get protocol(): string {
    return this.#socket?.protocol ?? "";
  }

  /** The extensions that were agreed on, or "". */
  get extensions(): string {
    return this.#socket?.isCompressed === true ? "permessage-deflate" : "";
  }

  /** Bytes of messages that were given to `send` and have not left, those included that never will. */
  get bufferedAmount(): number {
    return this.#unsentBytes + (this.#unsent?.byteCount ?? 0);
  }

  /** The type of binary messages. Default `blob`. */
  get binaryType(): "blob" | "arraybuffer" {
    return this.#binaryType;
  }

  set binaryType(type: "blob" | "arraybuffer") {
    if (type === "blob" || type === "arraybuffer") this.#binaryType = type;
  }

  // — sending —

  /** Throws `InvalidStateError` while connecting. */
  send(data: BrowserData): void {
    // biome-ignore lint/complexity/noArguments: undefined is an argument, too
    assertGiven("send", arguments.length);
    if (this.#state === CONNECTING) {
      throw new DOMException("the WebSocket is still connecting", "InvalidStateError");
    }
    const own = ownData(data);
    const byteCount = own instanceof Blob ? own.size : Buffer.byteLength(own);
    if (own instanceof Blob || this.#line !== undefined) this.#sendInLine(own, byteCount);
    else this.#sendNow(own, byteCount);
  }

  #sendNow(data: string | Buffer, byteCount: number): void {
    if (this.#socket?.isOpen !== true) {
      this.#unsentBytes += byteCount;
      return;
    }
    this.#socket.send(data);
    this.#unsent?.add(byteCount);
  }

  #sendInLine(data: string | Buffer | Blob, byteCount: number): void {
    this.#unsentBytes += byteCount;
    const line = this.#sendBehind(this.#line, data, byteCount).finally(() => {
      if (this.#line === line) this.#line = undefined;
    });
    this.#line = line;
  }

  async #sendBehind(
    before: Promise<void> | undefined,
    data: string | Buffer | Blob,
    byteCount: number,
  ): Promise<void> {
    await before;
    let ready: string | Buffer;
    try {
      ready = data instanceof Blob ? Buffer.from(await data.arrayBuffer()) : data;
    } catch {
      // A file that has changed, for example. What follows must not come without it.
      this.#socket?.abort();
      return;
    }
    this.#unsentBytes -= byteCount;
    this.#sendNow(ready, byteCount);
  }

  /**
   * Without a code the Close frame has none. Throws `InvalidAccessError` for a code other than 1000 and 3000 to 4999,
   * `SyntaxError` for a reason of more than 123 bytes.
   */
  close(code: number | undefined = undefined, reason: string | undefined = undefined): void {
    const short = code === undefined ? undefined : clampedShort(code);
    if (short !== undefined && short !== CLOSE_CODE.normal && !(short >= 3000 && short <= 4999)) {
      throw new DOMException(`${code} is no code for close`, "InvalidAccessError");
    }
    const text = reason === undefined ? "" : `${reason}`;
    if (Buffer.byteLength(text) > MAX_REASON_BYTES) {
      throw new DOMException(`a reason has at most ${MAX_REASON_BYTES} bytes`, "SyntaxError");
    }
    if (this.#state === CONNECTING) this.#abort.abort();
    else if (this.#state === OPEN) this.#closeBehind(short, text);
    if (this.#state !== CLOSED) this.#state = CLOSING;
  }

  #closeBehind(code: number | undefined, reason: string): void {
    const { normal, noCode } = CLOSE_CODE;
    const used = code ?? (reason === "" ? noCode : normal);
    const close = (): void => void this.#socket?.close(used, reason);
    if (this.#line === undefined) close();
    else void this.#line.then(close);
  }

  // — handlers as properties —

  /** Called when the socket is open. */
  get onopen(): Listener {
    return this.#handlers.get("open") as Listener;
  }

  set onopen(listener: Listener) {
    this.#handlers.set("open", listener);
  }

  /** Called with each message. */
  get onmessage(): Listener<MessageEvent> {
    return this.#handlers.get("message") as Listener<MessageEvent>;
  }

  set onmessage(listener: Listener<MessageEvent>) {
    this.#handlers.set("message", listener);
  }

  /** Called when it has failed, before `onclose`. */
  get onerror(): Listener {
    return this.#handlers.get("error") as Listener;
  }

  set onerror(listener: Listener) {
    this.#handlers.set("error", listener);
  }

  /** Called when it has ended. */
  get onclose(): Listener<CloseEvent> {
    return this.#handlers.get("close") as Listener<CloseEvent>;
  }

  set onclose(listener: Listener<CloseEvent>) {
    this.#handlers.set("close", listener);
  }

  get [Symbol.toStringTag](): string {
    return "WebSocket";
  }
}

function parseUrl(given: string): URL {
  let url: URL;
  try {
    url = new URL(given);
  } catch {
    throw new DOMException(`${given} is no URL`, "SyntaxError");
  }
  if (url.protocol === "http:") url = new URL(`ws:${url.href.slice(5)}`);
  if (url.protocol === "https:") url = new URL(`wss:${url.href.slice(6)}`);
  // A fragment may be empty.
  if ((url.protocol !== "ws:" && url.protocol !== "wss:") || url.href.includes("#")) {
    throw new DOMException(`${given} is no URL of a WebSocket`, "SyntaxError");
  }
  return url;
}

/** An object that is not iterable has the options that the standard does not have. */
function readInit(init: string | Iterable<string> | BrowserWebSocketInit): BrowserWebSocketInit {
  const isObject = typeof init === "object" && init !== null;
  if (isObject && !(Symbol.iterator in init)) return init;
  return { protocols: isObject ? init : `${init}` };
}

function readProtocols(given: string | Iterable<string> = []): string[] {
  const protocols = typeof given === "string" ? [given] : Array.from(given, (one) => `${one}`);
  const seen = new Set<string>();
  for (const protocol of protocols) {
    if (!isToken(protocol) || seen.has(protocol)) {
      throw new DOMException(`${protocol} is no subprotocol, or is named twice`, "SyntaxError");
    }
    seen.add(protocol);
  }
  return protocols;
}

/** A copy of bytes: the page may change them at once. Memory that was transferred has none. */
function ownData(data: unknown): string | Buffer | Blob {
  if (data instanceof Blob) return data;
  if (ArrayBuffer.isView(data)) return copyOf(data.buffer, data.byteOffset, data.byteLength);
  return types.isAnyArrayBuffer(data) ? copyOf(data, 0, data.byteLength) : `${data}`;
}

function copyOf(memory: ArrayBufferLike, offset: number, byteCount: number): Buffer {
  if (byteCount === 0) return NOTHING;
  return Buffer.from(bytesOf(new Uint8Array(memory, offset, byteCount)));
}

/** A number as a whole one of 16 bits, the nearest (Web IDL, `[Clamp] unsigned short`). */
function clampedShort(given: number): number {
  const number = Math.min(Math.max(Number(given), 0), 65_535) || 0;
  const whole = Math.round(number);
  // Halves are rounded to even.
  return whole - number === 0.5 && whole % 2 === 1 ? whole - 1 : whole;
}
