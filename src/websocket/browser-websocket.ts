/**
 * The `WebSocket` of browsers (HTML, "Web sockets"), for code that was written for them: an EventTarget with
 * `binaryType`, `bufferedAmount` and close codes. It stands on a `WebSocketAgent`.
 */
import { bytesOf } from "../connection/data.js";
import { WebSocketAgent } from "./websocket-agent.js";
import type { WebSocketConnection } from "./websocket-connection.js";
import type { WebSocketConnectOptions } from "./websocket-dialer.js";
import type { Message } from "./websocket-handlers.js";

/** What can be sent. */
export type BrowserData = string | ArrayBufferLike | ArrayBufferView | Blob;

/** What the standard does not have: who makes the socket, and with what. */
export interface BrowserWebSocketInit
  extends Pick<WebSocketConnectOptions, "headers" | "origin" | "timeoutMs" | "proxy"> {
  /** Subprotocols in the order of preference. */
  readonly protocols?: string | readonly string[] | undefined;
}

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

const MAX_REASON_BYTES = 123;

/** Told when the socket has ended. */
export class CloseEvent extends Event {
  /** Whether both sides have sent Close frames. */
  readonly wasClean: boolean;
  /** The peer's code; 1005 where it gave none, 1006 where no Close frame of it came. */
  readonly code: number;
  /** The peer's reason, or "". */
  readonly reason: string;

  constructor(type: string, init: { wasClean?: boolean; code?: number; reason?: string } = {}) {
    super(type);
    this.wasClean = init.wasClean ?? false;
    this.code = init.code ?? 0;
    this.reason = init.reason ?? "";
  }
}

type Listener = ((event: Event) => void) | null;

/** Makes the sockets of all who do not say otherwise. */
let agent: WebSocketAgent<BrowserWebSocket> | undefined;

function sharedAgent(): WebSocketAgent<BrowserWebSocket> {
  agent ??= createBrowserAgent();
  return agent;
}

function createBrowserAgent(): WebSocketAgent<BrowserWebSocket> {
  return new WebSocketAgent<BrowserWebSocket>({
    compression: true,
    onMessage: ({ context }, data) => context.receive(data),
    onClose: ({ context }, code, reason) => context.ended(code, reason),
  });
}

/**
 * The `WebSocket` of browsers (HTML, "Web sockets"), for code that was written for them: an
 * EventTarget with `binaryType`, `bufferedAmount` and close codes.
 */
export class BrowserWebSocket extends EventTarget {
  static readonly CONNECTING: number = CONNECTING;
  static readonly OPEN: number = OPEN;
  static readonly CLOSING: number = CLOSING;
  static readonly CLOSED: number = CLOSED;
  readonly CONNECTING: number = CONNECTING;
  readonly OPEN: number = OPEN;
  readonly CLOSING: number = CLOSING;
  readonly CLOSED: number = CLOSED;
  /** The URL that it was made with, as a URL is written. */
  readonly url: string;
  readonly #listeners: Map<string, Listener> = new Map();
  readonly #abort: AbortController = new AbortController();
  #socket: WebSocketConnection | undefined;
  #state: number = CONNECTING;
  #binaryType: "blob" | "arraybuffer" = "blob";
  /** Bytes of blobs that are being read, and of what was given to a socket that closes. */
  #unsentBytes = 0;
  /** Blobs are read one after the other; what follows one waits. */
  #line: Promise<void> | undefined;

  /** Throws `SyntaxError` for a URL or a subprotocol that is none, as the standard says. */
  constructor(url: string | URL, init: string | readonly string[] | BrowserWebSocketInit = []) {
    super();
    const parsed = parseUrl(url);
    this.url = parsed.href;
    const isList = typeof init === "string" || Array.isArray(init);
    const options: BrowserWebSocketInit = isList
      ? { protocols: init as string | readonly string[] }
      : (init as BrowserWebSocketInit);
    const { protocols = [], ...others } = options;
    const list = typeof protocols === "string" ? [protocols] : [...protocols];
    for (const [index, protocol] of list.entries()) {
      if (/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(protocol) && list.indexOf(protocol) === index) {
        continue;
      }
      throw new DOMException(`${protocol} is no subprotocol, or is named twice`, "SyntaxError");
    }
    void this.#connect(parsed, { ...others, protocols: list });
  }

