/** Many inbound connections (HP §2.4). */
import type { ComponentOptions } from "../connection/component.js";
import type { Connection } from "../connection/connection.js";
import { ConnectionGroup } from "../connection/connection-group.js";
import { handlerError } from "../connection/handlers.js";
import { assertBoolean } from "../connection/settings.js";
import type {
  Address,
  IpAddress,
  Listener,
  ListenerSink,
  ListenTarget,
  StreamSink,
  StreamSocket,
} from "../engine/engine.js";
import { assertInteger, assertKnownKeys, describe, NetError } from "../errors.js";
import { type ServerSecurity, secured } from "./secured.js";
import { streamOptions } from "./stream-options.js";

/** Where and how to listen. */
export interface ListenOptions {
  /** Address or name of this host. Default `0.0.0.0`; `::` for IPv6, and both with `dualStack`. */
  readonly host?: string;
  /** 0 to 65535; 0 (default): any free port, see {@link TcpServer.address}. */
  readonly port?: number;
  /** Path of a Unix-domain socket instead of host and port. */
  readonly path?: string;
  /** Connections that the kernel completes ahead of us. Default 4,096, cut by the system's own limit. */
  readonly backlog?: number;
  /** `SO_REUSEPORT`: several listeners share the port. Default false. `NOT_SUPPORTED` where the engine can't. */
  readonly reusePort?: boolean;
  /** An IPv6 listener takes IPv4 connections as well. Default true. */
  readonly dualStack?: boolean;
}

/** Options of a {@link TcpServer}. */
export type TcpServerOptions<
  Received extends Buffer | number = Buffer,
  Context = unknown,
> = ComponentOptions<Connection<Context>, Received, Context> & ServerSecurity;

const LISTEN_NAMES = ["host", "port", "path", "backlog", "reusePort", "dualStack"] as const;

