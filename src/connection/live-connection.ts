/** The one class behind {@link Connection}: what the application can do with a connection. */
import type { Address, KeepAlive, TcpInfo } from "../engine/engine.js";
import type { TlsInfo } from "../engine/tls-options.js";
import { assertInteger, describe, NetError } from "../errors.js";
import type { ReceiveModel } from "../receive/receive-model.js";
import type { CloseReason } from "./close-reason.js";
import type {
  Connection,
  ConnectionStats,
  Data,
  SmallFileOptions,
  WaitOptions,
} from "./connection.js";
import { ConnectionLife, type ConnectionOwner } from "./connection-life.js";
import { bytesOf } from "./data.js";
import { HOLD } from "./receive-path.js";
import { SendPath } from "./send-path.js";
import type { PieceWriter } from "./send-queue.js";
import { assertKeepAlive, assertReceiveModel } from "./settings.js";
import { readSmallFile } from "./small-file.js";
import { throwIfAborted } from "./waiter.js";

/** See the head of the file. */
export class LiveConnection extends ConnectionLife implements Connection {
  protected readonly owner: ConnectionOwner<LiveConnection>;
  context: unknown = undefined;
  remoteHost: string | undefined = undefined;

  constructor(owner: ConnectionOwner<LiveConnection>) {
    super(owner.service, owner.settings.receive);
    this.owner = owner;
  }

  // — sending —

  send(data: Data): boolean {
    const bytes = bytesOf(data);
    if (!this.isOpen) return false;
    this.sendPath ??= new SendPath(this);
    return this.sendPath.send(bytes);
  }

  sendAll(pieces: readonly Data[]): boolean {
    if (!Array.isArray(pieces)) {
      throw new NetError("INVALID_ARGUMENT", `pieces must be an array, not ${describe(pieces)}`);
    }
    const all = pieces.map(bytesOf);
    if (!this.isOpen) return false;
    this.sendPath ??= new SendPath(this);
    return this.sendPath.sendAll(all);
  }

  /** For protocols: see {@link SendPath.sendWritten}. Answers false when the connection is not open. */
  sendWritten(writer: PieceWriter, maxBytes: number): boolean | undefined {
    if (!this.isOpen) return false;
    this.sendPath ??= new SendPath(this);
    return this.sendPath.sendWritten(writer, maxBytes);
  }

  async sendSmallFile(path: string, options: SmallFileOptions = {}): Promise<boolean> {
    return this.sendAll(await readSmallFile(path, options));
  }

  async drained(options: WaitOptions = {}): Promise<void> {
    if (this.isSendOver && this.pendingBytes > 0) throw this.closedError();
    await this.sendPath?.whenDrained(options);
  }

  async request(data: Data, options: WaitOptions = {}): Promise<Buffer> {
    const bytes = bytesOf(data);
    this.stopReading();
    if (this.isSendOver) throw this.closedError();
    if (!this.isOpen) {
      throw new NetError("INVALID_STATE", "nothing can be sent until TLS is established", {
        operation: "request",
      });
    }
    if (this.model.delivers === "count") {
      throw new NetError("INVALID_STATE", "pull() has no answers: a request needs packets", {
        operation: "request",
      });
    }
    const requests = this.path().requestList();
    const waiter = requests.add(bytes, options, this.settings);
    try {
      const dropped = this.sendPath?.droppedCount ?? 0;
      this.send(bytes);
      if ((this.sendPath?.droppedCount ?? 0) > dropped) throw new NetError("SEND_QUEUE_FULL");
    } catch (error) {
      requests.remove(waiter);
      waiter.cancel();
      throw error;
    }
    return waiter.promise;
  }

  async startTls(options: WaitOptions = {}): Promise<TlsInfo> {
    throwIfAborted(options, "handshake");
    return this.secureLater(options);
  }

  // — receiving —

  get receive(): ReceiveModel {
    return this.model;
  }

  set receive(model: ReceiveModel) {
    assertReceiveModel(model);
    this.model = model;
    this.receivePath?.exchange(model);
  }

  async read(wish?: number | WaitOptions, options: WaitOptions = {}): Promise<Buffer> {
    return typeof wish === "number"
      ? this.path().read({ kind: "bytes", byteCount: wish }, options)
      : this.path().read({ kind: "chunk" }, wish ?? options);
  }

  async readUntil(delimiter: Data, options: WaitOptions = {}): Promise<Buffer> {
    return this.path().read({ kind: "until", mark: bytesOf(delimiter) }, options);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      let chunk: Buffer;
      try {
        chunk = await this.path().read({ kind: "chunk" }, {});
      } catch (error) {
        if (error instanceof NetError && error.code === "CONNECTION_CLOSED") {
          if (error.cause === undefined) return;
        }
        throw error;
      }
      yield chunk;
    }
  }

  fetch(byteCount: number): Buffer | undefined {
    this.assertFetchable(byteCount);
    return this.path().fetch(byteCount);
  }

  peek(byteCount: number): Buffer | undefined {
    this.assertFetchable(byteCount);
    return this.path().peek(byteCount);
  }

  /** What is there can be taken; what could never be there is a mistake. */
  private assertFetchable(byteCount: number): void {
    const most = Math.max(this.settings.maxUnreadBytes, this.unreadBytes);
    assertInteger("byteCount", byteCount, 0, most);
  }

  get unreadBytes(): number {
    return this.receivePath?.unreadBytes ?? 0;
  }

  get isPaused(): boolean {
    return this.receivePath?.isHeld(HOLD.paused) ?? false;
  }

  pause(): boolean {
    if (this.state !== "open" && this.state !== "handshaking") return false;
    this.path().hold(HOLD.paused);
    return true;
  }

  resume(): boolean {
    if (this.state !== "open" && this.state !== "handshaking") return false;
    this.receivePath?.release(HOLD.paused);
    return true;
  }

  // — what is known of it —

  get localAddress(): Address | undefined {
    return this.stream.localAddress();
  }

  get remoteAddress(): Address | undefined {
    return this.stream.remoteAddress();
  }

  get connectedAt(): number {
    return this.service.wheel.clock.originMs + this.openedMs;
  }

  get ageMs(): number {
    return this.service.wheel.clock.now() - this.openedMs;
  }

  get silentForMs(): number {
    return this.service.wheel.clock.now() - this.receivedMs;
  }

  get stats(): ConnectionStats {
    return {
      receivedBytes: this.receivedBytes,
      sentBytes: this.sentBytes,
      pendingBytes: this.pendingBytes,
      unreadBytes: this.unreadBytes,
      droppedCount: this.sendPath?.droppedCount ?? 0,
      ageMs: this.ageMs,
    };
  }

  setNoDelay(on: boolean): void {
    this.stream.setNoDelay(on);
  }

  setKeepAlive(keepAlive: KeepAlive | false): KeepAlive | false {
    assertKeepAlive(keepAlive);
    return this.stream.setKeepAlive(keepAlive);
  }

  tcpInfo(): TcpInfo | undefined {
    return this.stream.tcpInfo();
  }

  async closed(): Promise<CloseReason> {
    const closed = this.owner.whenClosed(this);
    this.stopReading();
    await closed;
    return this.closeReason as CloseReason;
  }

  /** Closes and resolves when it has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.owner.whenClosed(this);
  }
}
