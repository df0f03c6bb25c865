/**
 * A connection as a stream of Node. The view is the receiver of the connection from then on: bytes go
 * through it as they are, whatever the receive model was.
 *
 * Invariants: delivery is held from the moment when the stream had enough until it asks for more; at most
 * one write waits, until the queue is short again; the connection's end is the stream's.
 */
import process from "node:process";
import type { Duplex, DuplexOptions } from "node:stream";
import { isLent } from "../../bytes/lending.js";
import { assertKnownKeys, assertObject } from "../../errors.js";
import { CLOSED_BY_PEER, type CloseReason } from "../close-reason.js";
import type { DuplexViewOptions } from "../connection.js";
import { HOLD, type ProtocolConnection, type Receiver } from "../receiver.js";

type Callback = (error?: Error | null) => void;

const OPTION_NAMES: readonly (keyof DuplexViewOptions)[] = [
  "readableHighWaterMark",
  "writableHighWaterMark",
  "allowHalfOpen",
];

/** One connection's stream. */
export class DuplexView implements Receiver {
  readonly duplex: Duplex;
  private readonly connection: ProtocolConnection;
  private waiting: Callback | undefined;
  private isEnded = false;

  constructor(connection: ProtocolConnection, options: DuplexViewOptions) {
    assertObject("the options of toDuplex", options);
    assertKnownKeys("toDuplex", options, OPTION_NAMES);
    this.connection = connection;
    // Loaded when it is used.
    const { Duplex } = process.getBuiltinModule("node:stream");
    const calls: DuplexOptions = {
      read: () => connection.release(HOLD.body),
      write: (chunk: Buffer, _encoding, done) => this.write(chunk, done),
      final: (done) => this.final(done),
      destroy: (error, done) => this.destroy(error, done),
    };
    this.duplex = new Duplex({ ...options, ...calls });
  }

  // — the stream's calls —

  private write(chunk: Buffer, done: Callback): void {
    const connection = this.connection;
    if (connection.sendBytes(chunk)) done();
    else if (connection.isOpen) this.waiting = done;
    else done(connection.endError());
  }

  private final(done: Callback): void {
    this.connection.finish();
    done();
  }

  private destroy(error: Error | null, done: Callback): void {
    const connection = this.connection;
    const { writableFinished } = this.duplex;
    // What was ended on both sides closes by itself, in good order.
    if (!(this.isEnded && writableFinished)) connection.abort();
    connection.release(HOLD.body);
    done(error);
  }

  private resume(error?: Error): void {
    const waiting = this.waiting;
    this.waiting = undefined;
    waiting?.(error);
  }

  // — the connection's calls —

  received(bytes: Buffer): number {
    const goesOn = this.duplex.push(isLent(bytes) ? Buffer.from(bytes) : bytes);
    if (!goesOn) this.connection.hold(HOLD.body);
    return bytes.length;
  }

  ended(): void {
    const hasFinished = this.connection.endPassedOn();
    this.end();
    if (hasFinished) this.connection.closeWith(CLOSED_BY_PEER);
  }

  private end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.duplex.push(null);
  }

  drained(): void {
    this.resume();
  }

  closed(reason: CloseReason): void {
    if (reason.cause !== undefined) {
      this.waiting = undefined;
      this.duplex.destroy(reason.cause);
      return;
    }
    this.end();
    if (this.waiting !== undefined) this.resume(this.connection.closedError());
  }
}
