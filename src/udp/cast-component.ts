/** What a cast and a node have in common: one socket without sessions, which is opened and stopped. */
import type { ServiceState } from "../connection/component/service-state.js";
import type { WaitOptions } from "../connection/connection.js";
import { chooseEngine } from "../engine/choose-engine.js";
import type { IpAddress } from "../engine/engine.js";
import type { Given } from "../options.js";
import { assertCastOptions, type CastOptions, type CastSettings } from "./cast-settings.js";
import { CastSocket, type CastStats } from "./cast-socket.js";

/** Base of `UdpCast` and `UdpNode`: one socket without sessions. */
export abstract class CastComponent<Handle> implements AsyncDisposable {
  readonly #socket: CastSocket<Handle>;

  /** `give` gets the socket. Throws `INVALID_ARGUMENT` for invalid options. */
  constructor(options: CastOptions<Handle>, give: (socket: CastSocket<Handle>) => void) {
    assertCastOptions(options);
    const engine = chooseEngine(options.engine, "datagram");
    this.#socket = new CastSocket<Handle>(engine, this as unknown as Handle, options);
    give(this.#socket);
  }

  /** Where it is in its life (HP §2.0). */
  get state(): ServiceState {
    return this.#socket.state;
  }

  /** Where it is bound; undefined while it is not. */
  get address(): IpAddress | undefined {
    return this.#socket.address;
  }

  /** Whether data can be sent. */
  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  /** Settings in force. Change them with {@link configure}. */
  get settings(): CastSettings {
    return this.#socket.settings;
  }

  /** What it has done so far. */
  get stats(): CastStats {
    return this.#socket.stats;
  }

  /** Bytes given to `send` that the kernel has not taken. */
  get pendingBytes(): number {
    return this.#socket.pendingBytes;
  }

  /** Changes settings, also while running. Throws `INVALID_ARGUMENT`; then nothing is changed. */
  configure(changes: Given<CastSettings>): void {
    this.#socket.configure(changes);
  }

  /** Resolves when `pendingBytes` is at `lowWaterMarkBytes` or below. Rejects with `DRAIN_TIMEOUT`, `ABORTED`. */
  drained(options?: WaitOptions): Promise<void> {
    return this.#socket.drained(options);
  }

  /** Stops receiving; what comes is kept by the system as far as its buffer goes, and lost beyond. */
  pause(): boolean {
    return this.#socket.pause();
  }

  /** Goes on receiving. */
  resume(): boolean {
    return this.#socket.resume();
  }

  /** Closes the socket when what waits has left, at the latest after a second. Resolves when `onClose` was called. */
  stop(): Promise<void> {
    return this.#socket.stop();
  }

  /** Resolves when it is stopped, at once if it is. Rejects with `CLOSE_TIMEOUT`, `ABORTED`. */
  stopped(options?: WaitOptions): Promise<void> {
    return this.#socket.stopped(options);
  }

  /** Lets the process end while it is open. */
  unref(): void {
    this.#socket.unref();
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.#socket.ref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
