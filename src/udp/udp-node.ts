/** Any to any over UDP (HP §2.12): one socket without sessions, which sends to and hears whomever. */
import type { Data, SendResult, WaitOptions } from "../connection/connection.js";
import type { ServiceState } from "../connection/service-state.js";
import { resolveDatagramHost } from "../datagram/resolve-peer.js";
import { chooseEngine } from "../engine/choose-engine.js";
import type { GroupMembership, IpAddress } from "../engine/engine.js";
import { NetError } from "../errors.js";
import {
  assertNodeOpen,
  castHost,
  memberships,
  type NodeOpenOptions,
  nodeTarget,
} from "./cast-options.js";
import { assertCastOptions, type CastOptions, type CastSettings } from "./cast-settings.js";
import { CastSocket, type CastStats } from "./cast-socket.js";
import type { SendTarget } from "./udp-peer-address.js";

/** Options of a {@link UdpNode}. */
export type UdpNodeOptions = CastOptions<UdpNode>;

/**
 * A UDP node. There are no connections, no probes and no order: what is sent may get lost, come twice, or late.
 * With `cast` it also sends to, and hears, a multicast group or all of a network.
 */
export class UdpNode implements AsyncDisposable {
  readonly #socket: CastSocket<UdpNode>;
  #cast: SendTarget | undefined;

  constructor(options: UdpNodeOptions = {}) {
    assertCastOptions(options);
    const engine = chooseEngine(options.engine, "datagram");
    this.#socket = new CastSocket<UdpNode>(engine, this, options);
  }

  /** Where the node is in its life (HP §2.0). */
  get state(): ServiceState {
    return this.#socket.state;
  }

  /** Where it is bound; undefined while it is not. */
  get address(): IpAddress | undefined {
    return this.#socket.address;
  }

  /** The port it is bound to; 0 while it is not. */
  get port(): number {
    return this.#socket.address?.port ?? 0;
  }

  /** Where `sendCast` sends to; undefined without a `cast`. */
  get castAddress(): SendTarget | undefined {
    return this.#cast;
  }

  /** Whether data can be sent. */
  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  /** Settings in force. Change them with {@link configure}. */
  get settings(): CastSettings {
    return this.#socket.settings;
  }

  /** What the node has done so far. */
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
   * Opens the socket and resolves with its address. Rejects with `ADDRESS_IN_USE`, `ADDRESS_NOT_AVAILABLE`,
   * `ACCESS_DENIED`, `HOST_NOT_FOUND`, `NOT_SUPPORTED`, `REFUSED` (by `onPrepareListen`), `STOPPED`, or
   * `INVALID_STATE` unless the node is stopped.
   */
  async open(options: NodeOpenOptions = {}): Promise<IpAddress> {
    assertNodeOpen(options);
    const socket = this.#socket;
    const { cast } = options;
    const find = () => nodeTarget(socket.service.engine, options, socket.settings);
    const groups = cast === undefined ? [] : memberships(cast);
    const address = await socket.open(find, groups, cast?.interfaceHost);
    this.#cast = cast && { host: castHost(cast), port: cast.port ?? address.port };
    return address;
  }

  /**
   * Sends a datagram of at most `maxDatagramBytes` to an IP address; an empty one is sent too. Addresses that handlers
   * were given, and objects that are used again, cost no look at their text.
   *
   * Answers `true`, `"slow"` above `highWaterMarkBytes`, and `false` when it is lost: not open, or `maxPendingBytes`
   * wait. Throws `PACKET_INVALID` for one that is too long, `INVALID_ARGUMENT` for what is no address.
   */
  send(to: SendTarget, data: Data): SendResult {
    return this.#socket.sendTo(to, data);
  }

  /** Sends several pieces as one datagram. See {@link send}. */
  sendAll(to: SendTarget, pieces: readonly Data[]): SendResult {
    return this.#socket.sendAllTo(to, pieces);
  }

  /** Sends to the group or network of `cast`. Throws `INVALID_STATE` without one. See {@link send}. */
  sendCast(data: Data): SendResult {
    if (this.#cast !== undefined) return this.#socket.sendTo(this.#cast, data);
    throw new NetError("INVALID_STATE", "the node was opened without cast", { operation: "send" });
  }

  /** The address of a name, to send to. Rejects with `HOST_NOT_FOUND`, `ABORTED`, … */
  async resolve(host: string, port: number, signal?: AbortSignal): Promise<IpAddress> {
    const { engine } = this.#socket.service;
    const query = { host, port, family: this.address?.family };
    const [address] = await resolveDatagramHost(engine, query, "resolve", signal);
    return address as IpAddress;
  }

  /** Joins one more group. Throws `INVALID_STATE` while not open, and what the system says. */
  joinGroup(membership: GroupMembership): void {
    this.#socket.join(membership);
  }

  /** Takes that back. */
  leaveGroup(membership: GroupMembership): void {
    this.#socket.leave(membership);
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

  /** Lets the process end while the node is open. */
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
