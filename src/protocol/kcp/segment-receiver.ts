/**
 * The half of a conversation that receives: acknowledges segments, puts messages together, delivers them in order
 * unless it is held, and tells the peer how much room there is. Hot.
 */
import type { AckList } from "./ack-list.js";
import type { InputResult, KcpIdentity, KcpSettings, KcpSink } from "./kcp-settings.js";
import type { KcpShare } from "./kcp-share.js";
import { ReceiveWindow } from "./receive-window.js";
import { HEAD_BYTES, MAX_WINDOW, TELL_WINDOW } from "./segment.js";

/** The half of a conversation that receives. */
export class SegmentReceiver {
  /** Acknowledgements, or the window, are to be written when the turn ends. */
  needsFlush = false;
  receivedCount = 0;
  /** Among those received: here already. */
  duplicateCount = 0;
  private readonly share: KcpShare;
  private readonly settings: KcpSettings;
  private readonly sink: KcpSink;
  private readonly conversation: number;
  private readonly kept: ReceiveWindow;
  /** Segments to acknowledge; undefined: none. */
  private acks: AckList | undefined = undefined;
  private isHeld = false;
  private isOver = false;
  private tellsWindow = false;
  private toldWindow: number;

  constructor(identity: KcpIdentity, sink: KcpSink, share: KcpShare) {
    const { receiveWindow } = share.settings;
    this.share = share;
    this.settings = share.settings;
    this.sink = sink;
    this.conversation = identity.localConversation | 0;
    this.kept = new ReceiveWindow((identity.firstNumber ?? 0) | 0, receiveWindow, share.memory);
    this.toldWindow = receiveWindow;
  }

  /** Segments that are kept because messages are not whole, or not taken. */
  get keptCount(): number {
    return this.kept.count;
  }

  /** A segment with data came: `length` bytes behind the head at `offset` of `bytes`. */
  received(
    bytes: Buffer,
    offset: number,
    fragment: number,
    number: number,
    time: number,
    length: number,
  ): InputResult {
    const { kept } = this;
    const distance = kept.distance(number);
    if (distance >= kept.window) return "taken";
    this.acknowledge(number, time);
    this.receivedCount++;
    if (distance < 0) {
      this.duplicateCount++;
      return "taken";
    }
    const start = offset + HEAD_BYTES;
    if (distance === 0 && fragment === 0 && kept.isEmpty && !this.isHeld) {
      if (length > this.settings.maxMessageBytes) return "tooLong";
      kept.pass();
      this.sink.message(bytes, start, length, false);
      return "taken";
    }
    const keptBefore = kept.count;
    kept.keep(number, fragment, bytes, start, length);
    if (kept.count === keptBefore) this.duplicateCount++;
    return distance === 0 ? this.deliver() : "taken";
  }

  private acknowledge(number: number, time: number): void {
    const { share } = this;
    this.acks ??= share.acks.take();
    if (this.acks.isFull) {
      this.beginWriting();
      this.acks.write(share.writer);
      share.writer.finish();
    }
    this.acks.add(number, time);
    this.needsFlush = true;
  }

  private deliver(): InputResult {
    const { kept } = this;
    const { maxMessageBytes } = this.settings;
    while (!this.isHeld && !this.isOver) {
      const byteCount = kept.wholeBytes(maxMessageBytes);
      if (byteCount === -1) break;
      if (byteCount === -2) return "tooLong";
      kept.give(this.sink);
    }
    return "taken";
  }

  /** The peer asks how much room there is. */
  asked(): void {
    this.tellsWindow = true;
    this.needsFlush = true;
  }

  /** Delivers nothing until `resume`; the window closes. */
  hold(): void {
    this.isHeld = true;
  }

  /** Delivers what waits. */
  resume(): InputResult {
    if (!this.isHeld) return "taken";
    this.isHeld = false;
    const result = this.deliver();
    if (this.toldWindow === 0 && this.kept.free > 0) this.asked();
    return result;
  }

  /** Begins to write: nothing is received until it is finished, so that all heads tell the same. */
  beginWriting(): void {
    const { kept, share } = this;
    const free = Math.min(MAX_WINDOW, Math.max(0, kept.free));
    this.toldWindow = free;
    share.writer.begin(this.sink, this.settings.mtuBytes, this.conversation, free, kept.next);
  }

  writeAcks(): void {
    const { acks, share } = this;
    this.needsFlush = false;
    if (acks === undefined) return;
    acks.write(share.writer);
    share.acks.give(acks);
    this.acks = undefined;
  }

  writeWindow(): void {
    if (!this.tellsWindow) return;
    this.share.writer.writeCommand(TELL_WINDOW, 0, 0);
    this.tellsWindow = false;
  }

  /** Forgets everything; nothing more is delivered. */
  release(): void {
    this.isOver = true;
    this.needsFlush = false;
    if (this.acks !== undefined) this.share.acks.give(this.acks);
    this.acks = undefined;
    this.kept.clear();
  }
}
