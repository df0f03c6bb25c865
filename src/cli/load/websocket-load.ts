/**
 * One connection of a load of a WebSocket echo server: upgrades, keeps its messages in flight, compares every
 * message that comes back with what was sent, and takes the time of each. Hot: no object is made for a
 * message but what the decoder hands out.
 */
import { Buffer } from "node:buffer";
import type { NetError } from "../../index.js";
import type { Inflater } from "../../protocol/websocket/deflate-context.js";
import { FrameDecoder } from "../../protocol/websocket/frame-decoder.js";
import { FrameWriter } from "../../protocol/websocket/frame-writer.js";
import { createLimits } from "../../protocol/websocket/limits.js";
import { MAX_CONTROL_BYTES, MAX_HEAD_BYTES, OPCODE } from "../../protocol/websocket/opcode.js";
import type { WebSocketSink } from "../../protocol/websocket/websocket-sink.js";
import type { SocketDeflate } from "../../websocket/deflate/deflate-stock.js";
import type { ConnectionLoad } from "./connection-load.js";
import type { LoadedConnection } from "./load-agent.js";
import type { PreparedFrames } from "./prepared-frames.js";
import { SentTimes } from "./sent-times.js";
import { WebSocketOpening } from "./websocket-opening.js";
import type { WebSocketTally } from "./websocket-tally.js";

/** Time that the server has to respond to the request. */
const OPENING_MS = 10_000;

/** Spreads the first messages of the connections over the pattern (a prime near 2^32 / φ). */
const SPREAD = 2_654_435_761;

const MANY = Number.MAX_SAFE_INTEGER;

/** A load has one peer, which it asked for what comes. */
const LIMITS = createLimits({
  maxMessageBytes: 2 ** 30,
  maxFragments: MANY,
  maxControlFrames: MANY,
  maxInflatedBytesPerTurn: MANY,
});

const CLOSE_CODE = 1_000;

export class WebSocketLoad implements ConnectionLoad, WebSocketSink {
  isOpen = false;
  hasAnswered = false;
  /** An echo server ends no connection by itself. */
  readonly isOver: boolean = false;
  problemCode = "WRONG_ANSWER";
  private readonly tally: WebSocketTally;
  private readonly sent: SentTimes;
  private opening: WebSocketOpening | undefined;
  private settleOpening: () => void = () => {};
  private decoder: FrameDecoder | undefined = undefined;
  private deflate: SocketDeflate | undefined = undefined;
  private frames: PreparedFrames | undefined = undefined;
  private connection: LoadedConnection | undefined = undefined;
  private nextMessage: number;
  private nextAnswer: number;
  private problem: string | undefined = undefined;
  private finishedCount = 0;
  private nowMs = 0;
  private counts = false;

  /** `index`: the how many-th connection it is. */
  constructor(tally: WebSocketTally, index: number) {
    this.tally = tally;
    this.sent = new SentTimes(tally.depth);
    this.opening = new WebSocketOpening(tally);
    this.nextMessage = ((index * SPREAD) >>> 0) % tally.pattern.messageCount;
    this.nextAnswer = this.nextMessage;
  }

  get inFlightCount(): number {
    return this.sent.count;
  }

  prepare(connection: LoadedConnection): Promise<void> {
    this.connection = connection;
    if (!this.isOpen || this.opening === undefined) return Promise.resolve();
    connection.setDeadline(OPENING_MS);
    connection.send(this.opening.request());
    return new Promise((resolve) => {
      this.settleOpening = resolve;
    });
  }

  start(connection: LoadedConnection, nowMs: number): void {
    this.send(connection, this.tally.depth, nowMs);
  }

  received(connection: LoadedConnection, bytes: Buffer, nowMs: number): string | undefined {
    const { tally } = this;
    const rest = this.opening === undefined ? bytes : this.open(connection, bytes, this.opening);
    const { decoder } = this;
    if (decoder === undefined || this.problem !== undefined) return this.problem;
    this.nowMs = nowMs;
    this.counts = tally.counts(nowMs);
    this.finishedCount = 0;
    let taken = decoder.feed(rest, this);
    // A large message is handed out in steps.
    while (decoder.isInflating && this.problem === undefined) {
      taken += decoder.feed(rest.subarray(taken), this);
    }
    if (this.problem !== undefined) return this.problem;
    if (this.finishedCount > 0 && nowMs < tally.stopAtMs) {
      this.send(connection, this.finishedCount, nowMs);
    }
    return undefined;
  }