/** A TCP server: accepts connections on one address. */
export class TcpServer<Received extends Buffer | number = Buffer, Context = unknown>
  extends ConnectionGroup<Received, Context>
  implements ListenerSink
{
  private listener: Listener | undefined = undefined;
  private boundTo: Address | undefined = undefined;
  private opening: PromiseWithResolver | undefined = undefined;
  private held = true;
  /** Calls of {@link listen}, so that one which was overtaken by `stop` knows. */
  private startCount = 0;

  constructor(options: TcpServerOptions<Received, Context> = {}) {
    super(options, ...secured("server", options));
  }

  /** Where the server listens; undefined while it does not. */
  get address(): Address | undefined {
    return this.boundTo;
  }

  /** The port it listens on; 0 while it does not, and on a path. */
  get port(): number {
    return this.boundTo !== undefined && "port" in this.boundTo ? this.boundTo.port : 0;
  }

  /**
   * Begins to listen and resolves with the address, which has the port that was chosen. Rejects with
   * `ADDRESS_IN_USE`, `ADDRESS_NOT_AVAILABLE`, `ACCESS_DENIED`, `HOST_NOT_FOUND`, `NOT_SUPPORTED`,
   * `REFUSED` (by `onPrepareListen`), `STOPPED`, or `INVALID_STATE` unless the server is stopped.
   */
  listen(options?: ListenOptions & { readonly path?: never }): Promise<IpAddress>;
  listen(options: ListenOptions): Promise<Address>;
  async listen(options: ListenOptions = {}): Promise<Address> {
    assertListenOptions(options);
    this.move("start");
    const start = ++this.startCount;
    try {
      const target = await this.target(options);
      if (start !== this.startCount || this.state !== "starting") throw stopped();
      this.askPrepareListen(target);
      return await new Promise<Address>((resolve, reject) => {
        this.opening = { resolve, reject };
        this.listener = this.service.engine.listen(target, this);
        if (!this.held) this.listener.unref();
      });
    } catch (error) {
      if (start === this.startCount && this.state === "starting") await this.stop({ drainMs: 0 });
      throw error;
    }
  }

  private askPrepareListen(target: ListenTarget): void {
    let verdict: unknown;
    try {
      verdict = this.handlers.onPrepareListen?.(target);
    } catch (error) {
      throw handlerError("onPrepareListen", "listen", error);
    }
    if (verdict === false) {
      throw new NetError("REFUSED", "onPrepareListen refused", { operation: "listen" });
    }
  }

  private async target(options: ListenOptions): Promise<ListenTarget> {
    return {
      address: await this.listenAddress(options),
      backlog: options.backlog ?? 4_096,
      reusePort: options.reusePort ?? false,
      dualStack: options.dualStack ?? true,
      stream: streamOptions(this.settings, this.security),
    };
  }

  private async listenAddress(options: ListenOptions): Promise<Address> {
    if (options.path !== undefined) return { path: options.path };
    const host = options.host ?? "0.0.0.0";
    const [first] = await this.service.engine.resolve(host);
    if (first === undefined) throw new NetError("HOST_NOT_FOUND", `${host} has no address`);
    return { host: first.host, port: options.port ?? 0, family: first.family };
  }

  // — the engine's calls —

  listenerOpened(address: Address): void {
    this.boundTo = address;
    if (this.state !== "starting") return;
    this.move("ready");
    this.opening?.resolve(address);
    this.opening = undefined;
  }

  listenerAccepted(stream: StreamSocket): StreamSink | undefined {
    if (this.state !== "started") return undefined;
    const full = this.limitReached();
    if (full !== undefined) {
      this.tellRefused(full, stream.remoteAddress());
      return undefined;
    }
    const connection = this.admit(stream);
    if (!this.held) stream.unref();
    if (this.equip(connection, "accept")) connection.open(false);
    return connection;
  }

  private limitReached(): NetError | undefined {
    const { maxConnections, maxHandshakes } = this.settings;
    if (this.connectionCount >= maxConnections) {
      const message = `there are ${maxConnections} connections already (maxConnections)`;
      return new NetError("CONNECTION_LIMIT", message, { operation: "accept" });
    }
    if (this.security?.startsAtOnce === true && this.security.underWayCount >= maxHandshakes) {
      const message = `${maxHandshakes} handshakes are under way already (maxHandshakes)`;
      return new NetError("HANDSHAKE_LIMIT", message, { operation: "accept" });
    }
    return undefined;
  }

  listenerAcceptFailed(error: NetError): void {
    this.tellRefused(error, undefined);
  }

  listenerClosed(error: NetError | undefined): void {
    this.listener = undefined;
    this.boundTo = undefined;
    const opening = this.opening;
    this.opening = undefined;
    opening?.reject(error ?? stopped());
    if (this.state === "started") {
      if (error !== undefined) this.tellRefused(error, undefined);
      void this.stop();
    } else this.finishStop();
  }

  protected override closeListeners(): void {
    this.listener?.close();
  }

  protected override hasListeners(): boolean {
    return this.listener !== undefined;
  }

  /** Lets the process end while the server listens and connections are open. */
  unref(): void {
    this.held = false;
    this.listener?.unref();
    for (const connection of this.registry.list()) connection.stream.unref();
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.held = true;
    this.listener?.ref();
    for (const connection of this.registry.list()) connection.stream.ref();
  }
}

interface PromiseWithResolver {
  readonly resolve: (address: Address) => void;
  readonly reject: (error: NetError) => void;
}

function stopped(): NetError {
  return new NetError("STOPPED", "the server was stopped while it began to listen", {
    operation: "listen",
  });
}

function assertListenOptions(options: ListenOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new NetError(
      "INVALID_ARGUMENT",
      `listen takes an options object, not ${describe(options)}`,
    );
  }
  assertKnownKeys("listen", options, LISTEN_NAMES);
  if (options.reusePort !== undefined) assertBoolean("reusePort", options.reusePort);
  if (options.dualStack !== undefined) assertBoolean("dualStack", options.dualStack);
  if (options.port !== undefined) assertInteger("port", options.port, 0, 65_535);
  if (options.backlog !== undefined) assertInteger("backlog", options.backlog, 1, 65_535);
  if (options.path !== undefined && (options.host !== undefined || options.port !== undefined)) {
    throw new NetError("INVALID_ARGUMENT", "listen takes either a path or a host and port");
  }
  for (const name of ["host", "path"] as const) {
    const value: unknown = options[name];
    if (value === undefined || (typeof value === "string" && value !== "")) continue;
    throw new NetError("INVALID_ARGUMENT", `${name} must be text, not ${describe(value)}`);
  }
}
