/** One multicast group, or all of a network (HP §2.11). */
import type { Data, SendResult, WaitOptions } from "../connection/connection.js";
import type { ServiceState } from "../connection/service-state.js";
import { chooseEngine } from "../engine/choose-engine.js";
import type { IpAddress } from "../engine/engine.js";
import {
  assertCastOpen,
  type CastOpenOptions,
  castHost,
  castTarget,
  memberships,
} from "./cast-options.js";
import { assertCastOptions, type CastOptions, type CastSettings } from "./cast-settings.js";
import { CastSocket, type CastStats } from "./cast-socket.js";
import type { SendTarget } from "./udp-peer-address.js";

/** Options of a {@link UdpCast}. */
export type UdpCastOptions = CastOptions<UdpCast>;

const NOWHERE: SendTarget = { host: "0.0.0.0", port: 1 };

/**
 * A UDP cast: hears all that is sent to a multicast group or a network, and sends to all of it. There are no
 * connections, no probes and no order. What this host sends comes back to it with `multicastLoop` only; broadcasts
 * always do.
 */
export class UdpCast implements AsyncDisposable {
  readonly #socket: CastSocket<UdpCast>;
  #to: SendTarget = NOWHERE;

  constructor(options: UdpCastOptions = {}) {
    assertCastOptions(options);
    const engine = chooseEngine(options.engine, "datagram");
    this.#socket = new CastSocket<UdpCast>(engine, this, options);
  }

  /** Where the cast is in its life (HP §2.0). */
  get state(): ServiceState {
    return this.#socket.state;
  }

  /** Where it is bound; undefined while it is not. */
  get address(): IpAddress | undefined {
    return this.#socket.address;
  }

  /** Where it sends to; undefined while it is not open. */
  get castAddress(): SendTarget | undefined {
    return this.#socket.isOpen ? this.#to : undefined;
  }

  /** Whether data can be sent. */
  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  /** Settings in force. Change them with {@link configure}. */
  get settings(): CastSettings {
    return this.#socket.settings;
  }

  /** What the cast has done so far. */
  get stats(): CastStats {
    return this.#socket.stats;
  }

  /** Bytes given to `send` that the kernel has not taken. */
  get pendingBytes(): number {
    return this.#socket.pendingBytes;
  }

  /** Changes settings, also while running. Throws `INVALID_ARGUMENT`; then nothing is changed. */
  configure(changes: Partial<CastSettings>): void {
    this.#socket.configure(changes);
  }

  /**
   * Opens the socket, joins the group, and resolves with the address. Rejects with `ADDRESS_IN_USE`,
   * `ADDRESS_NOT_AVAILABLE`, `ACCESS_DENIED`, `NOT_SUPPORTED`, `REFUSED` (by `onPrepareListen`), `STOPPED`, or
   * `INVALID_STATE` unless the cast is stopped.
   */
  async open(options: CastOpenOptions): Promise<IpAddress> {
    assertCastOpen(options);
    const socket = this.#socket;
    const find = () => Promise.resolve(castTarget(options, socket.settings));
    const address = await socket.open(find, memberships(options), options.interfaceHost);
    this.#to = { host: castHost(options), port: options.port };
    return address;
  }

  /**
   * Sends a datagram of at most `maxDatagramBytes` to all; an empty one is sent too. Answers `true`, `"slow"` above
   * `highWaterMarkBytes`, and `false` when it is lost: not open, or `maxPendingBytes` wait. Throws
   * `PACKET_INVALID` for one that is too long.
   */
  send(data: Data): SendResult {
    return this.#socket.sendTo(this.#to, data);
  }

  /** Sends several pieces as one datagram. See {@link send}. */
  sendAll(pieces: readonly Data[]): SendResult {
    return this.#socket.sendAllTo(this.#to, pieces);
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

  /** Lets the process end while the cast is open. */
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
