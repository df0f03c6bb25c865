/**
 * One datagram socket over node:dgram.
 *
 * node:dgram calls back from inside `bind` once the look-up of a literal address answers at once, so
 * what happens while opening is told in a later tick. It has no way to stop reading: what arrives
 * during a pause is held up to the size of a kernel receive buffer, and dropped beyond, as the
 * kernel would.
 */
import { createSocket, type RemoteInfo, type Socket, type SocketOptions } from "node:dgram";
import process from "node:process";
import { NetError, rethrowLater } from "../../errors.js";
import { inRootContext } from "../../time/root-context.js";
import { addressText } from "../address-text.js";
import type { DatagramSink, DatagramSocket, DatagramTarget, IpAddress } from "../engine.js";
import { callSink } from "../sink-defect.js";
import { errnoNameOf, systemError } from "../system-error.js";
import { addressFromInfo, ipAddress } from "./node-address.js";

/** Linux's own default, `net.core.rmem_default`. */
const DEFAULT_HELD_BYTES = 212_992;

/** Errors of a receive call that tell of a datagram sent before, or pass by themselves. */
const PASSING_ERRORS: readonly string[] = [
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "EMSGSIZE",
  "ENOBUFS",
  "ENOMEM",
  "EPERM",
];

type LookupCallback = (error: null, address: string, family: number) => void;

/** Addresses are literals here: the thread pool has nothing to look up. */
function literalLookup(host: string, _options: unknown, callback: LookupCallback): void {
  callback(null, host, host.includes(":") ? 6 : 4);
}

interface HeldDatagram {
  readonly bytes: Buffer;
  readonly from: IpAddress;
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
  return createSocket(options);
}

/** See the head of the file. */
export class NodeDatagram implements DatagramSocket {
  readonly lendsBytes = false;
  readonly #target: DatagramTarget;
  readonly #sink: DatagramSink;
  readonly #socket: Socket;
  #held: HeldDatagram[] = [];
  #heldBytes = 0;
  /** The peer in the kernel's own spelling, to compare senders with. */
  #peer: IpAddress | undefined;
  #isOpen = false;
  #isPaused = false;
  #isClosed = false;

  constructor(target: DatagramTarget, sink: DatagramSink) {
    this.#target = target;
    this.#sink = sink;
    this.#socket = createDatagramSocket(target);
    this.#socket.on("message", (bytes, from) => this.#received(bytes, from));
    this.#socket.on("error", (error) => this.#failed(error));
    this.#socket.on("listening", () => process.nextTick(() => this.#bound()));
    this.#bind();
  }

