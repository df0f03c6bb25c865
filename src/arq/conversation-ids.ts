/**
 * Ids of conversations. Those that we begin with are drawn at random, so that they are unpredictable. Those that a
 * server answers with are made of the peer's address, its id and a secret: the server keeps nothing of who has not
 * repeated one, and who repeats it has received it.
 */
import { createHmac, randomBytes } from "node:crypto";
import type { PeerKey } from "../engine/engine.js";

/**
 * An id is good for so long at least, and twice as long at most: who has heard one there is believed to be there still.
 * An original client whose first packets get two ids gives up, so the time between two is long beside a handshake.
 */
const SLOT_MS = 600_000;

/** Makes the ids that a server answers strangers with, and knows them again. */
export class ConversationIds {
  private readonly secret: Buffer = randomBytes(32);

  /** The id for a peer with the id `peerId`. */
  make(peer: PeerKey, peerId: number, nowMs: number): number {
    return this.ofSlot(peer, peerId, this.slot(nowMs));
  }

  /** Whether `id` was made for the peer, not long ago. */
  isGood(id: number, peer: PeerKey, peerId: number, nowMs: number): boolean {
    const slot = this.slot(nowMs);
    return id === this.ofSlot(peer, peerId, slot) || id === this.ofSlot(peer, peerId, slot - 1);
  }

  private slot(nowMs: number): number {
    return Math.floor(nowMs / SLOT_MS);
  }

  private ofSlot(peer: PeerKey, peerId: number, slot: number): number {
    const mac = createHmac("sha256", this.secret).update(`${peer}|${peerId}|${slot}`, "latin1");
    return mac.digest().readUInt32LE(0) || 1;
  }
}

/** An unpredictable id. */
export function randomId(): number {
  return randomBytes(4).readUInt32LE(0) || 1;
}