  /** Returns what came behind the response. */
  private open(connection: LoadedConnection, bytes: Buffer, opening: WebSocketOpening): Buffer {
    const taken = opening.feed(bytes);
    const { result, problem } = opening;
    if (problem !== undefined) {
      // No WebSocket was opened.
      this.hasAnswered = false;
      this.problemCode = "WEBSOCKET_HANDSHAKE";
      this.problem = problem;
    } else if (result !== undefined) {
      const { tally } = this;
      const { deflate } = result;
      if (deflate !== undefined) this.deflate = tally.stock?.socketDeflate("client", deflate);
      this.frames = tally.frames(
        deflate === undefined ? 0 : Math.max(9, deflate.clientMaxWindowBits),
      );
      this.decoder = new FrameDecoder({
        role: "client",
        limits: LIMITS,
        inflater: this.deflate && atOnce(this.deflate.inflater),
      });
      this.opening = undefined;
      connection.setDeadline(0);
      this.settleOpening();
    }
    return bytes.subarray(taken);
  }

  /** Without a Close frame: the connection is told of as one that broke. */
  ended(): string | undefined {
    if (this.isOpen && this.opening !== undefined) return "the server closed before it responded";
    return undefined;
  }

  finish(connection: LoadedConnection): void {
    if (this.decoder !== undefined) {
      const bytes = Buffer.alloc(MAX_HEAD_BYTES + MAX_CONTROL_BYTES);
      connection.send(bytes.subarray(0, WRITER.writeClose(bytes, 0, CLOSE_CODE)));
    }
    this.deflate?.end();
  }

  fail(): void {
    this.isOpen = false;
    this.tally.inFlightCount -= this.sent.clear();
    this.settleOpening();
    this.deflate?.end();
  }

  private send(connection: LoadedConnection, wanted: number, nowMs: number): void {
    const { tally, frames } = this;
    if (frames === undefined) return;
    const { messageCount } = tally.pattern;
    const count = tally.take(wanted);
    this.sent.note(count, nowMs);
    let left = count;
    while (left > 0) {
      const joined = Math.min(left, messageCount);
      connection.send(frames.run(this.nextMessage, joined));
      this.nextMessage = (this.nextMessage + joined) % messageCount;
      left -= joined;
    }
  }

  // — what the decoder finds —

  onTextMessage(bytes: Buffer, start: number, end: number): boolean {
    return this.answered(bytes, start, end, true);
  }

  onMessage(bytes: Buffer, isText: boolean): boolean {
    return this.answered(bytes, 0, bytes.length, isText);
  }

  private answered(bytes: Buffer, start: number, end: number, isText: boolean): boolean {
    const { tally, nextAnswer } = this;
    const { pattern, aim } = tally;
    if (this.sent.count === 0) return this.wrong("more came back than was sent");
    if (isText !== aim.isText)
      return this.wrong(`a ${isText ? "text" : "binary"} message came back`);
    if (!pattern.isMessage(nextAnswer, bytes, start, end)) {
      return this.wrong(`a message of ${end - start} bytes came back that was not sent`);
    }
    this.nextAnswer = nextAnswer + 1 === pattern.messageCount ? 0 : nextAnswer + 1;
    const sentMs = this.sent.take();
    if (this.counts) tally.latencies.record(this.nowMs - sentMs);
    tally.verifiedBytes += end - start;
    tally.messageCount += 1;
    tally.inFlightCount -= 1;
    this.finishedCount += 1;
    return true;
  }

  private wrong(problem: string): boolean {
    this.problem = problem;
    return false;
  }

  onPing(payload: Buffer): boolean {
    const bytes = Buffer.alloc(MAX_HEAD_BYTES + payload.length);
    const end = WRITER.writeControl(bytes, 0, OPCODE.pong, payload);
    this.connection?.send(bytes.subarray(0, end));
    return true;
  }

  onPong(): boolean {
    return true;
  }

  onClose(code: number, reason: string): void {
    this.problemCode = "CLOSED";
    this.problem = `the server closed with ${code}${reason === "" ? "" : `, ${reason}`}`;
  }

  onError({ code, message }: NetError): void {
    this.problemCode = code;
    this.problem = message;
  }
}

/** For what is seldom sent: a key that can be guessed does no harm in a load. */
const WRITER = new FrameWriter("client", () => 0x3d21fa37);

/** Inflates whatever comes within the call, however much others have inflated in the turn. */
function atOnce(inflater: Inflater): Inflater {
  return {
    get takenBytes() {
      return inflater.takenBytes;
    },
    begin: () => inflater.begin(),
    end: (isBroken) => inflater.end(isBroken),
    restart: () => inflater.restart(),
    takeTail: () => inflater.takeTail(),
    step: (input, start, end, target, offset, limit) =>
      inflater.step(input, start, end, target, offset, limit),
  };
}
