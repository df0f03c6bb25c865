/** Settings, identity, counts and sink of a KCP conversation. */
import type { Congestion } from "./congestion.js";
import type { DatagramSink } from "./datagram-writer.js";
import type { MessageSink } from "./receive-window.js";

/** How conversations behave. */
export interface KcpSettings {
  /** How times grow when a segment is lost again: 0 doubles, 1 and 2 add half; 0 also waits an eighth longer. */
  readonly noDelay: 0 | 1 | 2;
  /** Time between looks at what has to be sent again; part of every time-out. */
  readonly intervalMs: number;
  /** A segment is sent again at once when so many later ones were acknowledged; 0: never. */
  readonly fastResend: number;
  /** How often a segment may be sent again in that way; 0: no limit. */
  readonly fastLimit: number;
  /** Every segment that is not acknowledged is sent again after this time, `repeatCount` times; 0: none is. */
  readonly repeatAfterMs: number;
  readonly repeatCount: number;
  /** Segments under way, and segments that are kept until they are delivered. */
  readonly sendWindow: number;
  readonly receiveWindow: number;
  /** Longest datagram. */
  readonly mtuBytes: number;
  /** Messages are joined to a stream, so that segments are full. */
  readonly isStream: boolean;
  readonly minRtoMs: number;
  /** Longest message that is received. */
  readonly maxMessageBytes: number;
  /** The peer is taken for dead when a segment was sent so often, or nothing came from it for so long. */
  readonly deadLinkCount: number;
  readonly deadLinkMs: number;
}

/** What a conversation has of its own. */
export interface KcpIdentity {
  /** Number that our segments carry, and the one that the peer's must carry. */
  readonly localConversation: number;
  readonly remoteConversation: number;
  readonly congestion: Congestion;
  /** Number of the first segment. Default: 0, as every KCP begins. */
  readonly firstNumber?: number;
}

/** Who gets what a conversation brings about. */
export interface KcpSink extends DatagramSink, MessageSink {}

/** What `input` did with a datagram. */
export type InputResult =
  | "taken"
  /** It is none of this conversation, and was passed over. */
  | "malformed"
  /** It began a message that is longer than `maxMessageBytes`, or than the window. The conversation is over. */
  | "tooLong";

/** Counts of a conversation. */
export interface KcpCounts {
  /** Segments with data: sent first, sent again after a time-out, sent again because later ones arrived. */
  readonly sentSegments: number;
  readonly timedOutSegments: number;
  readonly skippedSegments: number;
  /** Segments that were sent once more before anything was known of them. */
  readonly repeatedSegments: number;
  readonly receivedSegments: number;
  /** Among those received: here already. */
  readonly duplicateSegments: number;
  /** Datagrams that were passed over. */
  readonly malformedDatagrams: number;
  /** Messages that grew stale before they were sent. */
  readonly staleMessages: number;
}

/** What is never due. */
export const NEVER: number = Number.POSITIVE_INFINITY;

/** What has to be sent again, and a probe, waits at most this share of `deadLinkMs`: tries enough. */
export const TRIES_UNTIL_DEAD = 20;
