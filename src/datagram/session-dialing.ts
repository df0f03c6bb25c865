/**
 * An outgoing session: looks its peer up, has a socket of its own for it, probes it while it lives, and closes the
 * socket when the session has ended. The promise settles once: resolved when the session is open, rejected with
 * what ended it before.
 */
import { parseIp } from "../bytes/ip-bytes.js";
import { type GiveUp, Waiter } from "../connection/waiting/waiter.js";
import { LOOPBACK } from "../dial/connect-options.js";
import type { ProxyHop } from "../dial/proxy-hop.js";
import { type AssociationOwner, UdpAssociation } from "../dial/udp-association.js";
import type { IpAddress } from "../engine/engine.js";
import { type PeerKey, peerKeyOf } from "../engine/peer-key.js";
import { NetError } from "../errors.js";
import { CONNECT_TIMEOUT_MS, type DatagramConnectOptions } from "./datagram-options.js";
import { DatagramPort, type PortOwner } from "./datagram-port.js";
import { Prober } from "./prober.js";
import { RelayedPort } from "./relayed-port.js";
import { anyAddress, ownSocket, resolveDatagramHost } from "./resolve-peer.js";
import type { Session } from "./session.js";
import type { SessionComponent } from "./session-component.js";
import type { SessionDial } from "./session-events.js";
import { bufferSizes } from "./session-listening.js";

/** What the component says of its outgoing sessions. */
export interface DialingShare {
  /** The proxy that relays the datagrams of this one; undefined: they go directly. */
  readonly hop: ProxyHop | undefined;
  readonly ports: PortCount;
  readonly closeOnRefused: boolean;
}

/** Counts the sockets of outgoing sessions, so that a stop can wait for them. */
export interface PortCount {
  openPortCount: number;
}

export class SessionDialing implements PortOwner, SessionDial, AssociationOwner {
  readonly promise: Promise<void>;
  private readonly component: SessionComponent;
  private readonly session: Session;
  private readonly options: DatagramConnectOptions;
  private readonly share: DialingShare;
  private readonly waiter: Waiter<void>;
  /** The look-up that is under way. */
  private lookup: AbortController | undefined = undefined;
  private readonly prober: Prober;
  private addresses: IpAddress[] = [];
  private port: DatagramPort | undefined = undefined;
  private association: UdpAssociation | undefined = undefined;
  private relayed: RelayedPort | undefined = undefined;

  constructor(
    component: SessionComponent,
    session: Session,
    options: DatagramConnectOptions,
    share: DialingShare,
  ) {
    this.component = component;
    this.session = session;
    this.options = options;
    this.share = share;
    this.prober = new Prober(session);
    session.dial = this;
    session.remoteHost = options.host ?? LOOPBACK;
    const forget = (error: NetError): void => {
      session.fail(error);
    };
    const giveUp: GiveUp = {
      code: "CONNECT_TIMEOUT",
      call: "connect",
      operation: "connect",
      forget,
    };
    this.waiter = new Waiter<void>(component.service.wheel, options, giveUp, CONNECT_TIMEOUT_MS);
    this.promise = this.waiter.promise;
  }

  /** Begins. Nothing is called from within. */
  start(): void {
    const { host = LOOPBACK, port, family } = this.options;
    const { engine } = this.component.service;
    const { hop } = this.share;
    if (hop !== undefined) {
      this.association = new UdpAssociation(engine, hop, this);
      if (!this.component.keepsProcess) this.association.unref();
      this.association.start();
      return;
    }
    this.lookup = new AbortController();
    const { signal } = this.lookup;
    resolveDatagramHost(engine, { host, port, family }, "connect", signal).then(
      (addresses) => {
        this.lookup = undefined;
        this.addresses = [...addresses];
        this.tryNext(undefined);
      },
      (error: unknown) => this.session.fail(error as NetError),
    );
  }

  // — the proxy's calls —

  associationMade(relay: IpAddress): void {
    this.addresses = [relay];
    this.tryNext(undefined);
  }

  associationFailed(error: NetError): void {
    this.session.fail(error);
  }

  /** Opens a socket to the next address; `error` is why the last one has failed. */
  private tryNext(error: NetError | undefined): void {
    const { component, session } = this;
    if (session.state !== "connecting") return;
    const peer = this.addresses.shift();
    if (peer === undefined) {
      session.fail(error ?? new NetError("HOST_NOT_FOUND", undefined, { operation: "connect" }));
      return;
    }
    const { localHost, localPort = 0 } = this.options;
    const any = anyAddress(peer.family, localPort);
    const address = localHost === undefined ? any : { ...any, host: localHost };
    const target = { ...ownSocket(address, peer), ...bufferSizes(component.settings) };
    try {
      session.peer = this.peerBehind(peer);
      this.port = new DatagramPort(component.service, target, this);
      this.share.ports.openPortCount++;
      if (!component.keepsProcess) this.port.unref();
    } catch (failure) {
      this.tryNext(failure as NetError);
    }
  }

  /** Where the peer of a socket with this peer is: behind a proxy it is elsewhere, and known where it is no name. */
  private peerBehind(peer: IpAddress): PeerKey | undefined {
    if (this.share.hop === undefined) return peerKeyOf(peer);
    const { host = LOOPBACK, port } = this.options;
    return parseIp(host) === undefined ? undefined : peerKeyOf({ host, port, family: peer.family });
  }

  // — the port's calls —

  portOpened(): void {
    const { port, session } = this;
    if (port === undefined || session.state !== "connecting") return;
    if (this.association === undefined) {
      session.open(port);
      return;
    }
    const { host = LOOPBACK, port: peerPort } = this.options;
    this.relayed = new RelayedPort(port, session, { host, port: peerPort });
    session.open(this.relayed);
  }

  datagramsReceived(bytes: Buffer, _from: PeerKey, segmentBytes: number): void {
    const { relayed } = this;
    if (relayed === undefined) this.session.datagramsReceived(bytes, segmentBytes);
    else relayed.received(bytes, segmentBytes);
  }

  datagramRefused(error: NetError): void {
    this.session.datagramRefused(error);
  }

  portClosed(error: NetError | undefined): void {
    this.share.ports.openPortCount--;
    this.port = undefined;
    // It is needed no longer than datagrams can leave.
    if (this.session.state !== "connecting") this.association?.cancel();
    const { session } = this;
    if (session.state === "connecting") this.tryNext(error);
    else if (error !== undefined) session.failSilently(error);
    this.component.finishStop();
  }

  // — the session's calls —

  established(): void {
    this.waiter.resolve();
    this.prober.start();
  }

  settingsChanged(): void {
    this.prober.settingsChanged();
  }

  refused(error: NetError): void {
    if (this.share.closeOnRefused) this.session.failSilently(error);
  }

  ended(): void {
    this.lookup?.abort();
    this.prober.end();
    // An error captures the stack: it is made only where a caller waits.
    if (this.waiter.isPending) this.waiter.reject(this.session.endError());
    // Its last word leaves first.
    if (this.port !== undefined) this.port.close();
    else this.association?.cancel();
  }

  ref(): void {
    this.port?.ref();
    this.association?.ref();
  }

  unref(): void {
    this.port?.unref();
    this.association?.unref();
  }
}
