/**
 * The sends of one datagram socket on the ring. Hot.
 *
 * A run leaves as one message that the kernel cuts (UDP_SEGMENT, Linux 4.18), which costs far less. If the kernel refuses
 * a run, its datagrams are sent one by one, and runs of such long datagrams, or all runs, are not tried again.
 *
 * Sends leave in their order. When there is room again, the kernel wakes the sends that wait for it in reverse order. So
 * only the oldest waits in the kernel, and the others wait here:
 *
 *     send ─► the kernel has room ─► sent
 *       └──► none (EAGAIN) ─► backlog ─► the oldest waits with the kernel ─► sent: some of the next are tried
 */
import type { NetError } from "../../../errors.js";
import { DatagramRun } from "../../datagram-run.js";
import type { PeerKey } from "../../peer-key.js";
import { EAGAIN, errnoName } from "../ring/system-call-error.js";
import type { UringLoop } from "../ring/uring-loop.js";
import { DatagramSend, type SendOwner } from "./datagram-send.js";
import { SendBacklog } from "./send-backlog.js";

/** Longest datagram of a run that is tried at first: any. */
const ANY_SEGMENT_BYTES = 65_536;

/** The kernel's errors for a run that it can't cut. None of them is the network's answer to an earlier datagram. */
const RUN_ERRORS: ReadonlySet<string> = new Set(["EINVAL", "EIO", "EMSGSIZE"]);

/** Datagrams of this length fit every path of IPv6 (RFC 8200 §5): a kernel that refuses runs of them takes no runs. */
const SURE_SEGMENT_BYTES = 1_232;

/** Sends that are given to the kernel at a time. If one finds no room, a later one may find some and overtake it. */
const MAX_TRIED = 128;
/** The same after a send that waited for room has left: there is little room then. */
const TRIED_BEHIND = 8;

/** Descriptions that are kept for the next datagrams. */
const MAX_SPARE_SENDS = 256;

/** The socket, as its sends see it. */
export interface SendingDatagram {
  readonly isIpv6: boolean;
  readonly isClosing: boolean;
  /** Claims the entry of a send, which completes with the send's own slot. */
  startSend(operation: number, slot: number): number;
  /** A send that was started has completed. The socket may be gone behind the call. */
  sendEnded(result: number): void;
  /** Tells the sink. */
  sent(token: number, error: NetError | undefined, failedCount: number): void;
  /** The error of a send to `to`; undefined: to the peer. */
  sendError(result: number, to: PeerKey | undefined): NetError;
}

export class DatagramSends implements SendOwner {
  readonly isIpv6: boolean;
  private readonly loop: UringLoop;
  private readonly socket: SendingDatagram;
  /** Runs of datagrams of up to this length are handed to the kernel whole. */
  private maxSegmentBytes: number = ANY_SEGMENT_BYTES;
  private readonly spareSends: DatagramSend[] = [];
  private madeCount = 0;
  /** Sends that the kernel is to answer at once. */
  private triedCount = 0;
  /** Sends that wait for room behind `waiting`, which waits for it with the kernel. */
  private readonly backlog: SendBacklog<DatagramSend> = new SendBacklog();
  private waiting: DatagramSend | undefined = undefined;

  constructor(loop: UringLoop, socket: SendingDatagram) {
    this.loop = loop;
    this.socket = socket;
    this.isIpv6 = socket.isIpv6;
  }

  /** Sends a datagram; `to` is left out for the peer. */
  send(token: number, bytes: Uint8Array, to: PeerKey | undefined): void {
    const send = this.begin(token, to);
    send.describe(bytes);
    this.start(send);
  }

  /** Sends a run of datagrams, a piece for each. */
  sendRun(token: number, pieces: readonly Uint8Array[], to: PeerKey | undefined): void {
    if ((pieces[0]?.length ?? 0) > this.maxSegmentBytes) {
      this.sendOneByOne(token, pieces, to);
      return;
    }
    const send = this.begin(token, to);
    send.describeRun(pieces);
    this.start(send);
  }

