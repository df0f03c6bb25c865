/**
 * One datagram socket over node:dgram.
 *
 * node:dgram calls back from inside `bind` once the look-up of a literal address answers at once, so
 * what happens while opening is told in a later tick. It has no way to stop reading: what arrives
 * during a pause is held up to the size of a kernel receive buffer, and dropped beyond, as the
 * kernel would.
 */
import type { RemoteInfo, Socket, SocketOptions } from "node:dgram";
import process from "node:process";
import { NetError, rethrowLater } from "../../errors.js";
import { inRootContext } from "../../time/root-context.js";
import { addressText } from "../address-text.js";
import { dgramModule } from "../built-in.js";
import { datagramDestination } from "../datagram-destination.js";
import { DatagramRun } from "../datagram-run.js";
import type { DatagramSink, DatagramSocket, DatagramTarget, GroupMembership } from "../engine.js";
import { assertInterface, checkedMembership } from "../group-membership.js";
import { addressOfPeer, type PeerKey, portOfPeer } from "../peer-key.js";
import { callSink } from "../sink-defect.js";
import { datagramErrorKind, errnoNameOf, systemError } from "../system-error.js";
import { addressFromInfo } from "./node-address.js";
import { NodePeers } from "./node-peers.js";
import type { NodeTurn } from "./node-turn.js";

/** Linux's own default, `net.core.rmem_default`. */
const DEFAULT_HELD_BYTES = 212_992;

type LookupCallback = (error: null, address: string, family: number) => void;

/** Addresses are literals here: no look-up on the thread pool is needed. */
function literalLookup(host: string, _options: unknown, callback: LookupCallback): void {
  callback(null, host, host.includes(":") ? 6 : 4);
}

type Done = (cause: Error | null) => void;

/** One datagram on its way out; used again for the next one. */
interface SendUnderWay {
  token: number;
  to: PeerKey | undefined;
  readonly done: Done;
}

/** Those that are kept for the next datagrams. */
const MAX_SPARE_SENDS = 1_024;

interface HeldDatagram {
  readonly bytes: Buffer;
  readonly from: PeerKey;
}

/** `SocketOptions` of the Node that has `reusePort`. */
interface DatagramOptions extends SocketOptions {
  readonly reusePort?: boolean;
}

function createDatagramSocket(target: DatagramTarget): Socket {
  const { address, receiveBufferBytes, sendBufferBytes } = target;
  const options: DatagramOptions = {
    type: address.family === "IPv6" ? "udp6" : "udp4",
    reuseAddr: target.reuseAddress,
    ipv6Only: address.family === "IPv6" && !target.dualStack,
    lookup: literalLookup as NonNullable<SocketOptions["lookup"]>,
    ...(target.reusePort && { reusePort: true }),
    ...(receiveBufferBytes !== undefined && { recvBufferSize: receiveBufferBytes }),
    ...(sendBufferBytes !== undefined && { sendBufferSize: sendBufferBytes }),
  };
  return dgramModule().createSocket(options);
}

/** One datagram socket over node:dgram. */
export class NodeDatagram implements DatagramSocket {
  readonly lendsBytes = false;
  readonly keepsTurn = false;
  private readonly target: DatagramTarget;
  private readonly sink: DatagramSink;
  private readonly turn: NodeTurn;
  private readonly socket: Socket;
  private readonly spareSends: SendUnderWay[] = [];
  private held: HeldDatagram[] = [];
  private heldBytes = 0;
  private readonly peers: NodePeers;
  /** The peer, as the kernel names it, to compare senders with. */
  private peer: PeerKey | undefined;
  droppedCount = 0;
  private isBound = false;
  private isOpen = false;
  private isPaused = false;
  private isClosed = false;

  constructor(target: DatagramTarget, sink: DatagramSink, turn: NodeTurn) {
    this.turn = turn;
    this.target = target;
    this.sink = sink;
    this.peers = new NodePeers(target.address.family === "IPv6");
    this.socket = createDatagramSocket(target);
    this.socket.on("message", (bytes, from) => this.received(bytes, from));
    this.socket.on("error", (error) => this.failed(error));
    this.socket.on("listening", () => process.nextTick(() => this.bound()));
    this.bind();
  }

  send(token: number, bytes: Uint8Array, to?: PeerKey): void {
    this.sendBytes(token, bytes, to);
  }

