/**
 * What lets sessions in: one socket, the sessions of its peers by their addresses, and who may begin one. Servers
 * of all protocols over datagrams have one of these. Hot.
 *
 * A stranger's datagram begins a session where the component has started, the protocol can make something of it, it
 * is not too long, `access` and the permits of its network let it, and there is room. Nothing is kept of who is turned
 * away. Where there is no room, that is answered with a close-notify, one for each datagram at most, and so many in a
 * second.
 */
import { accessBy } from "../connection/access/access-control.js";
import {
  type AccessOptions,
  type AccessRules,
  readAccess,
} from "../connection/access/access-options.js";
import { ToldRefusals } from "../connection/access/told-refusals.js";
import type { DatagramTarget, IpAddress } from "../engine/engine.js";
import { addressOfPeer, hostOfPeer, type PeerKey } from "../engine/peer-key.js";
import { NetError } from "../errors.js";
import { CLOSE_NOTIFY, isCloseNotify } from "../protocol/udp-control/udp-control.js";
import { Admission } from "./admission.js";
import { assertDatagramListen, type DatagramListenOptions } from "./datagram-options.js";
import { DatagramPort, type Destination, NOWHERE, type PortOwner } from "./datagram-port.js";
import { listenTarget } from "./resolve-peer.js";
import type { Session } from "./session.js";
import type { SessionComponent } from "./session-component.js";
import type { StrangerPeer } from "./session-link.js";

/** Who may begin a session. Given to the constructor of a server, or later to `configure`. */
export interface SessionAdmissionOptions {
  /**
   * Lists of networks, and limits for each address, as of every server. Who is kept out gets no answer. The sender of a
   * datagram can be forged, unless the protocol proves it, as that of `ArqServer` does. Default: everybody, and none.
   */
  readonly access?: AccessOptions | undefined;
}

/** Names of {@link SessionAdmissionOptions}. */
export const SESSION_ADMISSION_NAMES: readonly (keyof SessionAdmissionOptions)[] = ["access"];

/** The server, as what lets sessions in sees it. */
export interface SessionListeningRole {
  /** Asks whether to listen there. Throws `REFUSED`, `HANDLER_FAILED`. */
  askListen(target: DatagramTarget): void;
  /** A session is let in: gives it what it needs. May end it, which is then not opened. */
  prepare(session: Session): void;
}

interface Opening {
  readonly resolve: (address: IpAddress) => void;
  readonly reject: (error: NetError) => void;
}

export class SessionListening implements PortOwner {
  private readonly component: SessionComponent;
  private readonly role: SessionListeningRole;
  private readonly sessions: Map<PeerKey, Session> = new Map();
  private readonly admission: Admission = new Admission();
  private port: DatagramPort | undefined = undefined;
  private opening: Opening | undefined = undefined;
  /** Calls of {@link listen}, so that one which was overtaken by `stop` knows. */
  private startCount = 0;
  private droppedBefore = 0;
  private readonly told: ToldRefusals = new ToldRefusals();

  /** Throws `INVALID_ARGUMENT` for invalid `options`. */
  constructor(
    component: SessionComponent,
    role: SessionListeningRole,
    options: SessionAdmissionOptions,
  ) {
    this.component = component;
    this.role = role;
    this.setAccess(readAccess(options.access));
    component.onEmpty = () => this.port?.close();
  }

  /**
   * Changes who may begin a session, for peers to come; `others` is called when the change is found to be possible,
   * and may throw. Throws `INVALID_ARGUMENT`.
   */
  configure(changes: SessionAdmissionOptions, others: () => void): void {
    const rules = readAccess(changes.access);
    others();
    if ("access" in changes) this.setAccess(rules);
  }

  private setAccess(rules: AccessRules | undefined): void {
    const { component } = this;
    const { registry, service } = component;
    component.access = accessBy(rules, component.access, registry.list(), service.arrivalMs());
  }

  /** Where it listens; undefined while it does not. */
  get address(): IpAddress | undefined {
    return this.port?.address;
  }

  get isOpen(): boolean {
    return this.port !== undefined;
  }

  /** Datagrams that the system has dropped because we did not take them in time. */
  get droppedCount(): number {
    return this.droppedBefore + (this.port?.droppedCount ?? 0);
  }

  /** The session of a peer. */
  find(peer: PeerKey): Session | undefined {
    return this.sessions.get(peer);
  }

  /** See `UdpServer.listen`. */
  async listen(options: DatagramListenOptions = {}): Promise<IpAddress> {
    assertDatagramListen(options);
    const { component } = this;
    component.move("start");
    const start = ++this.startCount;
    const isCurrent = (): boolean => start === this.startCount && component.state === "starting";
    try {
      const target = await this.target(options);
      if (!isCurrent()) throw stopped();
      this.role.askListen(target);
      // The handler may have stopped the server.
      if (!isCurrent()) throw stopped();
      return await new Promise<IpAddress>((resolve, reject) => {
        this.opening = { resolve, reject };
        this.port = new DatagramPort(component.service, target, this);
        if (!component.keepsProcess) this.port.unref();
      });
    } catch (error) {
      if (isCurrent()) await component.stop({ drainMs: 0 });
      throw error;
    }
  }

  private async target(options: DatagramListenOptions): Promise<DatagramTarget> {
    const { service, settings } = this.component;
    const target = await listenTarget(service.engine, options, "0.0.0.0");
    return { ...target, ...bufferSizes(settings) };
  }

  ref(): void {
    this.port?.ref();
  }

  unref(): void {
    this.port?.unref();
  }