  async #connect(url: URL, options: WebSocketConnectOptions<BrowserWebSocket>): Promise<void> {
    try {
      const { signal } = this.#abort;
      const socket = await sharedAgent().connect(url, { ...options, signal, context: this });
      this.#socket = socket;
      if (this.#state !== CONNECTING) {
        socket.abort();
        return;
      }
      // The standard is stricter than RFC 6455: a server that takes none of the protocols is no peer for the page.
      if (options.protocols?.length && socket.protocol === "") {
        socket.abort();
        this.#failed();
        return;
      }
      this.#state = OPEN;
      this.#tell(new Event("open"));
    } catch {
      // The standard tells a page nothing of why: an event `error`, and code 1006.
      this.#failed();
    }
  }

  #failed(): void {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    this.#tell(new Event("error"));
    this.#tell(new CloseEvent("close", { code: 1006 }));
  }

  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  get readyState(): number {
    if (this.#state === OPEN && this.#socket?.isOpen === false) return CLOSING;
    return this.#state;
  }

  /** The subprotocol that was agreed on, or "". */
  get protocol(): string {
    return this.#socket?.protocol ?? "";
  }

  /** The extensions that were agreed on, or "". */
  get extensions(): string {
    return this.#socket?.isCompressed === true ? "permessage-deflate" : "";
  }

  /** Bytes that were given to `send` and have not left. */
  get bufferedAmount(): number {
    return this.#unsentBytes + (this.#socket?.pendingBytes ?? 0);
  }

  /** As what binary messages come. Default `blob`. */
  get binaryType(): "blob" | "arraybuffer" {
    return this.#binaryType;
  }

  set binaryType(type: "blob" | "arraybuffer") {
    if (type === "blob" || type === "arraybuffer") this.#binaryType = type;
  }

  /** Throws `InvalidStateError` while connecting. */
  send(data: BrowserData): void {
    const socket = this.#socket;
    if (this.#state === CONNECTING || socket === undefined) {
      throw new DOMException("the WebSocket is still connecting", "InvalidStateError");
    }
    if (data instanceof Blob || this.#line !== undefined) this.#sendInLine(socket, data);
    else this.#sendNow(socket, data);
  }

  #sendNow(socket: WebSocketConnection, data: Exclude<BrowserData, Blob>): void {
    const given = typeof data === "string" ? data : ownBytes(data);
    if (socket.isOpen) socket.send(given);
    else this.#unsentBytes += Buffer.byteLength(given);
  }

  #sendInLine(socket: WebSocketConnection, data: BrowserData): void {
    const held = data instanceof Blob || typeof data === "string" ? data : ownBytes(data);
    const byteCount = held instanceof Blob ? held.size : Buffer.byteLength(held);
    this.#unsentBytes += byteCount;
    const before = this.#line ?? Promise.resolve();
    const line = before.then(async () => {
      const ready = held instanceof Blob ? Buffer.from(await held.arrayBuffer()) : held;
      if (socket.isOpen) this.#unsentBytes -= byteCount;
      socket.send(ready);
      if (this.#line === line) this.#line = undefined;
    });
    this.#line = line;
  }

  /** Throws `InvalidAccessError` for a code other than 1000 and 3000 to 4999, `SyntaxError` for a long reason. */
  close(code?: number, reason = ""): void {
    if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) {
      throw new DOMException(`${code} is no code for close`, "InvalidAccessError");
    }
    if (Buffer.byteLength(reason) > MAX_REASON_BYTES) {
      throw new DOMException(`a reason has at most ${MAX_REASON_BYTES} bytes`, "SyntaxError");
    }
    if (this.#state === CONNECTING) {
      this.#state = CLOSING;
      this.#abort.abort();
    } else if (this.#state === OPEN) {
      this.#state = CLOSING;
      const close = (): void => void this.#socket?.close(code ?? 1000, reason);
      if (this.#line === undefined) close();
      else void this.#line.then(close);
    }
  }

  // — calls of the agent's handlers —

  /** A message came. */
  receive(data: Message): void {
    if (this.#state === CONNECTING) {
      // The socket is told of as open first, in a microtask.
      queueMicrotask(() => this.receive(data));
      return;
    }
    if (this.#state !== OPEN) return;
    const given =
      typeof data === "string"
        ? data
        : this.#binaryType === "blob"
          ? new Blob([data as Uint8Array<ArrayBuffer>])
          : data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
    this.#tell(new MessageEvent("message", { data: given, origin: new URL(this.url).origin }));
  }

  /** The socket has ended. */
  ended(code: number, reason: string): void {
    if (this.#state === CONNECTING) {
      queueMicrotask(() => this.ended(code, reason));
      return;
    }
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    const wasClean = code !== 1006;
    if (!wasClean) this.#tell(new Event("error"));
    this.#tell(new CloseEvent("close", { wasClean, code, reason }));
  }

  #tell(event: Event): void {
    this.dispatchEvent(event);
  }

  // — handlers as properties —

  #listen(type: string, listener: Listener): void {
    const old = this.#listeners.get(type);
    if (old !== undefined && old !== null) this.removeEventListener(type, old);
    const isFunction = typeof listener === "function";
    this.#listeners.set(type, isFunction ? listener : null);
    if (isFunction) this.addEventListener(type, listener);
  }

  /** Called when the socket is open. */
  get onopen(): Listener {
    return this.#listeners.get("open") ?? null;
  }

  set onopen(listener: Listener) {
    this.#listen("open", listener);
  }

  /** Called with each message. */
  get onmessage(): ((event: MessageEvent) => void) | null {
    return (this.#listeners.get("message") ?? null) as ((event: MessageEvent) => void) | null;
  }

  set onmessage(listener: ((event: MessageEvent) => void) | null) {
    this.#listen("message", listener as Listener);
  }

  /** Called when it has failed, before `onclose`. */
  get onerror(): Listener {
    return this.#listeners.get("error") ?? null;
  }

  set onerror(listener: Listener) {
    this.#listen("error", listener);
  }

  /** Called when it has ended. */
  get onclose(): ((event: CloseEvent) => void) | null {
    return (this.#listeners.get("close") ?? null) as ((event: CloseEvent) => void) | null;
  }

  set onclose(listener: ((event: CloseEvent) => void) | null) {
    this.#listen("close", listener as Listener);
  }
}

function parseUrl(given: string | URL): URL {
  let url: URL;
  try {
    url = new URL(given);
  } catch {
    throw new DOMException(`${given} is no URL`, "SyntaxError");
  }
  if (url.protocol === "http:") url = new URL(`ws:${url.href.slice(5)}`);
  if (url.protocol === "https:") url = new URL(`wss:${url.href.slice(6)}`);
  if ((url.protocol !== "ws:" && url.protocol !== "wss:") || url.hash !== "") {
    throw new DOMException(`${given} is no URL of a WebSocket`, "SyntaxError");
  }
  return url;
}

/** A copy: the page may change its bytes at once. */
function ownBytes(data: ArrayBufferLike | ArrayBufferView): Buffer {
  if (ArrayBuffer.isView(data)) {
    return Buffer.from(bytesOf(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)));
  }
  return Buffer.from(bytesOf(new Uint8Array(data)));
}
