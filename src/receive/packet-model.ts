import type { Buffer } from "node:buffer";
import { FrameDecoder } from "./frame-decoder.js";
import type { Framing } from "./framing.js";
import type { Decoder, Encoder, ReceiveModel, ReceiveModelName } from "./receive-model.js";

/** A receive model that delivers whole packets. */
export interface PacketModel extends ReceiveModel<Buffer> {
  /** It delivers packets. */
  readonly delivers: "packets";
  /** Longest packet, in bytes. */
  readonly maxPacketBytes: number;
  /** Makes what finds packets in the bytes of one connection. */
  createDecoder(): Decoder;
}

/** What a packet model is made of. */
export interface PacketModelParts {
  readonly name: ReceiveModelName;
  readonly maxPacketBytes: number;
  readonly framing: Framing;
  readonly encoder: Encoder | undefined;
}

/** Makes a frozen model whose decoders follow `parts.framing`. */
export function createPacketModel(parts: PacketModelParts): PacketModel {
  const { name, maxPacketBytes, framing, encoder } = parts;
  return Object.freeze({
    name,
    delivers: "packets",
    maxPacketBytes,
    encoder,
    createDecoder: () => new FrameDecoder(framing),
  });
}
