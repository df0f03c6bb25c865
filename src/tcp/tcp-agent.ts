/** Many outbound connections of one object (HP §2.5). */
import type { ComponentOptions } from "../connection/component.js";
import type { Connection } from "../connection/connection.js";
import { ConnectionGroup } from "../connection/connection-group.js";
import { throwIfAborted } from "../connection/waiter.js";
import { NetError } from "../errors.js";
import { assertConnectOptions, type ConnectOptions } from "./connect-options.js";
import { Dialing } from "./dialing.js";
import { type ClientSecurity, secured } from "./secured.js";
import { streamOptions } from "./stream-options.js";

/** Options of a {@link TcpAgent}. */
export type TcpAgentOptions<
  Received extends Buffer | number = Buffer,
  Context = unknown,
> = ComponentOptions<Connection<Context>, Received, Context> & ClientSecurity;

/** A TCP agent: makes any number of connections to any number of peers. */
export class TcpAgent<
  Received extends Buffer | number = Buffer,
  Context = unknown,
> extends ConnectionGroup<Received, Context> {
  private held = true;

  constructor(options: TcpAgentOptions<Received, Context> = {}) {
    super(options, ...secured("client", options));
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
    if (this.state === "stopped") {
      this.move("start");
      this.move("ready");
    } else if (this.state !== "started") {
      throw new NetError("INVALID_STATE", `the agent is ${this.state}`, { operation: "connect" });
    }
    const limit = this.settings.maxConnections;
    if (this.connectionCount >= limit) {
      const message = `there are ${limit} connections already (maxConnections)`;
      throw new NetError("CONNECTION_LIMIT", message, { operation: "connect" });
    }
    const connection = this.admit();
    const dialing = new Dialing(connection, options, streamOptions(this.settings, this.security));
    if (!this.held) dialing.unref();
    if (this.allowsConnect(connection)) dialing.start();
    await dialing.promise;
    return connection as Connection as Connection<Context>;
  }

  /** Lets the process end while connections are open. */
  unref(): void {
    this.held = false;
    for (const connection of this.registry.list()) connection.stream.unref();
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.held = true;
    for (const connection of this.registry.list()) connection.stream.ref();
  }
}
