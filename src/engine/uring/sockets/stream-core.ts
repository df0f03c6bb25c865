/** A stream, as the parts see it that all streams of a loop share: they have what they do, it has what it knows. */
import type { NetError } from "../../../errors.js";
import type { StreamSink } from "../../engine.js";
import type { BufferWaiter } from "../memory/buffer-line.js";
import type { OwnBufferHolder } from "../memory/own-buffers.js";
import type { StreamWrite } from "./stream-write.js";

/** TLS of a stream, as what receives and sends sees it. */
export interface StreamCipher {
  /** What is sent. */
  readonly output: {
    /** The send under way is complete. */
    sent(): void;
  };
  /** The kernel has filled `byteCount` bytes of receive buffer `id`. */
  received(id: number, byteCount: number): void;
  /** The peer has sent FIN. */
  ended(): void;
}

/** A stream, as the parts see it that all streams of a loop share. */
export interface StreamCore extends BufferWaiter, OwnBufferHolder {
  /** Bits of `stream-state.ts`. */
  state: number;
  /** The write under way. */
  writing: StreamWrite | undefined;
  sink: StreamSink;
  /** Undefined while the stream is plain. */
  readonly security: StreamCipher | undefined;
  /** Claims the entry of an operation on the socket; returns its index. */
  start(operation: number, kind: number): number;
  /** Completes in the next step. */
  startNothing(kind: number): void;
  /** Cancels the operation of this kind. */
  cancel(kind: number): void;
  /** What it carries can be read, see `carry.ts`. */
  readable(): void;
  /** A descriptor of the socket, which {@link DescriptorTable} wants back; or the negative error number. */
  borrowDescriptor(): number;
  /** Whether it is an open TCP connection. */
  isTcp(): boolean;
  /** The stream can't go on. */
  fail(error: NetError): void;
  /** Runs `call` with a descriptor of the socket; returns the negative error number where there is none. */
  withDescriptor(call: (descriptor: number) => number): number;
}
