/** Tells handlers of frames, before it passes on what they mean. Only where there are handlers for frames. */
import type { Delivery, FrameState, WebSocketSink } from "../protocol/websocket/websocket-sink.js";
import type { CalledSession, WebSocketCalls } from "./websocket-calls.js";

/** Tells handlers of frames, before it passes on what they mean. */
export class FrameTeller<Socket> implements WebSocketSink {
  private readonly session: CalledSession<Socket> & Required<MeaningSink>;
  private readonly calls: WebSocketCalls<Socket>;

  constructor(
    session: CalledSession<Socket> & Required<MeaningSink>,
    calls: WebSocketCalls<Socket>,
  ) {
    this.session = session;
    this.calls = calls;
  }

  onFrameHead(frame: FrameState): void {
    this.calls.frameHead(this.session, frame);
  }

  onFramePayload(bytes: Buffer, frame: FrameState): void {
    this.calls.framePayload(this.session, bytes, frame);
  }

  onFrameEnd(frame: FrameState): void {
    this.calls.frameEnd(this.session, frame);
  }

  onMessageBegin(isText: boolean, isCompressed: boolean): Delivery {
    return this.session.onMessageBegin(isText, isCompressed);
  }

  onMessage(bytes: Buffer, isText: boolean, isOwn: boolean): boolean {
    return this.session.onMessage(bytes, isText, isOwn);
  }

  onTextMessage(bytes: Buffer, start: number, end: number, isAscii: boolean): boolean {
    return this.session.onTextMessage(bytes, start, end, isAscii);
  }

  onMessagePiece(bytes: Buffer, isText: boolean): boolean {
    return this.session.onMessagePiece(bytes, isText);
  }

  onMessageEnd(isText: boolean): boolean {
    return this.session.onMessageEnd(isText);
  }

  onPing(bytes: Buffer): boolean {
    return this.session.onPing(bytes);
  }

  onPong(bytes: Buffer): boolean {
    return this.session.onPong(bytes);
  }

  onClose(code: number, reason: string): void {
    this.session.onClose(code, reason);
  }

  onError(error: Parameters<WebSocketSink["onError"]>[0]): void {
    this.session.onError(error);
  }
}

/** What frames mean. */
export type MeaningSink = Omit<WebSocketSink, "onFrameHead" | "onFramePayload" | "onFrameEnd">;
