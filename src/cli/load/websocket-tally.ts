import type { FieldInput } from "../../protocol/http1/writing/field-writer.js";
import type { CompressionSettings } from "../../websocket/deflate/compression-options.js";
import { DeflateStock } from "../../websocket/deflate/deflate-stock.js";
import type { BytePattern } from "./byte-pattern.js";
import { EchoTally } from "./echo-tally.js";
import { PreparedFrames } from "./prepared-frames.js";

/** What the sockets of a load ask for, and send. */
export interface WebSocketAim {
  /** Path with query. */
  readonly target: string;
  readonly host: string;
  readonly origin: string | undefined;
  readonly protocols: readonly string[];
  readonly fields: FieldInput;
  readonly isText: boolean;
  /** Undefined: no compression is offered. */
  readonly compression: CompressionSettings | undefined;
}

/** What the connections of a load of a WebSocket echo server have in common. */
export class WebSocketTally extends EchoTally {
  readonly aim: WebSocketAim;
  /** There where compression is offered. */
  readonly stock: DeflateStock | undefined;
  /** By the window that the server takes; 0: not compressed. */
  private readonly framesByWindow: Map<number, PreparedFrames> = new Map();

  constructor(pattern: BytePattern, depth: number, aim: WebSocketAim) {
    super(pattern, depth, true);
    this.aim = aim;
    this.stock = aim.compression === undefined ? undefined : new DeflateStock(aim.compression);
  }

  /** The messages as frames. `windowBits`: what the server takes; 0: they are not compressed. */
  frames(windowBits: number): PreparedFrames {
    let frames = this.framesByWindow.get(windowBits);
    if (frames === undefined) {
      const deflate = windowBits === 0 ? undefined : this.deflating(windowBits);
      frames = new PreparedFrames(this.pattern, this.aim.isText, deflate);
      this.framesByWindow.set(windowBits, frames);
    }
    return frames;
  }

  private deflating(windowBits: number): (message: Buffer) => Buffer {
    const { compression } = this.aim;
    const stock = new DeflateStock({ ...compression!, windowBits });
    // It lies in memory that the next message uses again.
    return (message) => Buffer.from(stock.deflateForAll(message));
  }
}
