/** A component that makes any number of sessions, each with a socket of its own. */
import { ConnectionGroup } from "../connection/component/connection-group.js";
import type { AnyConnection } from "../connection/connection.js";
import { Events } from "../connection/events/events.js";
import type { Engine } from "../engine/engine.js";
import type { Given } from "../options.js";
import { AgentDialing } from "../outgoing/agent-dialing.js";
import type { AgentTarget } from "../outgoing/agent-target.js";
import { Places } from "../outgoing/places.js";
import type { ReconnectWish } from "../outgoing/reconnect-handlers.js";
import {
  type DatagramConnectOptions,
  OUTGOING_OPTION_NAMES,
  type OutgoingOptions,
} from "./datagram-options.js";
import { DatagramRole } from "./datagram-role.js";
import type { DatagramSettings } from "./datagram-settings.js";
import type { MessageConnection } from "./message-connection.js";
import type { Session } from "./session.js";
import { SessionComponent } from "./session-component.js";
import { SessionDialer } from "./session-dialer.js";
import type { SessionProtocol } from "./session-link.js";

/** What agents over datagrams have in common. */
export abstract class SessionAgent<
  Context,
  Handle extends MessageConnection<Context> = MessageConnection<Context>,
> extends ConnectionGroup<Session, Handle, DatagramSettings> {
  readonly #component: SessionComponent;
  readonly #dialing: AgentDialing<Session, DatagramConnectOptions>;
  readonly #optionNames: readonly string[];

  /**
   * `protocol` is left out where each datagram is a message. The options were checked: `optionNames` are all there
   * are.
   */
  constructor(
    options: OutgoingOptions<Handle, Context> &
      ReconnectWish<AgentTarget<Handle, DatagramConnectOptions>>,
    engine: Engine,
    protocol: SessionProtocol | undefined,
    optionNames: readonly string[] = OUTGOING_OPTION_NAMES,
  ) {
    const events = new Events<Handle, Buffer>(options);
    const role = new DatagramRole<Handle, Context>(events, options.context);
    const component = new SessionComponent(role, engine, protocol, options);
    super(component);
    const dialer = new SessionDialer(component, role, options);
    const share = { component, dialer, events, handlers: options };
    role.places = new Places<Session, DatagramConnectOptions>(share);
    this.#component = component;
    const canReconnect = optionNames.includes("reconnect");
    this.#dialing = new AgentDialing(
      component,
      dialer,
      role.places,
      options.reconnect,
      canReconnect,
    );
    this.#optionNames = optionNames;
  }

  /**
   * Makes a connection and resolves with it when `onConnect` and `onHandshake` were called. The first call starts
   * the agent. Over UDP nothing is heard of the peer yet then: who is not there is found by probes.
   *
   * Rejects with `HOST_NOT_FOUND`, `HOST_UNREACHABLE`, `ADDRESS_NOT_AVAILABLE`, `CONNECT_TIMEOUT`,
   * `CONNECTION_LIMIT`, `REFUSED` (by a handler), `ABORTED`, …; `onClose` is called as well, since the
   * connection had its id from the start.
   */
  async connect(options: DatagramConnectOptions): Promise<Handle> {
    const session: AnyConnection = await this.#dialing.connect(options);
    return session as Handle;
  }

  /** For heirs that make connections anew; see `TcpAgent.targets`. */
  protected placedTargets(): AgentTarget<Handle, DatagramConnectOptions>[] {
    const places: AgentTarget<AnyConnection, DatagramConnectOptions>[] = this.#dialing.targets();
    return places as AgentTarget<Handle, DatagramConnectOptions>[];
  }

  /** The same; see `TcpAgent.target`. */
  protected placedTarget(id: number): AgentTarget<Handle, DatagramConnectOptions> | undefined {
    const place: AgentTarget<AnyConnection, DatagramConnectOptions> | undefined =
      this.#dialing.target(id);
    return place as AgentTarget<Handle, DatagramConnectOptions> | undefined;
  }

  /** Changes settings while running. Throws `INVALID_ARGUMENT`, and `SETTING_FIXED` for what can't be changed. */
  configure(changes: Given<DatagramSettings>): void {
    this.#component.change(changes, this.#optionNames);
  }

  /** Lets the process end while connections are open, or waited for. */
  unref(): void {
    this.#component.unref();
    this.#dialing.holdChanged();
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.#component.ref();
    this.#dialing.holdChanged();
  }
}
