/** Many outbound connections of one object (HP §2.5). */
import {
  type AnyModelRule,
  assertComponentOptions,
  type ComponentOptions,
  type ContextRule,
  type OutgoingHandlerRule,
} from "../connection/component/component-options.js";
import { StreamComponent } from "../connection/component/stream-component.js";
import { StreamGroup } from "../connection/component/stream-group.js";
import type { Connection } from "../connection/connection.js";
import { Events } from "../connection/events/events.js";
import type { StreamConnection } from "../connection/stream-connection.js";
import {
  type ConnectOptions,
  LOCAL_END_NAMES,
  type LocalEnd,
  localEnd,
} from "../dial/connect-options.js";
import { AgentDialing } from "../outgoing/agent-dialing.js";
import type { AgentTarget } from "../outgoing/agent-target.js";
import { Places } from "../outgoing/places.js";
import {
  assertReconnectHandlers,
  RECONNECT_NAMES,
  type ReconnectChoice,
  type ReconnectWish,
} from "../outgoing/reconnect-handlers.js";
import { PacketRole } from "./packet-role.js";
import { type ClientSecurity, secured } from "./secured.js";
import { TcpDialer } from "./tcp-dialer.js";

/** A destination of a {@link TcpAgent} to which connections are made anew. */
export type TcpTarget<Context = unknown> = AgentTarget<Connection<Context>, ConnectOptions>;

/** Options of a {@link TcpAgent}. */
export type TcpAgentOptions<
  Received extends Buffer | number = Buffer,
  Context = unknown,
> = ComponentOptions<Connection<Context>, Received, Context> &
  ContextRule<Context> &
  OutgoingHandlerRule &
  ClientSecurity &
  LocalEnd &
  ReconnectWish<TcpTarget<Context>>;

/** Options of {@link TcpAgent.connect}. */
export interface AgentConnectOptions extends ConnectOptions, ReconnectChoice {}

/** A TCP agent: makes any number of connections to any number of peers. */
export class TcpAgent<
  Received extends Buffer | number = Buffer,
  Context = unknown,
> extends StreamGroup<Context> {
  readonly #component: StreamComponent;
  readonly #dialing: AgentDialing<StreamConnection, ConnectOptions>;

  constructor(options?: TcpAgentOptions<Received, Context>);
  constructor(
    options: TcpAgentOptions<Buffer | number, Context> & AnyModelRule<Connection<Context>>,
  );
  constructor(options: TcpAgentOptions<Received, Context> = {} as never) {
    const [engine, security] = secured("client", options);
    assertComponentOptions(options, "outgoing", [...LOCAL_END_NAMES, ...RECONNECT_NAMES]);
    assertReconnectHandlers(options);
    const local = localEnd(options);
    const events = new Events<Connection<Context>, Received>(options);
    const role = new PacketRole(events, options.context);
    const component = new StreamComponent(role, engine, security, options);
    super(component);
    this.#component = component;
    const dialer = new TcpDialer(component, role, local);
    const startsTlsByHand = security?.startsAtOnce === false;
    const share = { component, dialer, events, handlers: options, startsTlsByHand };
    role.places = new Places<StreamConnection, ConnectOptions>(share);
    this.#dialing = new AgentDialing(component, dialer, role.places, options.reconnect, true);
  }

  /**
   * Makes a connection and resolves with it when `onConnect` and `onHandshake` were called. The first
   * call starts the agent.
   *
   * Rejects with `CONNECTION_REFUSED`, `CONNECT_TIMEOUT`, `HOST_NOT_FOUND`, `HOST_UNREACHABLE`,
   * `CONNECTION_LIMIT`, `REFUSED` (by a handler), `ABORTED`, …; where several addresses were tried,
   * the cause is an `AggregateError` with the error of each. `onClose` is called as well, since
   * the connection had its id from the start (`onPrepareConnect`).
   */
  async connect(options: AgentConnectOptions): Promise<Connection<Context>> {
    const connection: Connection = await this.#dialing.connect(options);
    return connection as Connection<Context>;
  }

  /** Destinations to which connections are made anew, from `connect` until no other connection is made. */
  targets(): TcpTarget<Context>[] {
    return this.#dialing.targets() as AgentTarget<
      Connection,
      ConnectOptions
    >[] as TcpTarget<Context>[];
  }

  /** The destination of the connection with this id, the last one too; undefined where none is made anew. */
  target(id: number): TcpTarget<Context> | undefined {
    const target: AgentTarget<Connection, ConnectOptions> | undefined = this.#dialing.target(id);
    return target as TcpTarget<Context> | undefined;
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
