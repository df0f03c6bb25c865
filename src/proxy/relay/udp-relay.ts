/** A relay of datagrams. */
import type { StopOptions, StopResult } from "../../connection/component/component-options.js";
import type { ServiceState } from "../../connection/component/service-state.js";
import type { WaitOptions } from "../../connection/connection.js";
import type { DatagramListenOptions } from "../../datagram/datagram-options.js";
import type { IpAddress } from "../../engine/engine.js";
import type { UdpRelayOptions, UdpRelayStats } from "./udp-relay-options.js";
import { UdpSwitch } from "./udp-switch.js";

/**
 * A relay of datagrams: each address that sends to it is a session, which is given a destination for as long as it
 * lives; what comes back goes to the address. Datagrams are passed on as they are. It runs on every engine.
 */
export class UdpRelay implements AsyncDisposable {
  readonly #switch: UdpSwitch;

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`, `NOT_SUPPORTED`. */
  constructor(options: UdpRelayOptions) {
    this.#switch = new UdpSwitch(options);
  }

  /** Exchanges the destinations; sessions that there are keep theirs. Throws `INVALID_ARGUMENT`, and then nothing is changed. */
  setDestinations(to: readonly string[]): void {
    this.#switch.setDestinations(to);
  }

  /**
   * Opens the socket, on `127.0.0.1` unless told otherwise, and resolves with its address. Rejects with `ADDRESS_IN_USE`,
   * `ADDRESS_NOT_AVAILABLE`, `ACCESS_DENIED`, `HOST_NOT_FOUND`, `STOPPED`, `INVALID_STATE`.
   */
  listen(options: DatagramListenOptions = {}): Promise<IpAddress> {
    return this.#switch.listen(options);
  }

  /**
   * Stops: no session begins any more, those that there are go on until they are idle, at most for `drainMs` (default 0, since
   * datagrams have no end by which a session could be known to be over).
   */
  stop(options?: StopOptions): Promise<StopResult> {
    return this.#switch.stop(options);
  }

  /** Resolves when the relay is stopped, at once if it is. Rejects with `CLOSE_TIMEOUT`, `ABORTED`. */
  stopped(options?: WaitOptions): Promise<void> {
    return this.#switch.stopped(options);
  }

  /** Lets the process end while it listens and sessions are open. */
  unref(): void {
    this.#switch.unref();
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.#switch.ref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** `starting`, `started`, `stopping` or `stopped`. */
  get state(): ServiceState {
    return this.#switch.state;
  }

  /** Where it listens; undefined while it does not. */
  get address(): IpAddress | undefined {
    return this.#switch.front?.address;
  }

  /** The port it listens on; 0 while it does not. */
  get port(): number {
    return this.address?.port ?? 0;
  }

  /** Clients at present. */
  get connectionCount(): number {
    return this.#switch.stats.connectionCount;
  }

  /** What it has done so far. */
  get stats(): UdpRelayStats {
    return this.#switch.stats;
  }
}
