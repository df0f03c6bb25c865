/**
 * One listener of the engine: listens, stops, and begins anew. Servers of all protocols have one of these.
 * What becomes of the streams that it accepts is the matter of `admission.ts`.
 */
import { assertHost } from "../../bytes/host-text.js";
import type {
  Address,
  IpAddress,
  Listener,
  ListenerSink,
  ListenTarget,
  StreamSink,
  StreamSocket,
} from "../../engine/engine.js";
import { assertText, invalidArgument, NetError } from "../../errors.js";
import {
  assertOptions,
  type CallTable,
  choice,
  count,
  flag,
  type NumberRule,
  optional,
} from "../../options.js";
import type { StreamComponent } from "../component/stream-component.js";
import { streamOptions } from "../stream-options.js";
import { Admission, type AdmissionOptions, type AdmissionRole } from "./admission.js";

/** Where and how to listen. */
export interface ListenOptions {
  /** Address or name of this host. Default `0.0.0.0`; `::` for IPv6, and both with `dualStack`. */
  readonly host?: string | undefined;
  /** 0 to 65535; 0 (default): any free port, see {@link TcpServer.address}. */
  readonly port?: number | undefined;
  /** Path of a Unix-domain socket instead of host and port. */
  readonly path?: string | undefined;
  /** Which addresses of a name to take; that of `host` where it is an address. Default `any`. */
  readonly family?: "any" | "IPv4" | "IPv6" | undefined;
  /** Connections that the kernel completes ahead of us. Default 4,096, cut by the system's own limit. */
  readonly backlog?: number | undefined;
  /** `SO_REUSEPORT`: several listeners share the port. Default false. `NOT_SUPPORTED` where the engine can't. */
  readonly reusePort?: boolean | undefined;
  /** An IPv6 listener takes IPv4 connections as well. Default true. */
  readonly dualStack?: boolean | undefined;
}

/** Default and range of {@link ListenOptions.backlog}. */
export const BACKLOG: NumberRule = count(4_096, "connections", { min: 1, max: 65_535 });

/** The server, as what listens for it sees it. */
export interface ListeningRole extends AdmissionRole {
  /** Asks whether to listen there. Throws `REFUSED`, `HANDLER_FAILED`. */
  askListen(target: ListenTarget): void;
}

interface Opening {
  readonly resolve: (address: Address) => void;
  readonly reject: (error: NetError) => void;
}

/** The listener of one server. */
export class Listening implements ListenerSink {
  private readonly component: StreamComponent;
  private readonly role: ListeningRole;
  private listener: Listener | undefined;
  private boundAddress: Address | undefined;
  private opening: Opening | undefined;
  /** Calls of {@link listen}, so that one which was overtaken by `stop` knows. */
  private startCount = 0;
  private readonly admission: Admission;

  /** Throws `INVALID_ARGUMENT` for invalid `options`. */
  constructor(component: StreamComponent, role: ListeningRole, options: AdmissionOptions) {
    this.component = component;
    this.role = role;
    this.admission = new Admission(component, role, options);
  }

  /**
   * Changes who may come in, for peers to come; `others` is called when the changes are found to be possible,
   * and may throw. Throws `INVALID_ARGUMENT`.
   */
  configure(changes: AdmissionOptions, others: () => void): void {
    this.admission.configure(changes, others);
  }

  /** Where it listens; undefined while it does not. */
  get address(): Address | undefined {
    return this.boundAddress;
  }

  /** The port it listens on; 0 while it does not, and on a path. */
  get port(): number {
    return this.boundAddress?.port ?? 0;
  }

  get isOpen(): boolean {
    return this.listener !== undefined;
  }

  /** See `TcpServer.listen`. */
  listen(options?: ListenOptions & { readonly path?: never }): Promise<IpAddress>;
  listen(options: ListenOptions): Promise<Address>;
  async listen(options: ListenOptions = {}): Promise<Address> {
    assertListenOptions(options);
    const component = this.component;
    component.move("start");
    const start = ++this.startCount;
    const isCurrent = (): boolean => start === this.startCount && component.state === "starting";
    try {
      const target = await this.target(options);
      if (!isCurrent()) throw stopped();
      this.role.askListen(target);
      // The handler may have stopped the server.
      if (!isCurrent()) throw stopped();
      return await new Promise<Address>((resolve, reject) => {
        this.opening = { resolve, reject };
        this.listener = component.service.engine.listen(target, this);
        if (!component.keepsProcess) this.listener.unref();
      });
    } catch (error) {
      if (isCurrent()) await component.stop({ drainMs: 0 });
      throw error;
    }
  }

  private async target(options: ListenOptions): Promise<ListenTarget> {
    const { settings, security } = this.component;
    return {
      address: await this.listenAddress(options),
      backlog: options.backlog ?? BACKLOG.standard,
      reusePort: options.reusePort ?? false,
      dualStack: options.dualStack ?? true,
      stream: streamOptions(settings, security),
    };
  }

  private async listenAddress(options: ListenOptions): Promise<Address> {
    if (options.path !== undefined) return { path: options.path };
    const host = options.host ?? "0.0.0.0";
    const { family = "any" } = options;
    const found = await this.component.service.engine.resolve(host);
    const first = found.find((one) => family === "any" || one.family === family);
    if (first === undefined) {
      const text = `${host} has no address of family ${family}`;
      throw new NetError("HOST_NOT_FOUND", text, { operation: "listen" });
    }
    return { host: first.host, port: options.port ?? 0, family: first.family };
  }

  close(): void {
    this.admission.cancel();
    this.listener?.close();
  }

  ref(): void {
    this.listener?.ref();
    this.admission.ref();
  }

  unref(): void {
    this.listener?.unref();
    this.admission.unref();
  }

  // — the engine's calls —

  listenerOpened(address: Address): void {
    this.boundAddress = address;
    if (this.component.state !== "starting") return;
    this.component.move("ready");
    this.opening?.resolve(address);
    this.opening = undefined;
  }

  listenerAccepted(stream: StreamSocket): StreamSink | undefined {
    if (this.component.state !== "started") return undefined;
    return this.admission.accepted(stream, this.boundAddress?.host === undefined);
  }

  listenerAcceptFailed(error: NetError): void {
    this.component.tellRefused(error, undefined);
  }

  listenerClosed(error: NetError | undefined): void {
    const component = this.component;
    this.listener = undefined;
    this.boundAddress = undefined;
    const opening = this.opening;
    this.opening = undefined;
    opening?.reject(error ?? stopped());
    if (component.state === "started") {
      if (error !== undefined) component.tellRefused(error, undefined);
      void component.stop();
    } else component.finishStop();
  }
}

function stopped(): NetError {
  return new NetError("STOPPED", "the server was stopped while it began to listen", {
    operation: "listen",
  });
}

const LISTEN_OPTIONS: CallTable<ListenOptions> = {
  host: optional(assertHost),
  port: optional(count(0, "port", { max: 65_535 })),
  path: optional(assertText),
  family: optional(choice("any", ["any", "IPv4", "IPv6"])),
  backlog: optional(BACKLOG),
  reusePort: optional(flag(false)),
  dualStack: optional(flag(true)),
};

function assertListenOptions(options: ListenOptions): void {
  assertOptions<ListenOptions>("listen", LISTEN_OPTIONS, options);
  const { path, host, port } = options;
  if (path !== undefined && (host !== undefined || port !== undefined)) {
    throw invalidArgument("listen takes either a path or a host and port, not both");
  }
}