  /** The session has ended. */
  forget(session: Session): void {
    const { peer } = session;
    if (peer !== undefined && this.sessions.get(peer) === session) this.sessions.delete(peer);
  }

  // — the port's calls —

  portOpened(address: IpAddress): void {
    if (this.component.state !== "starting") return;
    this.component.move("ready");
    this.opening?.resolve(address);
    this.opening = undefined;
  }

  datagramsReceived(bytes: Buffer, from: PeerKey, segmentBytes: number): void {
    const session = this.sessions.get(from);
    if (session === undefined) this.strangerReceived(bytes, from, segmentBytes);
    else session.datagramsReceived(bytes, segmentBytes);
  }

  /** Each datagram of a train may be the one that begins a session, which gets what is behind it. */
  private strangerReceived(bytes: Buffer, from: PeerKey, segmentBytes: number): void {
    const step = Math.max(segmentBytes, 1);
    for (let at = 0; at === 0 || at < bytes.length; at += step) {
      const session = this.begin(bytes.subarray(at, at + step), from);
      if (session === undefined) continue;
      session.datagramsReceived(at === 0 ? bytes : bytes.subarray(at), segmentBytes);
      return;
    }
  }

  /** The new session of a stranger, unless it may not begin one. */
  private begin(first: Buffer, from: PeerKey): Session | undefined {
    const { component, port } = this;
    if (component.state !== "started" || port === undefined) return undefined;
    if (isCloseNotify(first)) return undefined;
    const { protocol, access } = component;
    const nowMs = component.service.arrivalMs();
    const host = access === undefined ? undefined : hostOfPeer(from);
    const code = access?.refusal(host, nowMs);
    if (access !== undefined && code !== undefined) {
      this.refuse(from, nowMs, () => access.errorOf(code));
      return undefined;
    }
    if (protocol?.mayBegin?.(first, new Stranger(from, port)) === false) return undefined;
    const { maxConnections, maxDatagramBytes, maxNewPerSecond } = component.settings;
    // As in HP-Socket, it gets no session that would end at once, and no answer.
    if (first.length > maxDatagramBytes) {
      const { length } = first;
      this.refuse(from, nowMs, () => tooLongError(length, maxDatagramBytes));
      return undefined;
    }
    if (!this.admission.admits(from, maxNewPerSecond, nowMs)) {
      this.refuse(from, nowMs, () => rateError(maxNewPerSecond));
      return undefined;
    }
    if (component.connectionCount >= maxConnections) {
      // Of the others that are refused none is told: it may be somebody else who writes their addresses.
      if (this.refuse(from, nowMs, () => fullError(maxConnections))) {
        new Stranger(from, port).reply(CLOSE_NOTIFY);
      }
      return undefined;
    }
    const session = component.admit(from);
    access?.entered(session.id, host, nowMs);
    this.sessions.set(from, session);
    this.role.prepare(session);
    if (session.state === "connecting") session.open(port);
    return session;
  }

  /**
   * Counts a refusal, and tells of it unless that was done too often of late; returns whether it did.
   */
  private refuse(from: PeerKey, nowMs: number, error: () => NetError): boolean {
    if (!this.told.mayTell(nowMs)) {
      this.component.countRefused();
      return false;
    }
    this.component.tellRefused(error(), addressOfPeer(from));
    return true;
  }

  portClosed(error: NetError | undefined): void {
    const { component, opening } = this;
    this.droppedBefore = this.droppedCount;
    this.port = undefined;
    this.opening = undefined;
    this.admission.clear();
    opening?.reject(error ?? stopped());
    if (component.state === "started") {
      if (error !== undefined) component.tellRefused(error, undefined);
      for (const session of component.registry.list()) session.failSilently(error ?? stopped());
      void component.stop();
    } else component.finishStop();
  }
}

/** A peer without a session that gets a reply. */
class Stranger implements Destination, StrangerPeer {
  readonly peer: PeerKey;
  firstWaiting: number = NOWHERE;
  lastWaiting: number = NOWHERE;
  private readonly port: DatagramPort;

  constructor(peer: PeerKey, port: DatagramPort) {
    this.peer = peer;
    this.port = port;
  }

  reply(bytes: Uint8Array): void {
    this.port.send(this, bytes);
  }

  datagramsSent(): void {
    // Whether it has left does not matter.
  }
}

function tooLongError(byteCount: number, maxDatagramBytes: number): NetError {
  const text = `its first datagram has ${byteCount} bytes, above maxDatagramBytes (${maxDatagramBytes})`;
  return new NetError("DATAGRAM_TOO_LONG", text, { operation: "accept" });
}

function rateError(maxNewPerSecond: number): NetError {
  const text = `its network has begun maxNewPerSecond (${maxNewPerSecond}) sessions within a second`;
  return new NetError("SESSION_RATE_LIMIT", text, { operation: "accept" });
}

function fullError(maxConnections: number): NetError {
  const text = `there are ${maxConnections} sessions, as many as maxConnections allows`;
  return new NetError("CONNECTION_LIMIT", text, { operation: "accept" });
}

function stopped(): NetError {
  return new NetError("STOPPED", "the server was stopped while it began to listen", {
    operation: "listen",
  });
}

/** Sizes of the kernel's buffers, where they are asked for. */
export function bufferSizes({
  receiveBufferBytes,
  sendBufferBytes,
}: {
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
}): Pick<DatagramTarget, "receiveBufferBytes" | "sendBufferBytes"> {
  return {
    ...(receiveBufferBytes > 0 && { receiveBufferBytes }),
    ...(sendBufferBytes > 0 && { sendBufferBytes }),
  };
}
