/** A component that makes any number of sessions, each with a socket of its own. */

import type { AnyConnection } from "../connection/connection.js";
import { ConnectionGroup } from "../connection/connection-group.js";
import { Events } from "../connection/events.js";
import { throwIfAborted } from "../connection/waiter.js";
import type { Engine } from "../engine/engine.js";
import { NetError } from "../errors.js";
import {
  assertDatagramConnect,
  type DatagramConnectOptions,
  OUTGOING_OPTION_NAMES,
  type OutgoingOptions,
  relayingProxy,
} from "./datagram-options.js";
import { DatagramRole } from "./datagram-role.js";
import type { DatagramSettings } from "./datagram-settings.js";
import type { MessageConnection } from "./message-connection.js";
import type { Session } from "./session.js";
import { SessionComponent } from "./session-component.js";
import { SessionDialing } from "./session-dialing.js";
import type { SessionProtocol } from "./session-link.js";

/** Base of agents over datagrams; see the head of the file. */
export abstract class SessionAgent<
  Context,
  Handle extends MessageConnection<Context> = MessageConnection<Context>,
> extends ConnectionGroup<Session, Handle, DatagramSettings> {
  readonly #component: SessionComponent;
  readonly #role: DatagramRole<Handle, Context>;
  readonly #options: OutgoingOptions<Handle, Context>;
  readonly #optionNames: readonly string[];

  /** `protocol` is left out where each datagram is a message. The options were checked: `optionNames` are all there are. */
  constructor(
    options: OutgoingOptions<Handle, Context>,
    engine: Engine,
    protocol: SessionProtocol | undefined,
    optionNames: readonly string[] = OUTGOING_OPTION_NAMES,
  ) {
    const role = new DatagramRole<Handle, Context>(new Events(options), options.context);
    const component = new SessionComponent(role, engine, protocol, options);
    super(component);
    this.#component = component;
    this.#role = role;
    this.#options = options;
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
    assertDatagramConnect(options);
    throwIfAborted(options, "connect");
    const component = this.#component;
    if (component.state === "stopped") {
      component.move("start");
      component.move("ready");
    } else if (component.state !== "started") {
      throw new NetError("INVALID_STATE", `the agent is ${component.state}`, {
        operation: "connect",
      });
    }
    const limit = component.settings.maxConnections;
    if (component.connectionCount >= limit) {
      const message = `there are ${limit} connections already (maxConnections)`;
      throw new NetError("CONNECTION_LIMIT", message, { operation: "connect" });
    }
    const { closeOnRefused = false, proxy } = this.#options;
    const hop = relayingProxy(options, proxy);
    const session = component.admit();
    const dialing = new SessionDialing(component, session, options, {
      hop,
      ports: this.#role,
      closeOnRefused,
    });
    if (this.#role.prepareConnect(session)) dialing.start();
    await dialing.promise;
    return session as AnyConnection as Handle;
  }

  /** See `UdpServer.configure`. */
  configure(changes: Partial<DatagramSettings>): void {
    this.#component.change(changes, this.#optionNames);
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