  /** The socket is gone: nothing that waits is sent. */
  abandon(): void {
    for (let send = this.backlog.take(); send !== undefined; send = this.backlog.take()) {
      send.abandon();
    }
  }

  private sendOneByOne(
    token: number,
    pieces: readonly Uint8Array[],
    to: PeerKey | undefined,
    allFailed: () => void = () => undefined,
  ): void {
    const run = new DatagramRun(token, pieces.length, (_, error, failedCount) => {
      if (failedCount === pieces.length) allFailed();
      if (!this.socket.isClosing) this.socket.sent(token, error, failedCount);
    });
    for (const piece of pieces) {
      const send = this.begin(token, to);
      send.run = run;
      send.describe(piece);
      this.start(send);
    }
  }

  private begin(token: number, to: PeerKey | undefined): DatagramSend {
    const send = this.spareSends.pop() ?? new DatagramSend(this.loop, this);
    send.begin(token, to);
    return send;
  }

  private start(send: DatagramSend): void {
    send.order = this.madeCount++;
    const mayGo = this.waiting === undefined && this.backlog.isEmpty;
    if (mayGo && this.triedCount < MAX_TRIED) this.submit(send, false);
    else this.backlog.add(send);
  }

  private submit(send: DatagramSend, waits: boolean): void {
    if (!waits) this.triedCount++;
    send.put(this.loop.ring, this.socket.startSend(send.operation, send.slot), waits);
  }

  /** The kernel has no room for it. */
  private foundNoRoom(send: DatagramSend): void {
    send.takeSlot();
    this.backlog.add(send);
    if (this.waiting !== undefined) return;
    this.waiting = this.backlog.take() as DatagramSend;
    this.submit(this.waiting, true);
  }

  /** A send has left, or failed: tries those that wait. */
  private tryBacklog(done: DatagramSend): void {
    const hadWaited = done === this.waiting;
    if (hadWaited) this.waiting = undefined;
    if (this.waiting !== undefined || this.backlog.isEmpty) return;
    for (let count = hadWaited ? TRIED_BEHIND : 1; count > 0; count--) {
      const next = this.backlog.take();
      if (next === undefined) return;
      this.submit(next, false);
    }
  }

  sendCompleted(send: DatagramSend, result: number): void {
    const { token, to, run, segmentBytes } = send;
    const isOpen = !this.socket.isClosing;
    if (send !== this.waiting) this.triedCount--;
    if (isOpen && result === EAGAIN) {
      this.socket.sendEnded(result);
      this.foundNoRoom(send);
      return;
    }
    const name = result < 0 ? errnoName(result) : "";
    const isRefused = segmentBytes > 0 && isOpen && RUN_ERRORS.has(name);
    // Begun before the last one ends, so that the socket is not closed between them.
    if (isRefused) this.runRefused(name, send);
    const failedCount = result < 0 ? (segmentBytes === 0 ? 1 : send.datagramCount) : 0;
    send.release();
    if (isOpen) this.tryBacklog(send);
    if (this.spareSends.length < MAX_SPARE_SENDS) this.spareSends.push(send);
    this.socket.sendEnded(result);
    if (!isOpen || isRefused) return;
    const error = result < 0 ? this.socket.sendError(result, to) : undefined;
    if (run !== undefined) run.sent(error);
    else this.socket.sent(token, error, failedCount);
  }

  /**
   * The kernel does not seem to cut a run of datagrams of this length: sends them one by one. If all of them fail, too, the
   * run was not the cause.
   */
  private runRefused(name: string, run: DatagramSend): void {
    const { segmentBytes } = run;
    const isSure = segmentBytes <= SURE_SEGMENT_BYTES && name !== "EMSGSIZE";
    const maxBefore = this.maxSegmentBytes;
    this.maxSegmentBytes = Math.min(maxBefore, isSure ? 0 : segmentBytes - 1);
    this.sendOneByOne(run.token, run.pieces(), run.to, () => {
      this.maxSegmentBytes = Math.max(this.maxSegmentBytes, maxBefore);
    });
  }
}
