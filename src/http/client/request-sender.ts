/**
 * Sends the requests of one connection, one after the other. Hot: the head and a small body are
 * written straight into the memory that is sent from.
 *
 *     idle ── send ──► idle            head and body went at once
 *               ├────► waiting         for 100 Continue, or until the time for it is over
 *               └────► streaming ──► idle
 */
import { SEGMENT_BYTES } from "../../bytes/send-memory.js";
import type { PieceWriter, ProtocolConnection } from "../../connection/receiver.js";
import { NetError } from "../../errors.js";
import { BODY } from "../../protocol/http1/head.js";
import { BodyWriter } from "../../protocol/http1/writing/body-writer.js";
import { HeadWriter } from "../../protocol/http1/writing/head-writer.js";
import { NO_ROOM } from "../../protocol/http1/writing/text-writer.js";
import { BodySource, type ChunkContent } from "./body-source.js";
import type { ExchangePlan } from "./client-exchange.js";
import { ContentSender, SLICE_BYTES } from "./content-sender.js";
import { headTooLong, MAX_HEAD_BYTES } from "./head-check.js";
import type { RequestContent } from "./request-content.js";

/** Bodies up to this many bytes are written behind the head. */
const INLINE_BYTES = 4_096;
/** Room for a head at first; then a whole segment, then as much as it takes. */
const HEAD_ROOM_BYTES = 2_048;

const headWriter = new HeadWriter();

/** Hears how the sending of a body went. */
export interface SendingOwner {
  /** The request is complete, or why it will not be. Not called after `stop`. */
  contentEnded(error: NetError | undefined): void;
}

/** Sends the requests of one connection. */
export class RequestSender implements PieceWriter {
  /** The body waits for 100 Continue. */
  isWaiting = false;
  private readonly connection: ProtocolConnection;
  private readonly owner: SendingOwner;
  private plan: ExchangePlan | undefined = undefined;
  private inlineBody: Uint8Array | undefined = undefined;
  private sender: ContentSender | undefined = undefined;

  constructor(connection: ProtocolConnection, owner: SendingOwner) {
    this.connection = connection;
    this.owner = owner;
  }

  /** Whether a body is on its way. */
  get isBusy(): boolean {
    return this.sender !== undefined;
  }

  /** Whether the head that was sent last said that the connection closes. */
  get saysClose(): boolean {
    return headWriter.saysClose;
  }

  /**
   * Sends a request. Returns whether all of it was sent; else `contentEnded` follows. Throws
   * `INVALID_ARGUMENT` for what can't be sent: then nothing was.
   */
  send(plan: ExchangePlan): boolean {
    const { content, expectsContinue } = plan;
    const { bytes } = content;
    if (bytes !== undefined && bytes.length !== content.byteCount) throw changed(content.byteCount);
    this.plan = plan;
    this.inlineBody = bytes === undefined || bytes.length > INLINE_BYTES ? undefined : bytes;
    if (expectsContinue) this.inlineBody = undefined;
    const isInline = this.inlineBody !== undefined;
    try {
      this.sendHead();
    } finally {
      // An idle connection holds nothing of its last request.
      this.plan = undefined;
      this.inlineBody = undefined;
    }
    const { bodyLength } = headWriter;
    if (isInline || bodyLength === 0 || bodyLength === BODY.none) return true;
    if (bytes !== undefined && bytes.length <= SLICE_BYTES && !expectsContinue) {
      this.connection.sendBytes(bytes);
      return true;
    }
    this.sender = new ContentSender({
      connection: this.connection,
      body: new BodyWriter(bodyLength),
      source: new BodySource(chunksOf(content), plan.scope),
      trailers: trailersOf(plan),
      silenceMs: plan.bodyTimeoutMs,
      ended: (error) => this.ended(error),
    });
    this.isWaiting = expectsContinue;
    if (!expectsContinue) this.sender.start();
    return false;
  }

  private sendHead(): void {
    const room = HEAD_ROOM_BYTES + (this.inlineBody?.length ?? 0);
    if (this.connection.write(this, room) !== undefined) return;
    if (this.connection.write(this, SEGMENT_BYTES) !== undefined) return;
    for (let size = 2 * SEGMENT_BYTES; size <= MAX_HEAD_BYTES; size *= 2) {
      const target = Buffer.allocUnsafe(size);
      const end = this.writePiece(target, 0);
      if (end < 0) continue;
      this.connection.sendBytes(target.subarray(0, end));
      return;
    }
    throw headTooLong();
  }

  /** See {@link PieceWriter.writePiece}: the head, and a small body. */
  writePiece(target: Buffer, offset: number): number {
    const { inlineBody } = this;
    const end = headWriter.writeRequest(target, offset, this.plan!.head);
    if (end < 0 || inlineBody === undefined) return end;
    if (end + inlineBody.length > target.length) return NO_ROOM;
    target.set(inlineBody, end);
    return end + inlineBody.length;
  }

  /** The server has sent 100, or `continueTimeoutMs` is over. */
  goOn(): void {
    if (!this.isWaiting) return;
    this.isWaiting = false;
    this.sender?.start();
  }

  /**
   * Nothing more of the request is wanted. Resolves when the source of its body has cleaned up;
   * undefined where there is none.
   */
  stop(): Promise<void> | undefined {
    const { sender } = this;
    this.isWaiting = false;
    this.sender = undefined;
    return sender?.stop();
  }

  private ended(error: NetError | undefined): void {
    // A source of an ended request is stopped with it.
    if (error === undefined) this.sender = undefined;
    this.owner.contentEnded(error);
  }
}

function trailersOf({ trailers, scope }: ExchangePlan): ExchangePlan["trailers"] {
  if (trailers === undefined || scope === undefined) return trailers;
  return () => scope.runInAsyncScope(trailers);
}

function chunksOf({ bytes, open, canRepeat }: RequestContent): ChunkContent {
  return { open: bytes === undefined ? open! : () => [bytes], canRepeat };
}

/** The body's memory was transferred or resized. */
function changed(byteCount: number): NetError {
  const text = `the body no longer has the ${byteCount} bytes that it had when the request began`;
  return new NetError("INVALID_ARGUMENT", text, { operation: "send" });
}
