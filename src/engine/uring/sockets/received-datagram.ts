/**
 * What a multishot RECVMSG writes into a receive buffer. Hot.
 *
 *     byte 0   lengths of address and control data, length of what came, flags
 *     byte 16  sender's address, with room for an IPv6 one
 *     byte 44  control data: length of the datagrams of a train, what the kernel has dropped
 *     byte 92  the datagram, or several of one length
 */
import { SOL_SOCKET } from "../../option-calls.js";
import { IPV6_KEY_BYTES, type PeerKey, PORT_SPAN } from "../../peer-key.js";
import { CONTROL_BYTES } from "../memory/message-header.js";
import type { ProvidedBuffers } from "../memory/provided-buffers.js";
import { FAMILY_IPV4, IPV6_BYTES } from "./socket-address.js";
import { IPPROTO_UDP, SO_RXQ_OVFL, UDP_GRO } from "./socket-options.js";

const NAME_AT = 16;
const CONTROL_AT = NAME_AT + IPV6_BYTES;
/** Room for both control messages. */
export const RECEIVED_CONTROL_BYTES: number = 2 * CONTROL_BYTES;
/** Where the datagram begins. */
export const DATAGRAM_AT: number = CONTROL_AT + RECEIVED_CONTROL_BYTES;

const CONTROL_LENGTH_WORD = 1;
const FLAGS_WORD = 3;
const NAME_WORD = NAME_AT >> 2;
const CONTROL_WORD = CONTROL_AT >> 2;
const CONTROL_WORDS = CONTROL_BYTES >> 2;
const LEVEL_WORD = 2;
const TYPE_WORD = 3;
const VALUE_WORD = 4;
const MSG_TRUNC = 0x20;

/** Whether the buffer was too small. */
export function isTruncated(buffers: ProvidedBuffers, id: number): boolean {
  return (buffers.word(id, FLAGS_WORD) & MSG_TRUNC) !== 0;
}

/** The sender. */
export function senderOf(buffers: ProvidedBuffers, id: number): PeerKey {
  const first = buffers.word(id, NAME_WORD);
  if ((first & 0xffff) !== FAMILY_IPV4) {
    return buffers.text(id, NAME_AT + 2, IPV6_KEY_BYTES);
  }
  const host = buffers.word(id, NAME_WORD + 1);
  const swapped = (host << 24) | ((host & 0xff00) << 8) | ((host >>> 8) & 0xff00) | (host >>> 24);
  return (swapped >>> 0) * PORT_SPAN + (((first >>> 8) & 0xff00) | (first >>> 24));
}

/** The value of a control message, or 0 where there is none. */
function controlValue(buffers: ProvidedBuffers, id: number, level: number, type: number): number {
  const count = Math.ceil(buffers.word(id, CONTROL_LENGTH_WORD) / CONTROL_BYTES);
  for (let index = 0; index < count; index++) {
    const at = CONTROL_WORD + index * CONTROL_WORDS;
    if (buffers.word(id, at + LEVEL_WORD) !== level) continue;
    if (buffers.word(id, at + TYPE_WORD) === type) return buffers.word(id, at + VALUE_WORD);
  }
  return 0;
}

/** How long the datagrams of a train are; 0: it is one. */
export function segmentBytesOf(buffers: ProvidedBuffers, id: number): number {
  if (buffers.word(id, CONTROL_LENGTH_WORD) === 0) return 0;
  return controlValue(buffers, id, IPPROTO_UDP, UDP_GRO);
}

/** Datagrams that the kernel has dropped so far because there was no room, modulo 2^32; 0: none, or not told. */
export function droppedOf(buffers: ProvidedBuffers, id: number): number {
  if (buffers.word(id, CONTROL_LENGTH_WORD) === 0) return 0;
  return controlValue(buffers, id, SOL_SOCKET, SO_RXQ_OVFL) >>> 0;
}