  sendRun(token: number, pieces: readonly Uint8Array[], to?: PeerKey): void {
    if (!this.maySend()) return;
    const peer = datagramDestination(to, this.target.peer, this.peer);
    const run = new DatagramRun(token, pieces.length, (...result) => {
      this.sink.datagramSent(...result);
    });
    this.give(pieces, peer, (cause) => this.runSent(run, to, cause));
  }

  private sendBytes(token: number, bytes: Uint8Array, to: PeerKey | undefined): void {
    if (!this.maySend()) return;
    const peer = datagramDestination(to, this.target.peer, this.peer);
    const send = this.spareSends.pop() ?? this.newSend();
    send.token = token;
    send.to = to;
    this.give(bytes, peer, send.done);
  }

  private maySend(): boolean {
    if (this.isClosed) return false;
    if (this.isOpen) return true;
    throw new NetError("INVALID_STATE", "a datagram was sent before the socket was open", {
      operation: "send",
    });
  }

  private give(
    data: Uint8Array | readonly Uint8Array[],
    peer: PeerKey | undefined,
    done: Done,
  ): void {
    try {
      // At the end of a turn the context is the engine's own already.
      if (this.turn.isRunning) this.giveInContext(data, peer, done);
      else inRootContext(() => this.giveInContext(data, peer, done));
    } catch (cause) {
      const text = `can't send a datagram${peer === undefined ? "" : ` to ${addressText(addressOfPeer(peer))}`}`;
      throw new NetError("INVALID_ARGUMENT", text, { operation: "send", cause });
    }
  }

  private giveInContext(
    data: Uint8Array | readonly Uint8Array[],
    peer: PeerKey | undefined,
    done: Done,
  ): void {
    const socket = this.socket;
    if (peer === undefined) {
      if (data instanceof Uint8Array) socket.send(data, done);
      else for (const piece of data) socket.send(piece, done);
      return;
    }
    const host = this.peers.host(peer);
    const port = portOfPeer(peer);
    if (data instanceof Uint8Array) socket.send(data, port, host, done);
    else for (const piece of data) socket.send(piece, port, host, done);
  }

  private newSend(): SendUnderWay {
    const send: SendUnderWay = {
      token: 0,
      to: undefined,
      done: (cause) => this.sent(send, cause),
    };
    return send;
  }

  joinGroup(membership: GroupMembership): void {
    const { group, interfaceHost, source } = checkedMembership(membership);
    this.configure(group, () => {
      if (source === undefined) this.socket.addMembership(group, interfaceHost);
      else this.socket.addSourceSpecificMembership(source, group, interfaceHost);
    });
  }

  leaveGroup(membership: GroupMembership): void {
    const { group, interfaceHost, source } = checkedMembership(membership);
    this.configure(group, () => {
      if (source === undefined) this.socket.dropMembership(group, interfaceHost);
      else this.socket.dropSourceSpecificMembership(source, group, interfaceHost);
    });
  }

  setMulticastInterface(interfaceHost: string): void {
    assertInterface(interfaceHost, this.target.address.family === "IPv6");
    const what = `multicast interface ${interfaceHost}`;
    this.configure(what, () => this.socket.setMulticastInterface(interfaceHost));
  }

  setMulticastTtl(ttl: number): void {
    this.configure(`multicast TTL ${ttl}`, () => this.socket.setMulticastTTL(ttl));
  }

  setMulticastLoop(on: boolean): void {
    this.configure(`multicast loop ${on}`, () => this.socket.setMulticastLoopback(on));
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    if (this.held.length === 0) return;
    inRootContext(() => process.nextTick(() => this.deliverHeld()));
  }

  close(): void {
    if (this.isClosed) return;
    this.closeWith(undefined);
  }

  ref(): void {
    this.socket.ref();
  }

  unref(): void {
    this.socket.unref();
  }

  private bind(): void {
    const { host, port } = this.target.address;
    try {
      this.socket.bind({ address: host, port });
    } catch (error) {
      // Sizing the kernel's buffers is a part of binding, and throws.
      this.failed(error);
    }
  }

