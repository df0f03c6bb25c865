import type { NetError } from "../../../errors.js";
import type { StreamSink } from "../../engine.js";
import type { StreamWrite } from "../sockets/stream-write.js";

/** The stream under TLS, as TLS sees it. */
export interface CipherStream {
  sink: StreamSink;
  /** Whether a send is under way. */
  readonly isSending: boolean;
  readonly isClosing: boolean;
  /** Where the peer is, in words. */
  readonly peerText: string;
  /** Starts a send, which is none of the sink's. */
  sendCipher(write: StreamWrite): void;
  /** Sends FIN. */
  finishCipher(): void;
  /** Stops receiving, or goes on. */
  pauseCipher(): void;
  resumeCipher(): void;
  /** Ends the stream. */
  failCipher(error: NetError): void;
}
