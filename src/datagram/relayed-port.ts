/**
 * Datagrams that go by a SOCKS 5 proxy: each has a header before it (RFC 1928 §7) that says where it is to go, or
 * comes from. The socket's peer is the proxy.
 */
import { Buffer } from "node:buffer";
import { parseIp } from "../bytes/ip-bytes.js";
import type { IpAddress } from "../engine/engine.js";
import type { NetError } from "../errors.js";
import type { SocksAddress } from "../protocol/socks/socks-address.js";
import { encodeUdpHeader, readUdpDatagram } from "../protocol/socks/udp-header.js";
import {
  type DatagramPort,
  type Destination,
  NOWHERE,
  type SessionPort,
  type TurnSender,
} from "./datagram-port.js";

/** The receiver of what comes back through a proxy. */
export interface RelayedSession {
  /** As `PortOwner.datagramsReceived` has it. */
  datagramsReceived(bytes: Buffer, segmentBytes: number): void;
}

/** A socket whose datagrams go by a SOCKS 5 proxy. */
export class RelayedPort implements SessionPort, Destination {
  readonly peer: undefined;
  firstWaiting: number = NOWHERE;
  lastWaiting: number = NOWHERE;
  private readonly port: DatagramPort;
  private readonly session: RelayedSession;
  /** The session's way out, which hears what became of its datagrams. */
  private sender: Destination | undefined = undefined;
  private readonly destination: SocksAddress;
  /** Before each datagram that leaves, and before what comes back where the destination is an address. */
  private readonly header: Buffer;

  /** Throws `INVALID_ARGUMENT` for a destination that can't be said. */
  constructor(port: DatagramPort, session: RelayedSession, destination: SocksAddress) {
    this.port = port;
    this.session = session;
    this.destination = destination;
    this.header = encodeUdpHeader(destination);
  }

  get isOpen(): boolean {
    return this.port.isOpen;
  }

  get address(): IpAddress | undefined {
    return this.port.address;
  }

  get pendingBytes(): number {
    return this.port.pendingBytes;
  }

  get droppedCount(): number {
    return this.port.droppedCount;
  }

  send(to: Destination, bytes: Uint8Array): void {
    this.sender = to;
    this.port.send(this, Buffer.concat([this.header, bytes]));
  }

  askLater(sender: TurnSender): void {
    this.port.askLater(sender);
  }

  datagramsSent(
    byteCount: number,
    count: number,
    error: NetError | undefined,
    failedCount: number,
  ): void {
    const headerBytes = count * this.header.length;
    this.sender?.datagramsSent(byteCount - headerBytes, count, error, failedCount);
  }

  /** Datagrams of the proxy's. What is not of the destination is dropped. */
  received(bytes: Buffer, segmentBytes: number): void {
    const step = Math.max(segmentBytes, 1);
    for (let at = 0; at < bytes.length; at += step) {
      const data = this.dataOf(bytes.subarray(at, Math.min(at + step, bytes.length)));
      if (data !== undefined) this.session.datagramsReceived(data, data.length);
    }
  }

  private dataOf(datagram: Buffer): Buffer | undefined {
    const { header, destination } = this;
    // As a rule the proxy says of where it comes from what we said of where to go.
    if (datagram.subarray(0, header.length).equals(header)) return datagram.subarray(header.length);
    const read = readUdpDatagram(datagram);
    // Which address a name has, only the proxy knows.
    const isOurs =
      read?.address.port === destination.port && parseIp(destination.host) === undefined;
    return isOurs ? read.data : undefined;
  }
}