  send(token: number, bytes: Uint8Array, to?: IpAddress): void {
    if (this.#isClosed) return;
    if (!this.#isOpen) {
      throw new NetError("INVALID_STATE", "a datagram was sent before the socket was open", {
        operation: "send",
      });
    }
    const address = this.#destination(to);
    const done = (error: Error | null): void => this.#sent(token, error, address);
    try {
      inRootContext(() => {
        if (address === undefined) this.#socket.send(bytes, done);
        else this.#socket.send(bytes, address.port, this.#hostFor(address), done);
      });
    } catch (cause) {
      const text = `can't send a datagram${address ? ` to ${addressText(address)}` : ""}`;
      throw new NetError("INVALID_ARGUMENT", text, { operation: "send", cause });
    }
  }

  joinGroup(group: string, interfaceHost?: string): void {
    this.#configure(group, () => this.#socket.addMembership(group, interfaceHost));
  }

  leaveGroup(group: string, interfaceHost?: string): void {
    this.#configure(group, () => this.#socket.dropMembership(group, interfaceHost));
  }

  setMulticastTtl(ttl: number): void {
    this.#configure(`multicast TTL ${ttl}`, () => this.#socket.setMulticastTTL(ttl));
  }

  setMulticastLoop(on: boolean): void {
    this.#configure(`multicast loop ${on}`, () => this.#socket.setMulticastLoopback(on));
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#held.length === 0) return;
    inRootContext(() => process.nextTick(() => this.#deliverHeld()));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#close(undefined);
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  #bind(): void {
    const { host, port } = this.#target.address;
    try {
      this.#socket.bind({ address: host, port });
    } catch (error) {
      // Sizing the kernel's buffers is a part of binding, and throws.
      this.#failed(error);
    }
  }

  #bound(): void {
    if (this.#isClosed) return;
    try {
      if (this.#target.broadcast) this.#socket.setBroadcast(true);
    } catch (error) {
      this.#failed(error);
      return;
    }
    const { peer } = this.#target;
    if (peer === undefined) {
      this.#opened();
      return;
    }
    this.#socket.on("connect", () => {
      if (this.#isClosed) return;
      this.#peer = addressFromInfo(this.#socket.remoteAddress());
      this.#opened();
    });
    this.#socket.connect(peer.port, this.#hostFor(peer));
  }

  #opened(): void {
    this.#isOpen = true;
    callSink(() => this.#sink.datagramOpened(addressFromInfo(this.#socket.address())));
  }

  #received(bytes: Buffer, from: RemoteInfo): void {
    if (!this.#isOpen || this.#isClosed) return;
    const peer = this.#peer;
    // What came between binding and connecting passed no filter.
    if (peer !== undefined && (peer.port !== from.port || peer.host !== from.address)) return;
    const address = ipAddress(from.address, from.port);
    if (!this.#isPaused && this.#held.length === 0) {
      this.#deliver(bytes, address);
      return;
    }
    const limitBytes = this.#target.receiveBufferBytes ?? DEFAULT_HELD_BYTES;
    if (this.#heldBytes + bytes.length > limitBytes) return;
    this.#heldBytes += bytes.length;
    this.#held.push({ bytes, from: address });
  }

  #deliverHeld(): void {
    while (!this.#isPaused && !this.#isClosed) {
      const datagram = this.#held.shift();
      if (datagram === undefined) return;
      this.#heldBytes -= datagram.bytes.length;
      this.#deliver(datagram.bytes, datagram.from);
    }
  }

  #deliver(bytes: Buffer, from: IpAddress): void {
    try {
      this.#sink.datagramReceived(bytes, from);
    } catch (defect) {
      rethrowLater(defect);
    }
  }

  #sent(token: number, cause: Error | null, to: IpAddress | undefined): void {
    if (this.#isClosed) return;
    const where = to ?? this.#target.peer;
    const text = where && addressText(where);
    const error = cause === null ? undefined : systemError(errnoNameOf(cause), "send", cause, text);
    try {
      this.#sink.datagramSent(token, error);
    } catch (defect) {
      rethrowLater(defect);
    }
  }

  #failed(cause: unknown): void {
    const name = errnoNameOf(cause);
    if (this.#isClosed || (this.#isOpen && PASSING_ERRORS.includes(name))) return;
    const text = addressText(this.#target.address);
    this.#close(systemError(name, this.#isOpen ? "receive" : "listen", cause, text));
  }

  #close(error: NetError | undefined): void {
    this.#isClosed = true;
    this.#held = [];
    this.#socket.on("close", () => {
      callSink(() => this.#sink.datagramClosed(error));
    });
    this.#socket.close();
  }

  /** Where to send, or undefined for the peer. */
  #destination(to: IpAddress | undefined): IpAddress | undefined {
    const { peer } = this.#target;
    if (peer === undefined && to === undefined) {
      throw new NetError("INVALID_ARGUMENT", "a datagram without a peer needs an address", {
        operation: "send",
      });
    }
    if (peer === undefined || to === undefined) return to;
    if (to.port === peer.port && to.host === peer.host) return undefined;
    const text = `a datagram socket with the peer ${addressText(peer)} can't send to`;
    throw new NetError("INVALID_ARGUMENT", `${text} ${addressText(to)}`, { operation: "send" });
  }

  /** An IPv6 socket reaches IPv4 peers by their mapped address (RFC 4291 §2.5.5.2). */
  #hostFor(to: IpAddress): string {
    const isMapped = this.#target.address.family === "IPv6" && to.family === "IPv4";
    return isMapped ? `::ffff:${to.host}` : to.host;
  }

  #configure(what: string, call: () => void): void {
    if (this.#isClosed) return;
    try {
      call();
    } catch (cause) {
      throw systemError(errnoNameOf(cause), "configure", cause, what);
    }
  }
}
