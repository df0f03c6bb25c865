/**
 * One datagram socket, and what its component sends by it. Hot.
 *
 * What a turn sends waits here until it ends. Then each destination's datagrams are handed to the engine in
 * their order: those of one length, if there are enough of them, as a run, the others one by one.
 *
 *     pieces   [ a0 ][ b0 ][ a1 ][ a2 ][ b1 ]      next: a0 → a1 → a2, b0 → b1
 *
 * Invariants: a destination that has anything in `pieces` is in `waiting` once, with the first and last of its
 * own; `underWayCount` is the number of sends that the engine has not completed.
 */
import { changedPieces } from "../bytes/changed-pieces.js";
import { beginLending, endLending, owned } from "../bytes/lending.js";
import type { EngineService } from "../connection/engine-service.js";
import {
  type DatagramSink,
  type DatagramSocket,
  type DatagramTarget,
  type IpAddress,
  MAX_RUN_BYTES,
  MAX_RUN_DATAGRAMS,
} from "../engine/engine.js";
import { type PeerKey, portOfPeer } from "../engine/peer-key.js";
import type { NetError } from "../errors.js";
import { Deadline, type DeadlineOwner } from "../time/timing-wheel.js";

/** Datagrams of one length from which on they are handed over as a run; `bench/questions/udp.mjs` pays for it. */
export const MIN_RUN_DATAGRAMS = 4;

/** Time that sends under way have when the socket is closed, in milliseconds. */
export const LAST_SENDS_MS = 1_000;

/** No place in {@link DatagramPort.pieces}. */
export const NOWHERE = -1;

const NOTHING = new Uint8Array(0);

/** Where datagrams of a port go, and who hears what became of them. */
export interface Destination {
  /** Undefined: the peer of the socket. */
  readonly peer: PeerKey | undefined;
  /** The first and last of its datagrams that wait for the end of the turn; {@link NOWHERE} without any. */
  firstWaiting: number;
  lastWaiting: number;
  /** `count` datagrams of `byteCount` bytes left; `failedCount` of them failed, the first with `error`. */
  datagramsSent(
    byteCount: number,
    count: number,
    error: NetError | undefined,
    failedCount: number,
  ): void;
}

/** Has a port. */
export interface PortOwner {
  portOpened(address: IpAddress): void;
  /**
   * Datagrams of one peer came, of `segmentBytes` each but for the last; lent where the port lends. An empty one
   * comes alone.
   */
  datagramsReceived(bytes: Buffer, from: PeerKey, segmentBytes: number): void;
  /** The network answers a datagram that left before with an error; anybody may have written it. */
  datagramRefused?(error: NetError): void;
  /** The socket is gone: `error` when it could not be opened, or broke. Once, and last. */
  portClosed(error: NetError | undefined): void;
}

/** Is asked for what it still has to send, once, when the turn ends. */
export interface TurnSender {
  turnEnded(): void;
}

/** What a session sends by. */
export interface SessionPort {
  /** Where it is bound; undefined before. */
  readonly address: IpAddress | undefined;
  readonly isOpen: boolean;
  readonly pendingBytes: number;
  /** Datagrams that came and were dropped before anybody took them, as far as the system tells. */
  readonly droppedCount: number;
  send(to: Destination, bytes: Uint8Array): void;
  askLater(sender: TurnSender): void;
}

