/**
 * What lets connections in: one listener of the engine, and who may pass. Servers of all protocols have
 * one of these.
 */
import { Buffer } from "node:buffer";
import { formatIp, parseIp } from "../address/ip.js";
import type {
  Address,
  IpAddress,
  Listener,
  ListenerSink,
  ListenTarget,
  StreamSink,
  StreamSocket,
} from "../engine/engine.js";
import { assertText, invalidArgument, NetError } from "../errors.js";
import {
  assertOptions,
  type CallTable,
  choice,
  count,
  flag,
  type NumberRule,
  optional,
} from "../options.js";
import type { ProxyHeader } from "../protocol/proxy-header/proxy-header.js";
import { AccessControl } from "./access-control.js";
import { type AccessOptions, type AccessRules, readAccess } from "./access-options.js";
import {
  type ProxyHeaderOptions,
  type ProxyHeaderRules,
  readProxyHeader,
} from "./proxy-header-options.js";
import { type ProxyHeaderOwner, ProxyHeaderStage } from "./proxy-header-stage.js";
import type { StreamComponent } from "./stream-component.js";
import type { StreamConnection } from "./stream-connection.js";
import { streamOptions } from "./stream-options.js";
import { handshakeLimit } from "./tls-upgrade.js";

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
  readonly backlog?: number;
  /** `SO_REUSEPORT`: several listeners share the port. Default false. `NOT_SUPPORTED` where the engine can't. */
  readonly reusePort?: boolean;
  /** An IPv6 listener takes IPv4 connections as well. Default true. */
  readonly dualStack?: boolean;
}

/** Default and range of {@link ListenOptions.backlog}. */
export const BACKLOG: NumberRule = count(4_096, "connections", { min: 1, max: 65_535 });

/** Refusals by `access` in a second of which `onRefuse` is told; the others are counted. */
export const MAX_REFUSALS_TOLD = 100;

/** Who may come in. Given to the constructor of a server, or later to `configure`. */
export interface AdmissionOptions {
  /** Lists of networks, and limits for each address. Default: everybody, and none. */
  readonly access?: AccessOptions | undefined;
  /** Relays whose PROXY headers are required and believed. Default: none. */
  readonly proxyHeader?: ProxyHeaderOptions | undefined;
}

/** Names of {@link AdmissionOptions}. */
export const ADMISSION_NAMES: readonly (keyof AdmissionOptions)[] = ["access", "proxyHeader"];

/** Options in two: who may come in, and the others. */
export function admissionAmong<Options extends AdmissionOptions>(
  options: Options,
): [AdmissionOptions, Omit<Options, keyof AdmissionOptions>] {
  const { access, proxyHeader, ...others } = options;
  return [
    {
      ...("access" in options && { access }),
      ...("proxyHeader" in options && { proxyHeader }),
    },
    others,
  ];
}

const NO_BYTES: Buffer = Buffer.alloc(0);

/** The server, as what lets connections in sees it. */
export interface ListeningRole {
  /** Asks whether to listen there. Throws `REFUSED`, `HANDLER_FAILED`. */
  askListen(target: ListenTarget): void;
  /** A connection is let in: gives it what it needs. May end it, which is then not opened. */
  prepare(connection: StreamConnection): void;
}

interface Opening {
  readonly resolve: (address: Address) => void;
  readonly reject: (error: NetError) => void;
}

/** What lets connections in: one listener of the engine, and who may pass. */
export class Listening implements ListenerSink, ProxyHeaderOwner {
  readonly #component: StreamComponent;
  readonly #role: ListeningRole;
  #listener: Listener | undefined;
  #address: Address | undefined;
  #opening: Opening | undefined;
  /** Calls of {@link listen}, so that one which was overtaken by `stop` knows. */
  #startCount = 0;
  #proxyHeader: ProxyHeaderRules | undefined;
  /** Accepted streams whose PROXY header has not come. */
  readonly #stages: Set<ProxyHeaderStage> = new Set();
  #toldSinceMs = 0;
  #toldCount = 0;

  /** Throws `INVALID_ARGUMENT` for `options` that can't be. */
  constructor(component: StreamComponent, role: ListeningRole, options: AdmissionOptions) {
    this.#component = component;
    this.#role = role;
    this.#proxyHeader = readProxyHeader(options.proxyHeader);
    this.#setAccess(readAccess(options.access));
  }

