/**
 * The contract of a receive model: how the bytes of a connection become what `onReceive` gets, and
 * how what is sent becomes bytes. A model is an immutable description, shared by any number of
 * connections; its decoder holds the state of one connection. Both are pure: no clock, no socket,
 * no waiting. "Not enough bytes yet" is a normal answer.
 */

/** Names of the models. */
export type ReceiveModelName =
  | "push"
  | "pull"
  | "pack"
  | "lengthPrefix"
  | "delimiter"
  | "fixedLength"
  | "startEnd"
  | "untilClosed";

/** Gets the packets that a decoder finds. */
export interface PacketSink {
  /**
   * One whole packet, head and tail stripped. Valid as long as the bytes that were fed are: a packet
   * that came whole is a view into them. Returns whether the decoder goes on; on false it stops
   * at the end of this packet.
   */
  packet(bytes: Buffer): boolean;
}

/** Finds packets in the bytes of one connection. */
export interface Decoder {
  /**
   * Takes bytes and hands each whole packet to the sink. Returns how many bytes it took: all of
   * them, unless the sink said stop. Throws NetError (`PACKET_MALFORMED`, `PACKET_TOO_LONG`) when
   * the stream can't be understood; the decoder is of no use afterwards.
   */
  feed(bytes: Buffer, sink: PacketSink): number;
  /** The peer has finished. Throws NetError `PACKET_TRUNCATED` in the middle of a packet. */
  end(sink: PacketSink): void;
  /** Takes out the bytes of the packet under way, as they came, for a decoder that takes over. */
  takeRest(): Buffer | undefined;
  /** Bytes of memory held for the packet under way. At 0 the decoder is as it was made. */
  readonly heldBytes: number;
}

/** Writes what frames a packet. */
export interface Encoder {
  /**
   * Throws NetError `PACKET_INVALID` when these pieces can't be one packet; `byteCount` is their
   * sum.
   */
  assertSendable(pieces: readonly Uint8Array[], byteCount: number): void;
  /** Bytes of the head of a packet of `byteCount` bytes. */
  headBytes(byteCount: number): number;
  /** Writes that head into `target` at `offset`. */
  writeHead(target: Buffer, offset: number, byteCount: number): void;
  /** What follows each packet, or undefined. */
  readonly tail: Uint8Array | undefined;
}

/**
 * A receive model. `Received` is what the second argument of `onReceive` is: bytes for models that
 * push bytes or packets, a count for {@link pull}.
 */
export interface ReceiveModel<Received extends Buffer | number = Buffer | number> {
  /** Which model it is. */
  readonly name: ReceiveModelName;
  /** What `onReceive` gets: bytes as they come, whole packets, or the number of unread bytes. */
  readonly delivers: "bytes" | "packets" | "count";
  /** Largest packet, in bytes; undefined where the model has no packets. */
  readonly maxPacketBytes: number | undefined;
  /** A decoder for one connection; undefined where bytes pass as they come. */
  createDecoder(): Decoder | undefined;
  /** Undefined where bytes are sent as they are. */
  readonly encoder: Encoder | undefined;
  /** Type only: carries `Received`. Never set. */
  readonly received?: Received;
}
