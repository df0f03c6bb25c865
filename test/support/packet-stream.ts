import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { NetError, type NetErrorCode } from "#src/errors.js";
import type { PacketModel } from "#src/receive/packet-model.js";
import type { Decoder, PacketSink } from "#src/receive/receive-model.js";

/** What a decoder made of a stream. */
export interface Decoded {
  /** The packets, in hexadecimal, so that they compare and print well. */
  readonly packets: readonly string[];
  /** Code of the error that ended it. */
  readonly error: NetErrorCode | undefined;
}

/** Keeps copies of packets; says stop after each when `stops` is set. */
export class PacketRecorder implements PacketSink {
  readonly packets: Buffer[] = [];
  readonly #stops: boolean;

  constructor(stops = false) {
    this.#stops = stops;
  }

  packet(bytes: Buffer): boolean {
    this.packets.push(Buffer.from(bytes));
    return !this.#stops;
  }
}

/** Frames a packet as a connection does: head, pieces, tail. */
export function framePacket(model: PacketModel, packet: Buffer): Buffer {
  const { encoder } = model;
  if (encoder === undefined) return packet;
  encoder.assertSendable([packet], packet.length);
  const head = Buffer.alloc(encoder.headBytes(packet.length) + 2, 0xaa);
  encoder.writeHead(head, 1, packet.length);
  assert.equal(head[0], 0xaa, "the head is written where it belongs");
  assert.equal(head.at(-1), 0xaa, "the head is no longer than it said");
  return Buffer.concat([head.subarray(1, -1), packet, encoder.tail ?? Buffer.alloc(0)]);
}

/** The bytes of several packets on their way. */
export function framePackets(model: PacketModel, packets: readonly Buffer[]): Buffer {
  return Buffer.concat(packets.map((packet) => framePacket(model, packet)));
}

/** Feeds chunks that are lent: each is overwritten as soon as the decoder has answered. */
export function feedLent(decoder: Decoder, chunks: readonly Buffer[], sink: PacketSink): void {
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk);
    let taken = 0;
    do taken += decoder.feed(lent.subarray(taken), sink);
    while (taken < lent.length);
    lent.fill(0xee);
  }
}

/** Decodes a stream in the given chunks, up to its end or the first error. */
export function decode(model: PacketModel, chunks: readonly Buffer[]): Decoded {
  const decoder = model.createDecoder();
  const recorder = new PacketRecorder();
  const error = codeOf(() => {
    feedLent(decoder, chunks, recorder);
    decoder.end(recorder);
  });
  return { packets: recorder.packets.map((packet) => packet.toString("hex")), error };
}

/** The code of the NetError that `run` throws; other errors pass. */
export function codeOf(run: () => void): NetErrorCode | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof NetError) return error.code;
    throw error;
  }
}

/** Matches a NetError in `assert.throws`. */
export function netError(code: NetErrorCode, message: RegExp = /./): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof NetError, `not a NetError: ${String(error)}`);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}
