/** A component whose sessions begin with their peers: what servers of all protocols over datagrams are. */
import type { ComponentStats } from "../connection/component/component-options.js";
import { ConnectionGroup } from "../connection/component/connection-group.js";
import { Events } from "../connection/events/events.js";
import type { Engine, IpAddress } from "../engine/engine.js";
import { assertObject } from "../errors.js";
import type { Given } from "../options.js";
import {
  DATAGRAM_OPTION_NAMES,
  type DatagramListenOptions,
  type DatagramOptions,
} from "./datagram-options.js";
import { DatagramRole } from "./datagram-role.js";
import type { DatagramSettings } from "./datagram-settings.js";
import type { MessageConnection } from "./message-connection.js";
import type { Session } from "./session.js";
import { SessionComponent } from "./session-component.js";
import type { SessionProtocol } from "./session-link.js";
import { type SessionAdmissionOptions, SessionListening } from "./session-listening.js";

/** Time of silence after which a server's session ends, unless told otherwise. */
export const SERVER_IDLE_TIMEOUT_MS = 240_000;

/** What a server over datagrams has done so far. */
export interface DatagramStats extends ComponentStats {
  /** Datagrams that the system has dropped because they were not taken in time, as far as it tells. */
  readonly droppedCount: number;
}

/** What can be given to `configure` of a server over datagrams. */
export interface DatagramServerChanges extends Given<DatagramSettings>, SessionAdmissionOptions {}

/** What servers over datagrams have in common. */
export abstract class SessionServer<
  Context,
  Handle extends MessageConnection<Context> = MessageConnection<Context>,
> extends ConnectionGroup<Session, Handle, DatagramSettings> {
  readonly #component: SessionComponent;
  readonly #listening: SessionListening;
  readonly #optionNames: readonly string[];

  /** `protocol` is left out where each datagram is a message. The options were checked: `optionNames` are all there are. */
  constructor(
    options: DatagramOptions<Handle, Context> & SessionAdmissionOptions,
    engine: Engine,
    protocol: SessionProtocol | undefined,
    optionNames: readonly string[] = DATAGRAM_OPTION_NAMES,
  ) {
    const role = new DatagramRole(new Events(options), options.context);
    const given = { idleTimeoutMs: SERVER_IDLE_TIMEOUT_MS, ...options };
    const component = new SessionComponent(role, engine, protocol, given);
    super(component);
    this.#component = component;
    this.#listening = new SessionListening(component, role, options);
    role.listening = this.#listening;
    this.#optionNames = optionNames;
  }

  /** Where the server listens; undefined while it does not. */
  get address(): IpAddress | undefined {
    return this.#listening.address;
  }

  /** The port it listens on; 0 while it does not. */
  get port(): number {
    return this.#listening.address?.port ?? 0;
  }

  /** What the server has done so far. */
  override get stats(): DatagramStats {
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
   * Changes settings, also while running, and who may come in, for peers to come. Throws `SETTING_FIXED` for what
   * can't be changed, `INVALID_ARGUMENT` for an invalid value; then nothing is changed.
   */
  configure(changes: DatagramServerChanges): void {
    assertObject("the options of configure", changes);
    const { access, ...settings } = changes;
    const admission = "access" in changes ? { access } : {};
    this.#listening.configure(admission, () => this.#component.change(settings, this.#optionNames));
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
