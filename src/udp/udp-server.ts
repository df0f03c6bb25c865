/** A server over UDP: a remote address is a connection with an id (HP §2.9). */
import type { ComponentStats } from "../connection/component-options.js";
import { ConnectionGroup } from "../connection/connection-group.js";
import { Events } from "../connection/events.js";
import {
  assertDatagramOptions,
  DATAGRAM_OPTION_NAMES,
  type DatagramListenOptions,
  type DatagramOptions,
  type MessageContextRule,
} from "../datagram/datagram-options.js";
import { DatagramRole } from "../datagram/datagram-role.js";
import type { DatagramSettings } from "../datagram/datagram-settings.js";
import type { MessageConnection } from "../datagram/message-connection.js";
import type { Session } from "../datagram/session.js";
import { SessionComponent } from "../datagram/session-component.js";
import { SessionListening } from "../datagram/session-listening.js";
import { chooseEngine } from "../engine/choose-engine.js";
import type { IpAddress } from "../engine/engine.js";

/** Time of silence after which a server's session ends, unless told otherwise. */
export const SERVER_IDLE_TIMEOUT_MS = 240_000;

/** Options of a {@link UdpServer}. `idleTimeoutMs` is 240,000 where left out. */
export type UdpServerOptions<Context = unknown> = DatagramOptions<
  MessageConnection<Context>,
  Context
> &
  MessageContextRule<Context>;

/** What a {@link UdpServer} has done so far. */
export interface UdpStats extends ComponentStats {
  /** Datagrams that the system has dropped because they were not taken in time, as far as it tells. */
  readonly droppedCount: number;
}

/**
 * A UDP server. The first datagram of an address makes a connection of it: `onAccept` → `onHandshake` →
 * `onReceive` … → `onClose`. It ends by `close`, by the peer's close-notify, or when nothing has come for
 * too long: `DETECT_TIMEOUT` after missed probes, `IDLE_TIMEOUT`.
 */
export class UdpServer<Context = unknown> extends ConnectionGroup<
  Session,
  MessageConnection<Context>,
  DatagramSettings
> {
  readonly #component: SessionComponent;
  readonly #listening: SessionListening;

  constructor(options: UdpServerOptions<Context> = {} as never) {
    assertDatagramOptions(options, DATAGRAM_OPTION_NAMES);
    const engine = chooseEngine(options.engine, "datagram");
    const role = new DatagramRole(new Events(options), options.context);
    const given = { idleTimeoutMs: SERVER_IDLE_TIMEOUT_MS, ...options };
    const component = new SessionComponent(role, engine, undefined, given);
    super(component);
    this.#component = component;
    this.#listening = new SessionListening(component, role);
    role.listening = this.#listening;
  }

  /** Where the server listens; undefined while it does not. */
  get address(): IpAddress | undefined {
    return this.#listening.address;
  }

  /** The port it listens on; 0 while it does not. */
  get port(): number {
    return this.#listening.address?.port ?? 0;
  }

  override get stats(): UdpStats {
    return { ...super.stats, droppedCount: this.#listening.droppedCount };
  }

  /**
   * Begins to listen and resolves with the address, which has the port that was chosen. Rejects with
   * `ADDRESS_IN_USE`, `ADDRESS_NOT_AVAILABLE`, `ACCESS_DENIED`, `HOST_NOT_FOUND`, `NOT_SUPPORTED`,
   * `REFUSED` (by `onPrepareListen`), `STOPPED`, or `INVALID_STATE` unless the server is stopped.
   */
  listen(options: DatagramListenOptions = {}): Promise<IpAddress> {
    return this.#listening.listen(options);
  }

  /**
   * Changes settings, also while running. Throws `SETTING_FIXED` for what can't be changed,
   * `INVALID_ARGUMENT` for a value that can't be; then nothing is changed.
   */
  configure(changes: Partial<DatagramSettings>): void {
    this.#component.change(changes, DATAGRAM_OPTION_NAMES);
  }

  /** Lets the process end while the server listens. */
  unref(): void {
    this.#component.unref();
    this.#listening.unref();
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.#component.ref();
    this.#listening.ref();
  }
}