/** One datagram socket, and what its component sends by it. */
export class DatagramPort implements SessionPort, DatagramSink, DeadlineOwner {
  /** Bytes that wait, or are under way. */
  pendingBytes = 0;
  /** Where it is bound; undefined before. */
  address: IpAddress | undefined = undefined;
  private readonly service: EngineService;
  private readonly owner: PortOwner;
  private readonly socket: DatagramSocket;
  private pieces: Uint8Array[] = [];
  /** What each of them had when it was given: its memory may be transferred, or shrink, before the turn ends. */
  private readonly lengths: number[] = [];
  private readonly next: number[] = [];
  private waiting: Destination[] = [];
  private senders: TurnSender[] = [];
  private isFlushSet = false;
  private readonly flush: () => void;
  /** By token: who sent, how many bytes, how many datagrams. */
  private readonly senderOf: (Destination | undefined)[] = [];
  private readonly bytesOf: number[] = [];
  private readonly countOf: number[] = [];
  private readonly freeTokens: number[] = [];
  /** What came and is delivered now, where it stays as it is until the turn ends. */
  private delivered: Uint8Array | undefined = undefined;
  private underWayCount = 0;
  private readonly run: Uint8Array[] = [];
  private isClosing = false;
  private isClosed = false;
  private closeDeadline: Deadline | undefined = undefined;

  /** Begins to open the socket; the owner hears of it later. */
  constructor(service: EngineService, target: DatagramTarget, owner: PortOwner) {
    this.service = service;
    this.owner = owner;
    this.flush = () => this.turnEnded();
    this.socket = service.engine.openDatagram(target, this);
  }

  /** Whether it is open, and not about to close. */
  get isOpen(): boolean {
    return this.address !== undefined && !this.isClosing;
  }

  get droppedCount(): number {
    return this.socket.droppedCount;
  }

  /** The socket, for groups and the like. */
  get groups(): Pick<
    DatagramSocket,
    "joinGroup" | "leaveGroup" | "setMulticastInterface" | "setMulticastTtl" | "setMulticastLoop"
  > {
    return this.socket;
  }

  /** Sends one datagram when the turn ends. The bytes stay as they are until it is sent, unless they are lent. */
  send(to: Destination, bytes: Uint8Array): void {
    if (!this.isOpen) return;
    const index = this.pieces.length;
    if (bytes.length === 0) this.pieces.push(NOTHING);
    else this.pieces.push(this.isDelivered(bytes) ? bytes : owned(bytes));
    this.lengths.push(bytes.length);
    this.next.push(NOWHERE);
    if (to.lastWaiting === NOWHERE) {
      to.firstWaiting = index;
      this.waiting.push(to);
    } else this.next[to.lastWaiting] = index;
    to.lastWaiting = index;
    this.pendingBytes += bytes.length;
    this.wantFlush();
  }

  /** Whether `bytes` are of the datagrams that are delivered now. */
  private isDelivered(bytes: Uint8Array): boolean {
    const { delivered } = this;
    return delivered !== undefined && (delivered === bytes || delivered.buffer === bytes.buffer);
  }

  /** Asks `sender` for what it has to send when the turn ends. */
  askLater(sender: TurnSender): void {
    this.senders.push(sender);
    this.wantFlush();
  }

  private wantFlush(): void {
    if (this.isFlushSet) return;
    this.isFlushSet = true;
    this.service.engine.afterTurn(this.flush);
  }

  private turnEnded(): void {
    // Who is asked may send, which belongs to this turn.
    const { senders } = this;
    if (senders.length > 0) {
      this.senders = [];
      for (const sender of senders) sender.turnEnded();
    }
    this.isFlushSet = false;
    this.sendWaiting();
    if (this.senders.length > 0) this.wantFlush();
  }

  private sendWaiting(): void {
    const { waiting, pieces } = this;
    if (waiting.length === 0) return;
    for (const destination of waiting) {
      let index = destination.firstWaiting;
      destination.firstWaiting = NOWHERE;
      destination.lastWaiting = NOWHERE;
      while (index !== NOWHERE) index = this.sendNext(destination, index);
    }
    waiting.length = 0;
    pieces.length = 0;
    this.lengths.length = 0;
    this.next.length = 0;
  }

