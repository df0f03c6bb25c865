/** Many outbound connections of one object (HP §2.5). */

import {
  type AnyModelRule,
  assertComponentOptions,
  type ComponentOptions,
  type ContextRule,
} from "../connection/component-options.js";
import type { Connection } from "../connection/connection.js";
import { Events } from "../connection/events.js";
import { StreamComponent } from "../connection/stream-component.js";
import { StreamGroup } from "../connection/stream-group.js";
import { throwIfAborted } from "../connection/waiter.js";
import {
  assertConnectOptions,
  type ConnectOptions,
  dialOptions,
  LOCAL_END_NAMES,
  type LocalEnd,
  localEnd,
} from "../dial/connect-options.js";
import { Dialing } from "../dial/dialing.js";
import { NetError } from "../errors.js";
import { PacketRole } from "./packet-role.js";
import { type ClientSecurity, schemeOf, secured } from "./secured.js";

/** Options of a {@link TcpAgent}. */
export type TcpAgentOptions<
  Received extends Buffer | number = Buffer,
  Context = unknown,
> = ComponentOptions<Connection<Context>, Received, Context> &
  ContextRule<Context> &
  ClientSecurity &
  LocalEnd;

/** A TCP agent: makes any number of connections to any number of peers. */
export class TcpAgent<
  Received extends Buffer | number = Buffer,
  Context = unknown,
> extends StreamGroup<Context> {
  readonly #component: StreamComponent;
  readonly #localEnd: LocalEnd;
  readonly #role: PacketRole<Connection<Context>, Received, Context>;

  constructor(options?: TcpAgentOptions<Received, Context>);
  constructor(
    options: TcpAgentOptions<Buffer | number, Context> & AnyModelRule<Connection<Context>>,
  );
  constructor(options: TcpAgentOptions<Received, Context> = {} as never) {
    const [engine, security] = secured("client", options);
    assertComponentOptions(options, LOCAL_END_NAMES);
    const local = localEnd(options);
    const role = new PacketRole(new Events(options), options.context);
    const component = new StreamComponent(role, engine, security, options);
    super(component);
    this.#component = component;
    this.#localEnd = local;
    this.#role = role;
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
  async connect(options: ConnectOptions): Promise<Connection<Context>> {
    assertConnectOptions(options);
    throwIfAborted(options, "connect");
    const component = this.#component;
    if (component.state === "stopped") {
      component.move("start");
      component.move("ready");
    } else if (component.state !== "started") {
      throw new NetError("INVALID_STATE", `can't connect: the agent is ${component.state}`, {
        operation: "connect",
      });
    }
    const limit = component.settings.maxConnections;
    if (component.connectionCount >= limit) {
      const message = `there are ${component.connectionCount} connections, and maxConnections is ${limit}`;
      throw new NetError("CONNECTION_LIMIT", message, { operation: "connect" });
    }
    const target = dialOptions(options, this.#localEnd, schemeOf(component.security));
    const connection = component.admit();
    const dialing = new Dialing(component, connection, target);
    if (this.#role.prepareConnect(connection)) dialing.start();
    await dialing.promise;
    return connection as Connection as Connection<Context>;
  }

  /** Lets the process end while connections are open. */
  unref(): void {
    this.#component.unref();
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.#component.ref();
  }
}