  /**
   * Changes who may come in, for peers to come; `others` is called when the changes are found to be possible,
   * and may throw. Throws `INVALID_ARGUMENT`.
   */
  configure(changes: AdmissionOptions, others: () => void): void {
    const rules = readAccess(changes.access);
    const proxyHeader = readProxyHeader(changes.proxyHeader);
    others();
    if ("proxyHeader" in changes) this.#proxyHeader = proxyHeader;
    if ("access" in changes) this.#setAccess(rules);
  }

  #setAccess(rules: AccessRules | undefined): void {
    const component = this.#component;
    if (rules === undefined) component.access = undefined;
    else if (component.access?.canTake(rules) === true) component.access.take(rules);
    else {
      const access = new AccessControl(rules);
      component.access = access;
      const nowMs = component.service.arrivalMs();
      for (const { id, remoteAddress } of component.registry.list()) {
        access.entered(id, remoteAddress?.host, nowMs, false);
      }
    }
  }

  /** Where it listens; undefined while it does not. */
  get address(): Address | undefined {
    return this.#address;
  }

  /** The port it listens on; 0 while it does not, and on a path. */
  get port(): number {
    return this.#address?.port ?? 0;
  }

  get isOpen(): boolean {
    return this.#listener !== undefined;
  }

  /** See `TcpServer.listen`. */
  listen(options?: ListenOptions & { readonly path?: never }): Promise<IpAddress>;
  listen(options: ListenOptions): Promise<Address>;
  async listen(options: ListenOptions = {}): Promise<Address> {
    assertListenOptions(options);
    const component = this.#component;
    component.move("start");
    const start = ++this.#startCount;
    const isCurrent = (): boolean => start === this.#startCount && component.state === "starting";
    try {
      const target = await this.#target(options);
      if (!isCurrent()) throw stopped();
      this.#role.askListen(target);
      // The handler may have stopped the server.
      if (!isCurrent()) throw stopped();
      return await new Promise<Address>((resolve, reject) => {
        this.#opening = { resolve, reject };
        this.#listener = component.service.engine.listen(target, this);
        if (!component.isHeld) this.#listener.unref();
      });
    } catch (error) {
      if (isCurrent()) await component.stop({ drainMs: 0 });
      throw error;
    }
  }

  async #target(options: ListenOptions): Promise<ListenTarget> {
    const { settings, security } = this.#component;
    return {
      address: await this.#listenAddress(options),
      backlog: options.backlog ?? BACKLOG.standard,
      reusePort: options.reusePort ?? false,
      dualStack: options.dualStack ?? true,
      stream: streamOptions(settings, security),
    };
  }

  async #listenAddress(options: ListenOptions): Promise<Address> {
    if (options.path !== undefined) return { path: options.path };
    const host = options.host ?? "0.0.0.0";
    const { family = "any" } = options;
    const found = await this.#component.service.engine.resolve(host);
    const first = found.find((one) => family === "any" || one.family === family);
    if (first === undefined) {
      const text = `${host} has no address of family ${family}`;
      throw new NetError("HOST_NOT_FOUND", text, { operation: "listen" });
    }
    return { host: first.host, port: options.port ?? 0, family: first.family };
  }

  close(): void {
    for (const stage of this.#stages) stage.cancel();
    this.#stages.clear();
    this.#listener?.close();
  }

  ref(): void {
    this.#listener?.ref();
    for (const { stream } of this.#stages) stream.ref();
  }

  unref(): void {
    this.#listener?.unref();
    for (const { stream } of this.#stages) stream.unref();
  }

  // — the engine's calls —

  listenerOpened(address: Address): void {
    this.#address = address;
    if (this.#component.state !== "starting") return;
    this.#component.move("ready");
    this.#opening?.resolve(address);
    this.#opening = undefined;
  }

  listenerAccepted(stream: StreamSocket): StreamSink | undefined {
    const component = this.#component;
    if (component.state !== "started") return undefined;
    if (this.#proxyHeader !== undefined) {
      const stage = this.#stageFor(stream, this.#proxyHeader);
      if (stage !== undefined) return stage;
    }
    return this.#enter(stream, stream.remoteAddress(), undefined, NO_BYTES);
  }

  /** What reads the header of a relay's stream; undefined where none is wanted. */
  #stageFor(stream: StreamSocket, rules: ProxyHeaderRules): ProxyHeaderStage | undefined {
    const host = stream.remoteAddress()?.host;
    if (host === undefined || parseIp(host) === undefined || !rules.from.has(host))
      return undefined;
    const component = this.#component;
    if (component.connectionCount + this.#stages.size >= component.settings.maxConnections) {
      return undefined;
    }
    const stage = new ProxyHeaderStage(stream, this, rules, component.service.wheel);
    this.#stages.add(stage);
    if (!component.isHeld) stream.unref();
    return stage;
  }

  headerRead(stage: ProxyHeaderStage, header: ProxyHeader, early: Buffer): void {
    this.#stages.delete(stage);
    const { stream } = stage;
    const { source } = header;
    const ip = source === undefined ? undefined : parseIp(source.host);
    const named =
      source === undefined || ip === undefined
        ? stream.remoteAddress()
        : { host: formatIp(ip), port: source.port, family: ip.family };
    if (this.#enter(stream, named, header, early) === undefined) stream.reset();
  }

  headerFailed(stage: ProxyHeaderStage, error: NetError): void {
    this.#stages.delete(stage);
    if (this.#mayTell(this.#component.service.arrivalMs())) {
      this.#component.tellRefused(error, stage.stream.remoteAddress());
    } else this.#component.countRefused();
  }

  /** Lets a stream in whose peer is at `from`, as far as is known, or answers undefined. */
  #enter(
    stream: StreamSocket,
    from: Address | undefined,
    header: ProxyHeader | undefined,
    early: Buffer,
  ): StreamSink | undefined {
    const component = this.#component;
    const { access } = component;
    if (access !== undefined && !this.#maySeek(access, from)) return undefined;
    const full = this.#limitReached(from);
    if (full !== undefined) {
      component.tellRefused(full, from);
      return undefined;
    }
    const connection = component.admit(stream);
    if (header !== undefined) connection.setOrigin(from, header);
    access?.entered(connection.id, from?.host, component.service.arrivalMs());
    if (!component.isHeld) stream.unref();
    this.#role.prepare(connection);
    if (connection.state === "connecting") connection.open(false, early);
    return connection;
  }

  /** Whether a peer may come in, as far as its address goes. One without an IP address came by a path. */
  #maySeek(access: AccessControl, from: Address | undefined): boolean {
    if (this.#address?.host === undefined) return true;
    const nowMs = this.#component.service.arrivalMs();
    const code = access.refusal(from?.host, nowMs);
    if (code === undefined) return true;
    if (this.#mayTell(nowMs)) this.#component.tellRefused(access.errorOf(code), from);
    else this.#component.countRefused();
    return false;
  }

  #mayTell(nowMs: number): boolean {
    if (nowMs - this.#toldSinceMs >= 1_000) {
      this.#toldSinceMs = nowMs;
      this.#toldCount = 0;
    }
    return ++this.#toldCount <= MAX_REFUSALS_TOLD;
  }

  #limitReached(from: Address | undefined): NetError | undefined {
    const { settings, connectionCount, security } = this.#component;
    const { maxConnections, maxHandshakes } = settings;
    const count = connectionCount + this.#stages.size;
    if (count >= maxConnections) {
      const message = `there are ${count} connections, and maxConnections is ${maxConnections}`;
      return new NetError("CONNECTION_LIMIT", message, { operation: "accept" });
    }
    if (security?.startsAtOnce !== true) return undefined;
    if (security.underWayCount < maxHandshakes) return undefined;
    const peer = from?.host;
    return security.makeRoom(peer, maxHandshakes) ? undefined : handshakeLimit(maxHandshakes);
  }

  listenerAcceptFailed(error: NetError): void {
    this.#component.tellRefused(error, undefined);
  }

  listenerClosed(error: NetError | undefined): void {
    const component = this.#component;
    this.#listener = undefined;
    this.#address = undefined;
    const opening = this.#opening;
    this.#opening = undefined;
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
  host: optional(assertText),
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
    throw invalidArgument("listen takes either a path or a host and port");
  }
}
