/** What all conversations of a component share: memory of segments, and what a datagram is read and written with. */
import { AckLists } from "./ack-list.js";
import { DatagramWriter } from "./datagram-writer.js";
import { SegmentMemory } from "./segment-memory.js";

/** What all conversations of a component share. */
export class KcpShare {
  readonly memory: SegmentMemory = new SegmentMemory();
  readonly writer: DatagramWriter;
  readonly acks: AckLists;

  /** `maxDatagramBytes`: the longest `mtuBytes` of its conversations. */
  constructor(maxDatagramBytes: number) {
    this.writer = new DatagramWriter(maxDatagramBytes);
    this.acks = new AckLists(maxDatagramBytes);
  }
}
