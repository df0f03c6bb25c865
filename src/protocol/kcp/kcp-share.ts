/**
 * What all conversations of a component share: their settings, memory of segments, and what is empty between two
 * calls, so that one serves all.
 */
import { AckLists } from "./ack-list.js";
import { DatagramWriter } from "./datagram-writer.js";
import type { KcpSettings } from "./kcp-settings.js";
import { HEAD_BYTES } from "./segment.js";
import { SegmentMemory } from "./segment-memory.js";

/** What all conversations of a component share. */
export class KcpShare {
  readonly settings: KcpSettings;
  /** Bytes of data in a full segment. */
  readonly segmentBytes: number;
  readonly memory: SegmentMemory = new SegmentMemory();
  readonly writer: DatagramWriter;
  readonly acks: AckLists;
  /** Of the flush under way: bytes of data that may still leave, that have, and those of them that nothing asked for. */
  budget = 0;
  flushedBytes = 0;
  repeatedBytes = 0;

  constructor(settings: KcpSettings) {
    const { mtuBytes } = settings;
    this.settings = settings;
    this.segmentBytes = mtuBytes - HEAD_BYTES;
    this.writer = new DatagramWriter(mtuBytes);
    this.acks = new AckLists(mtuBytes);
  }
}
