/** What a client and a proxy say to each other until the tunnel is made, whatever the protocol. Pure. */
import type { NetError } from "../errors.js";

/** Gets what a handshake does. */
export interface TunnelSink {
  /** These bytes are to be sent to the proxy. */
  handshakeSends(bytes: Buffer): void;
  /** The tunnel is made: what follows are the destination's bytes. */
  handshakeDone(): void;
  /** There is no tunnel. Last. */
  handshakeFailed(error: NetError): void;
}

/** One handshake. */
export interface TunnelHandshake {
  /** What is sent first. */
  begin(): Buffer;
  /** Takes bytes of the proxy's, none behind the end of the handshake. Returns how many it took. */
  feed(bytes: Buffer, sink: TunnelSink): number;
}