  /** Sends what waits for a destination from `index` on as one run, if that is long enough; returns what is next. */
  private sendNext(to: Destination, index: number): number {
    const { pieces, lengths, next, run } = this;
    const first = pieces[index] as Uint8Array;
    const segmentBytes = first.length;
    let following = next[index] as number;
    if (segmentBytes !== lengths[index]) {
      this.refuse(to, lengths[index] as number, segmentBytes);
      return following;
    }
    if (following === NOWHERE || segmentBytes === 0) {
      this.sendOne(to, first);
      return following;
    }
    let byteCount = segmentBytes;
    run.push(first);
    while (following !== NOWHERE && run.length < MAX_RUN_DATAGRAMS) {
      const piece = pieces[following] as Uint8Array;
      const { length } = piece;
      if (length !== lengths[following]) break;
      if (length === 0 || length > segmentBytes || byteCount + length > MAX_RUN_BYTES) break;
      run.push(piece);
      byteCount += length;
      following = next[following] as number;
      // A shorter one is the last of its run.
      if (length < segmentBytes) break;
    }
    if (run.length < MIN_RUN_DATAGRAMS) for (const piece of run) this.sendOne(to, piece);
    else this.socket.sendRun(this.tokenFor(to, byteCount, run.length), run, to.peer);
    run.length = 0;
    return following;
  }

  private sendOne(to: Destination, bytes: Uint8Array): void {
    this.socket.send(this.tokenFor(to, bytes.length, 1), bytes, to.peer);
  }

  /** It fails as one that the engine has refused. */
  private refuse(to: Destination, byteCount: number, leftBytes: number): void {
    const token = this.tokenFor(to, byteCount, 1);
    const error = changedPieces(byteCount, leftBytes);
    this.service.wheel.clock.afterPoll(() => this.datagramSent(token, error, 1));
  }

  private tokenFor(to: Destination, byteCount: number, count: number): number {
    const token = this.freeTokens.pop() ?? this.senderOf.length;
    this.senderOf[token] = to;
    this.bytesOf[token] = byteCount;
    this.countOf[token] = count;
    this.underWayCount++;
    return token;
  }

  // — the end —

  /** Closes the socket when what waits has left, or has had its time. */
  close(): void {
    if (this.isClosing) return;
    // A caller that awaits the end keeps the process alive, whatever `unref` says.
    this.socket.ref();
    this.sendWaiting();
    this.isClosing = true;
    if (this.underWayCount === 0) {
      this.socket.close();
      return;
    }
    this.closeDeadline = new Deadline(this);
    this.service.wheel.set(this.closeDeadline, LAST_SENDS_MS);
  }

  deadlineReached(): void {
    this.socket.close();
  }

  ref(): void {
    this.socket.ref();
  }

  unref(): void {
    this.socket.unref();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  // — the engine's calls —

  datagramOpened(address: IpAddress): void {
    this.address = address;
    this.owner.portOpened(address);
  }

  datagramReceived(bytes: Buffer, from: PeerKey, segmentBytes: number): void {
    // Nothing can be sent to port 0, and nobody is there but who hides.
    if (this.isClosing || portOfPeer(from) === 0) return;
    if (!this.socket.lendsBytes) {
      this.owner.datagramsReceived(bytes, from, segmentBytes);
      return;
    }
    beginLending(bytes, this.service.engine.memory);
    if (this.socket.keepsTurn) this.delivered = bytes;
    this.owner.datagramsReceived(bytes, from, segmentBytes);
    this.delivered = undefined;
    endLending();
  }

  datagramSent(token: number, error: NetError | undefined, failedCount: number): void {
    const destination = this.senderOf[token];
    if (destination === undefined) return;
    const byteCount = this.bytesOf[token] as number;
    this.senderOf[token] = undefined;
    this.freeTokens.push(token);
    this.underWayCount--;
    this.pendingBytes -= byteCount;
    destination.datagramsSent(byteCount, this.countOf[token] as number, error, failedCount);
    if (this.isClosing && this.underWayCount === 0) this.socket.close();
  }

  datagramRefused(error: NetError): void {
    if (!this.isClosing) this.owner.datagramRefused?.(error);
  }

  datagramClosed(error: NetError | undefined): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.isClosing = true;
    if (this.closeDeadline !== undefined) this.service.wheel.clear(this.closeDeadline);
    this.owner.portClosed(error);
  }
}
