import type { Address } from "../../engine.js";
import { type PeerName, peerAddressOf } from "./peer-names.js";

/** What a stream knows besides, and most of them never need: made when the first of it is there. */
export class StreamDetails {
  local: Address | undefined = undefined;
  remote: Address | undefined = undefined;
  /** The peer's address as the kernel has it, until it is asked for. */
  name: PeerName | undefined = undefined;
  /** What a CONNECT under way reads. */
  target: Uint8Array | undefined = undefined;

  /** Where the peer is, or was. */
  remoteAddress(): Address | undefined {
    if (this.remote === undefined && this.name !== undefined) {
      this.remote = peerAddressOf(this.name);
      this.name = undefined;
    }
    return this.remote;
  }
}
