/**
 * A SOCKS 5 proxy that relays our datagrams (RFC 1928 §7): it is asked over a stream, says where datagrams are to
 * go, and relays them as long as the stream lives.
 *
 * Invariants: the owner is told at most once that the association is made, and once that it is over, unless it
 * cancelled; never from within `start` or `cancel`.
 */
import { parseIp } from "../bytes/ip-bytes.js";
import type {
  Address,
  Engine,
  IpAddress,
  StreamOptions,
  StreamSink,
  StreamSocket,
} from "../engine/engine.js";
import { NetError, type NetErrorCode } from "../errors.js";
import type { SocksAddress } from "../protocol/socks/socks-address.js";
import {
  associate,
  type Socks5Client,
  type SocksClientSink,
} from "../protocol/socks/socks-client.js";
import { ATTEMPT_DELAY_MS } from "./connect-options.js";
import { HandshakeWrites } from "./handshake-writes.js";
import { AddressRace, interleaveFamilies, type RaceSink } from "./happy-eyeballs.js";
import type { ProxyHop } from "./proxy-hop.js";

/** Has an association. */
export interface AssociationOwner {
  /** Datagrams to this address are relayed. */
  associationMade(relay: IpAddress): void;
  /** There is none, or there is none any more. */
  associationFailed(error: NetError): void;
}

/** The stream carries nothing after its handshake: probes find a proxy that has gone. */
const STREAM: StreamOptions = { noDelay: true, keepAlive: { idleMs: 60_000 } };

/** A SOCKS 5 proxy that relays our datagrams. */
export class UdpAssociation implements RaceSink, StreamSink, SocksClientSink {
  private readonly engine: Engine;
  private readonly hop: ProxyHop;
  private readonly owner: AssociationOwner;
  private readonly handshake: Socks5Client;
  private readonly looking: AbortController = new AbortController();
  private race: AddressRace | undefined;
  private stream: StreamSocket | undefined;
  private writes: HandshakeWrites | undefined;
  private isHeld = true;
  private isMade = false;
  private isOver = false;

  constructor(engine: Engine, hop: ProxyHop, owner: AssociationOwner) {
    this.engine = engine;
    this.hop = hop;
    this.owner = owner;
    const { username, password } = hop;
    this.handshake = associate(username === undefined ? undefined : { username, password });
  }

  /** Begins. Nothing is called from within. */
  start(): void {
    const { hostname, port } = this.hop;
    this.engine.resolve(hostname, this.looking.signal).then(
      (hosts) => this.begin(interleaveFamilies(hosts).map((host) => ({ ...host, port }))),
      (error: unknown) => this.raceLost(error as NetError),
    );
  }

  /** Ends it without a report. The proxy relays nothing any more. */
  cancel(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.looking.abort();
    this.race?.cancel();
    this.stream?.close();
  }

  ref(): void {
    this.isHeld = true;
    this.stream?.ref();
  }

  unref(): void {
    this.isHeld = false;
    this.stream?.unref();
  }

  private begin(addresses: readonly IpAddress[]): void {
    if (this.isOver) return;
    const targets = addresses.map((address) => ({ address, stream: STREAM }));
    this.race = new AddressRace(this.engine, targets, ATTEMPT_DELAY_MS.standard, this);
    try {
      this.race.start();
    } catch (error) {
      this.raceLost(error as NetError);
    }
  }

  raceLost(error: NetError): void {
    if (this.isOver) return;
    const { fault } = error;
    if (fault === "local" || fault === "usage") this.end(error);
    else this.fail("PROXY_UNREACHABLE", `can't be reached: ${error.message}`, error);
  }

  raceWon(stream: StreamSocket): void {
    this.race = undefined;
    this.stream = stream;
    this.writes = new HandshakeWrites(stream);
    stream.sink = this;
    if (!this.isHeld) stream.unref();
    this.handshakeSends(this.handshake.begin());
  }

  private fail(code: NetErrorCode, text: string, cause: unknown): void {
    const message = `the proxy ${this.hop.host} ${text}`;
    this.end(new NetError(code, message, { operation: "connect", cause }));
  }

  private end(error: NetError): void {
    if (this.isOver) return;
    this.isOver = true;
    this.stream?.reset();
    this.owner.associationFailed(error);
  }

  // — the handshake —

  handshakeSends(bytes: Buffer): void {
    if (!this.isOver) this.writes?.add(bytes);
  }

  handshakeFailed(error: NetError): void {
    this.fail(error.code, `relays no datagrams: ${error.message}`, error);
  }

  handshakeDone(bound: SocksAddress): void {
    this.relayAt(bound).then(
      (relay) => {
        if (this.isOver) return;
        this.isMade = true;
        this.owner.associationMade(relay);
      },
      (error: unknown) =>
        this.fail("PROXY_MALFORMED", `relays at ${bound.host}, which can't be found`, error),
    );
  }

  /** What the proxy says of its own end: an address, any address of its, or a name. */
  private async relayAt({ host, port }: SocksAddress): Promise<IpAddress> {
    if (port === 0)
      throw new NetError("PROXY_MALFORMED", "the proxy relays datagrams at port 0, which is none");
    const ip = parseIp(host);
    const isAny = ip?.every((byte) => byte === 0) === true;
    const known = isAny ? hostOf(this.stream?.remoteAddress()) : host;
    const [found] = await this.engine.resolve(known, this.looking.signal);
    if (found === undefined) throw new NetError("HOST_NOT_FOUND");
    return { ...found, port };
  }

  // — the stream —

  streamWritten(): void {
    if (!this.isOver) this.writes?.written();
  }

  streamReceived(bytes: Buffer): void {
    // Behind the handshake a proxy has nothing to say.
    if (!this.isOver) this.handshake.feed(bytes, this);
  }

  streamEnded(): void {
    this.left(undefined);
  }

  streamClosed(error: NetError | undefined): void {
    this.left(error);
  }

  private left(cause: NetError | undefined): void {
    const how = cause === undefined ? "closed the connection" : `is gone: ${cause.message}`;
    if (this.isMade) this.fail("PROXY_UNREACHABLE", `${how}, and relays no datagrams now`, cause);
    else this.fail("PROXY_REFUSED", how, cause);
  }

  streamOpened(): void {
    // It was open before.
  }

  streamSecured(): void {
    // Nothing is secured.
  }
}

function hostOf(address: Address | undefined): string {
  return address?.host ?? "127.0.0.1";
}
