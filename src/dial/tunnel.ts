/**
 * Makes a tunnel through the proxies of a route, over a stream that leads to the first of them: each is
 * asked, by its own protocol, for a connection to the next, and the last for one to the destination.
 *
 * Invariants: the owner is told once, and not from within `begin`; when the tunnel is made no write is
 * under way, and what came behind the last handshake is handed over with the stream. A stream that
 * makes no tunnel is reset.
 */
import type { StreamSink, StreamSocket } from "../engine/engine.js";
import { NetError, type NetErrorCode } from "../errors.js";
import { Socks4Client, Socks5Client } from "../protocol/socks/socks-client.js";
import { HandshakeWrites } from "./handshake-writes.js";
import { HttpConnect } from "./http-connect.js";
import type { ProxyHop } from "./proxy-hop.js";
import type { ProxyRoute } from "./proxy-route.js";
import type { TunnelHandshake, TunnelSink } from "./tunnel-handshake.js";

/** Where a tunnel leads. */
export interface TunnelEnd {
  readonly host: string;
  readonly port: number;
}

/** The owner of the tunnel. */
export interface TunnelOwner {
  /**
   * It is made. The owner takes the stream, sets its `sink` at once, and then gives it `early`, what came
   * behind the handshake, and the end, where that came too.
   */
  tunnelMade(early: readonly Buffer[], hasEnded: boolean): void;
  /** It is not, and the stream is gone. */
  tunnelFailed(error: NetError): void;
}

export class Tunnel implements StreamSink, TunnelSink {
  private readonly stream: StreamSocket;
  private readonly writes: HandshakeWrites;
  private readonly route: ProxyRoute;
  private readonly destination: TunnelEnd;
  private readonly owner: TunnelOwner;
  private hopIndex = -1;
  private handshake: TunnelHandshake | undefined;
  private readonly early: Buffer[] = [];
  private isOver = false;
  private hasEnded = false;

  constructor(stream: StreamSocket, route: ProxyRoute, destination: TunnelEnd, owner: TunnelOwner) {
    this.stream = stream;
    this.writes = new HandshakeWrites(stream);
    this.route = route;
    this.destination = destination;
    this.owner = owner;
  }

  /** Begins. Throws `INVALID_ARGUMENT` for a destination or credentials that can't be sent. */
  begin(): void {
    this.stream.sink = this;
    this.nextHop();
  }

  /** Calls it off: the stream is reset without a report. */
  cancel(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.stream.reset();
  }

  /** What is being waited for, for messages. */
  get step(): string {
    return `the proxy ${this.hop.host} made no tunnel to ${authority(this.end)}`;
  }

  private get hop(): ProxyHop {
    return this.route.hops[this.hopIndex] as ProxyHop;
  }

  /** Where the present proxy is asked to connect to. */
  private get end(): TunnelEnd {
    const next = this.route.hops[this.hopIndex + 1];
    return next === undefined ? this.destination : { host: next.hostname, port: next.port };
  }

  private nextHop(): void {
    this.hopIndex++;
    this.handshake = handshakeOf(this.hop, this.end);
    this.handshakeSends(this.handshake.begin());
  }

  // — the handshake —

  handshakeSends(bytes: Buffer): void {
    if (!this.isOver) this.writes.add(bytes);
  }

  handshakeDone(): void {
    this.handshake = undefined;
  }

  handshakeFailed(error: NetError): void {
    this.fail(error.code, error.message, error);
  }

  /** A handshake is done, and all of ours has left: on to the next proxy, or to the owner. */
  private goOn(): void {
    if (this.isOver || this.handshake !== undefined || this.writes.isBusy) return;
    if (this.hopIndex + 1 < this.route.hops.length) {
      try {
        this.nextHop();
      } catch (error) {
        this.fail("PROXY_REFUSED", (error as NetError).message, error);
        return;
      }
      for (const bytes of this.early.splice(0)) this.streamReceived(bytes);
      return;
    }
    this.isOver = true;
    this.owner.tunnelMade(this.early, this.hasEnded);
  }

  private fail(code: NetErrorCode, reason: string, cause: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    const isLast = this.hopIndex + 1 === this.route.hops.length;
    // What one proxy can't reach is, in a chain, the next one.
    const told = code === "PROXY_DESTINATION" && !isLast ? "PROXY_UNREACHABLE" : code;
    const error = new NetError(told, `${this.step}: ${reason}`, { operation: "connect", cause });
    this.stream.reset();
    this.owner.tunnelFailed(error);
  }

  // — the stream —

  streamReceived(bytes: Buffer): void {
    if (this.isOver) return;
    const taken = this.handshake?.feed(bytes, this) ?? 0;
    if (this.isOver) return;
    if (taken < bytes.length) {
      // The bytes may be lent. More than these are not waited for.
      this.early.push(Buffer.from(bytes.subarray(taken)));
    }
    this.goOn();
  }

  streamWritten(): void {
    if (this.isOver) return;
    this.writes.written();
    this.goOn();
  }

  streamEnded(): void {
    if (this.handshake === undefined) this.hasEnded = true;
    else this.fail("PROXY_REFUSED", "it closed the connection", undefined);
  }

  streamClosed(error: NetError | undefined): void {
    this.fail("PROXY_REFUSED", error?.message ?? "it closed the connection", error);
  }

  streamOpened(): void {
    // It was open before.
  }

  streamSecured(): void {
    // Nothing is secured before the tunnel is made.
  }
}

function handshakeOf(hop: ProxyHop, end: TunnelEnd): TunnelHandshake {
  const { username, password } = hop;
  if (hop.protocol === "http") return new HttpConnect(authority(end), hop.authorization);
  if (hop.protocol === "socks4") return new Socks4Client(end, username);
  return new Socks5Client(end, username === undefined ? undefined : { username, password });
}

function authority({ host, port }: TunnelEnd): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