  private bound(): void {
    if (this.isClosed) return;
    this.isBound = true;
    try {
      if (this.target.broadcast) this.socket.setBroadcast(true);
    } catch (error) {
      this.failed(error);
      return;
    }
    const { peer } = this.target;
    if (peer === undefined) {
      this.opened();
      return;
    }
    this.socket.on("connect", () => {
      if (this.isClosed) return;
      const { address, port: remotePort } = this.socket.remoteAddress();
      this.peer = this.peers.key(address, remotePort);
      this.opened();
    });
    const isMapped = this.target.address.family === "IPv6" && peer.family === "IPv4";
    this.socket.connect(peer.port, isMapped ? `::ffff:${peer.host}` : peer.host);
  }

  private opened(): void {
    this.isOpen = true;
    callSink(() => this.sink.datagramOpened(addressFromInfo(this.socket.address())));
  }

  private received(bytes: Buffer, from: RemoteInfo): void {
    if (!this.isOpen || this.isClosed) return;
    const peer = this.peer;
    const address = this.peers.key(from.address, from.port);
    // Datagrams that came between bind and connect were not filtered by the kernel.
    if (peer !== undefined && peer !== address) return;
    if (!this.isPaused && this.held.length === 0) {
      this.deliver(bytes, address);
      return;
    }
    const limitBytes = this.target.receiveBufferBytes ?? DEFAULT_HELD_BYTES;
    if (this.heldBytes + bytes.length > limitBytes) {
      this.droppedCount++;
      return;
    }
    this.heldBytes += bytes.length;
    this.held.push({ bytes, from: address });
  }

  private deliverHeld(): void {
    while (!this.isPaused && !this.isClosed) {
      const datagram = this.held.shift();
      if (datagram === undefined) return;
      this.heldBytes -= datagram.bytes.length;
      this.deliver(datagram.bytes, datagram.from);
    }
  }

  private deliver(bytes: Buffer, from: PeerKey): void {
    // Datagrams come one by one: replies leave together at the end of the round.
    this.turn.received(1);
    try {
      this.sink.datagramReceived(bytes, from, bytes.length);
    } catch (defect) {
      rethrowLater(defect);
    }
  }

  private sent(send: SendUnderWay, cause: Error | null): void {
    const { token, to } = send;
    if (this.spareSends.length < MAX_SPARE_SENDS) this.spareSends.push(send);
    if (this.isClosed) return;
    try {
      this.sink.datagramSent(token, this.errorOf(cause, to), cause === null ? 0 : 1);
    } catch (defect) {
      rethrowLater(defect);
    }
  }

  private runSent(run: DatagramRun, to: PeerKey | undefined, cause: Error | null): void {
    if (this.isClosed) return;
    try {
      run.sent(cause === null ? undefined : this.errorOf(cause, to));
    } catch (defect) {
      rethrowLater(defect);
    }
  }

  private errorOf(cause: Error | null, to: PeerKey | undefined): NetError | undefined {
    if (cause === null) return undefined;
    const { address, peer } = this.target;
    const where = to === undefined ? peer : addressOfPeer(to);
    const name = errnoNameOf(cause);
    // Node checks the family itself, with a less precise error than the kernel's.
    const isOfOther = name === "EINVAL" && where?.family === "IPv6" && address.family === "IPv4";
    const text = where && addressText(where);
    return systemError(isOfOther ? "EAFNOSUPPORT" : name, "send", cause, text);
  }

  private failed(cause: unknown): void {
    const name = errnoNameOf(cause);
    if (this.isClosed) return;
    const kind = this.isOpen ? datagramErrorKind(name) : "fatal";
    if (kind === "refusal") this.refused(name, cause);
    if (kind !== "fatal") return;
    const { address, peer } = this.target;
    const text = addressText(this.isBound ? (peer ?? address) : address);
    this.closeWith(systemError(name, this.isOpen ? "receive" : "listen", cause, text));
  }

  private refused(name: string, cause: unknown): void {
    const { peer } = this.target;
    const error = systemError(name, "receive", cause, peer && addressText(peer));
    try {
      this.sink.datagramRefused(error);
    } catch (defect) {
      rethrowLater(defect);
    }
  }

  private closeWith(error: NetError | undefined): void {
    this.isClosed = true;
    this.held = [];
    this.socket.on("close", () => {
      callSink(() => this.sink.datagramClosed(error));
    });
    this.socket.close();
  }

  private configure(what: string, call: () => void): void {
    if (this.isClosed) return;
    try {
      call();
    } catch (cause) {
      throw systemError(errnoNameOf(cause), "configure", cause, what);
    }
  }
}
