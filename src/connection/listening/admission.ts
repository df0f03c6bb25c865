/**
 * What becomes of an accepted stream before it is a connection: lists of networks and limits for each address
 * (`access`), the PROXY header of a relay, the numbers of connections and of handshakes. A server has one.
 */
import type { Buffer } from "node:buffer";
import { formatIp, parseIp } from "../../address/ip.js";
import type { Address, StreamSink, StreamSocket } from "../../engine/engine.js";
import { NetError } from "../../errors.js";
import type { ProxyHeader } from "../../protocol/proxy-header/proxy-header.js";
import { accessBy } from "../access/access-control.js";
import { type AccessOptions, type AccessRules, readAccess } from "../access/access-options.js";
import {
  type ProxyHeaderOptions,
  type ProxyHeaderRules,
  readProxyHeader,
} from "../access/proxy-header-options.js";
import { type ProxyHeaderOwner, ProxyHeaderStage } from "../access/proxy-header-stage.js";
import { ToldRefusals } from "../access/told-refusals.js";
import type { StreamComponent } from "../component/stream-component.js";
import type { StreamConnection } from "../stream-connection.js";
import { handshakeLimit } from "../tls/tls-upgrade.js";

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

/** The server, as what lets connections in sees it. */
export interface AdmissionRole {
  /** A connection is let in: gives it what it needs. May end it, which is then not opened. */
  prepare(connection: StreamConnection): void;
}

/** Lets the peers of one server in, or refuses them. */
export class Admission implements ProxyHeaderOwner {
  private readonly component: StreamComponent;
  private readonly role: AdmissionRole;
  private proxyHeader: ProxyHeaderRules | undefined;
  /** Accepted streams whose PROXY header has not come. */
  private readonly stages: Set<ProxyHeaderStage> = new Set();
  private readonly told: ToldRefusals = new ToldRefusals();

  /** Throws `INVALID_ARGUMENT` for invalid `options`. */
  constructor(component: StreamComponent, role: AdmissionRole, options: AdmissionOptions) {
    this.component = component;
    this.role = role;
    this.proxyHeader = readProxyHeader(options.proxyHeader);
    this.setAccess(readAccess(options.access));
  }

  /** See `Listening.configure`. */
  configure(changes: AdmissionOptions, others: () => void): void {
    const rules = readAccess(changes.access);
    const proxyHeader = readProxyHeader(changes.proxyHeader);
    others();
    if ("proxyHeader" in changes) this.proxyHeader = proxyHeader;
    if ("access" in changes) this.setAccess(rules);
  }

  private setAccess(rules: AccessRules | undefined): void {
    const component = this.component;
    const { registry, service } = component;
    component.access = accessBy(rules, component.access, registry.list(), service.arrivalMs());
  }

  /** Gives up the streams whose header has not come. */
  cancel(): void {
    for (const stage of this.stages) stage.cancel();
    this.stages.clear();
  }

  ref(): void {
    for (const { stream } of this.stages) stream.ref();
  }

  unref(): void {
    for (const { stream } of this.stages) stream.unref();
  }

  /** Takes a stream for a connection to be, and answers who gets its calls; undefined: it is refused. */
  accepted(stream: StreamSocket, isOnPath: boolean): StreamSink | undefined {
    if (this.proxyHeader !== undefined && !isOnPath) {
      if (stream.remoteAddress() === undefined) {
        this.refuse(unknownPeer(), undefined);
        return undefined;
      }
      const stage = this.stageFor(stream, this.proxyHeader);
      if (stage !== undefined) return stage;
    }
    // An address takes memory for as long as the connection lasts: asked for where somebody looks at it.
    if (this.component.access === undefined) return this.enter(stream);
    const from = stream.remoteAddress();
    return isOnPath || this.mayConnect(from) ? this.enter(stream, from) : undefined;
  }

  /** What reads the header of a relay's stream; undefined where none is wanted. */
  private stageFor(stream: StreamSocket, rules: ProxyHeaderRules): ProxyHeaderStage | undefined {
    const host = stream.remoteAddress()?.host;
    const isRelay = host !== undefined && parseIp(host) !== undefined && rules.from.has(host);
    if (!isRelay) return undefined;
    const component = this.component;
    if (component.connectionCount + this.stages.size >= component.settings.maxConnections) {
      return undefined;
    }
    const stage = new ProxyHeaderStage(stream, this, rules, component.service.wheel);
    this.stages.add(stage);
    if (!component.keepsProcess) stream.unref();
    return stage;
  }

  headerRead(stage: ProxyHeaderStage, header: ProxyHeader, early: Buffer): void {
    this.stages.delete(stage);
    const { stream } = stage;
    const { source } = header;
    const ip = source === undefined ? undefined : parseIp(source.host);
    const named =
      source === undefined || ip === undefined
        ? stream.remoteAddress()
        : { host: formatIp(ip), port: source.port, family: ip.family };
    const connection = this.mayConnect(named)
      ? this.enter(stream, named, header, early)
      : undefined;
    if (connection === undefined) stream.reset();
  }

  headerFailed(stage: ProxyHeaderStage, error: NetError): void {
    this.stages.delete(stage);
    this.refuse(error, stage.stream.remoteAddress());
  }

  /** Makes a connection of a stream, unless there are too many. `from`: where its peer is, once known. */
  private enter(
    stream: StreamSocket,
    from?: Address,
    header?: ProxyHeader,
    early?: Buffer,
  ): StreamConnection | undefined {
    const component = this.component;
    const full = this.limitReached(() => from ?? stream.remoteAddress());
    if (full !== undefined) {
      component.tellRefused(full, from ?? stream.remoteAddress());
      return undefined;
    }
    const connection = component.admit(stream);
    if (header !== undefined) connection.setOrigin(from, header);
    component.access?.entered(connection.id, from?.host, component.service.arrivalMs());
    if (!component.keepsProcess) stream.unref();
    this.role.prepare(connection);
    if (connection.state === "connecting") connection.open(false, early);
    return connection;
  }

  /** Whether the peer's address may connect: by the lists of `access`, and its limits for each address. */
  private mayConnect(from: Address | undefined): boolean {
    const { access, service } = this.component;
    if (access === undefined) return true;
    const code = access.refusal(from?.host, service.arrivalMs());
    if (code === undefined) return true;
    this.refuse(access.errorOf(code), from);
    return false;
  }

  /** Refuses a peer, and tells so, unless that was told too often of late. */
  private refuse(error: NetError, from: Address | undefined): void {
    const component = this.component;
    if (this.told.mayTell(component.service.arrivalMs())) component.tellRefused(error, from);
    else component.countRefused();
  }

  private limitReached(peerOf: () => Address | undefined): NetError | undefined {
    const { settings, connectionCount, security } = this.component;
    const { maxConnections, maxHandshakes } = settings;
    const count = connectionCount + this.stages.size;
    if (count >= maxConnections) {
      const message = `there are ${count} connections, and maxConnections is ${maxConnections}`;
      return new NetError("CONNECTION_LIMIT", message, { operation: "accept" });
    }
    if (security?.startsAtOnce !== true) return undefined;
    if (security.underWayCount < maxHandshakes) return undefined;
    const isRoom = security.makeRoom(peerOf()?.host, maxHandshakes);
    return isRoom ? undefined : handshakeLimit(maxHandshakes);
  }
}

/** The peer's address is unknown, so it can't be told whether the peer is a relay or its header is data. */
function unknownPeer(): NetError {
  const text = "the peer had gone before it was known whether it is a relay";
  return new NetError("PROXY_HEADER_MALFORMED", text, { operation: "accept" });
}
