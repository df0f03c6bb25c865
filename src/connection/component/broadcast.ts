/**
 * The same to many connections. What is sent is framed once for each receive model that is in force, into
 * the memory that is sent from where a segment holds it, and every queue gets a reference to it.
 */
import { isLent } from "../../bytes/lending.js";
import { SEGMENT_BYTES, type SendMemory, takeShared } from "../../bytes/send-memory.js";
import type { Encoder } from "../../receive/receive-model.js";
import type { SendResult } from "../connection.js";

/** What a broadcast did: how many connections it went to, by what their `send` would have answered. */
export interface BroadcastResult {
  /** Connections that took it, with little waiting before it. */
  readonly taken: number;
  /** Connections that took it, with more than `highWaterMarkBytes` waiting now. */
  readonly slow: number;
  /** Connections that did not get it: not open, or with a full queue (see `slowConsumer`). */
  readonly refused: number;
}

/** A connection, as a broadcast sees it. */
export interface BroadcastTarget {
  readonly encoder: Encoder | undefined;
  /** Sends bytes that others send as well, framed already. */
  sendShared(piece: Uint8Array): SendResult;
}

/** Sends `data` to all of them. Throws `PACKET_INVALID`, before anything is sent. */
export function broadcastTo(
  targets: readonly BroadcastTarget[],
  data: Buffer,
  memory: SendMemory,
): BroadcastResult {
  const frames = new Map<Encoder | undefined, Uint8Array>();
  for (const { encoder } of targets) {
    if (frames.has(encoder)) continue;
    encoder?.assertSendable([data], data.length);
    frames.set(encoder, data);
  }
  let taken = 0;
  let slow = 0;
  let refused = 0;
  for (const encoder of frames.keys()) frames.set(encoder, framed(data, encoder, memory));
  for (const target of targets) {
    const result = target.sendShared(frames.get(target.encoder) as Uint8Array);
    if (result === true) taken++;
    else if (result === "slow") slow++;
    else refused++;
  }
  for (const frame of frames.values()) memory.release(frame);
  return { taken, slow, refused };
}

/** `data` as it is sent, held once. */
function framed(data: Buffer, encoder: Encoder | undefined, memory: SendMemory): Uint8Array {
  const headBytes = encoder?.headBytes(data.length) ?? 0;
  const tail = encoder?.tail;
  const byteCount = headBytes + data.length + (tail?.length ?? 0);
  const isSmall = byteCount > 0 && byteCount <= SEGMENT_BYTES;
  // A large piece that nothing is put around is sent from where it lies.
  if (!isSmall && byteCount === data.length && !isLent(data)) {
    memory.hold(data);
    return data;
  }
  const frame = takeShared(memory, byteCount);
  if (headBytes > 0) encoder?.writeHead(frame, 0, data.length);
  frame.set(data, headBytes);
  if (tail !== undefined) frame.set(tail, headBytes + data.length);
  return frame;
}
