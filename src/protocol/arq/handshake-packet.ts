/**
 * The packet with which both sides of a reliable session tell each other their conversation ids (HP §3.4).
 * Numbers are little-endian.
 *
 *     0      2     3      4          8          12
 *     | 4F BB| 01  | flag | own id   | peer's id|
 */

/** Bytes of the packet; a datagram of this length is one. */
export const HANDSHAKE_BYTES = 12;

const MAGIC = 0xbb4f;
const COMMAND = 1;
const COMPLETE = 1;

/** What a handshake packet says. */
export interface HandshakePacket {
  /** The sender knows that its own id has arrived. */
  readonly isComplete: boolean;
  /** The sender's id, never 0. */
  readonly ownId: number;
  /** The id of the other side; 0 while it is not known. */
  readonly peerId: number;
}

/** Reads a packet; undefined for what is none. */
export function parseHandshake(bytes: Buffer): HandshakePacket | undefined {
  if (bytes.length !== HANDSHAKE_BYTES) return undefined;
  const flag = bytes[3] as number;
  if (bytes.readUInt16LE(0) !== MAGIC || bytes[2] !== COMMAND || flag > COMPLETE) return undefined;
  const ownId = bytes.readUInt32LE(4);
  if (ownId === 0) return undefined;
  return { isComplete: flag === COMPLETE, ownId, peerId: bytes.readUInt32LE(8) };
}

/** Writes a packet. */
export function writeHandshake({ isComplete, ownId, peerId }: HandshakePacket): Buffer {
  const bytes = Buffer.allocUnsafe(HANDSHAKE_BYTES);
  bytes.writeUInt16LE(MAGIC, 0);
  bytes[2] = COMMAND;
  bytes[3] = isComplete ? COMPLETE : 0;
  bytes.writeUInt32LE(ownId, 4);
  bytes.writeUInt32LE(peerId, 8);
  return bytes;
}
