/** What stands in for the stream of a connection that is still being made. */
import type { StreamSink, StreamSocket } from "../../engine/engine.js";
import { NetError } from "../../errors.js";

const NOBODY: StreamSink = {
  streamOpened() {},
  streamSecured() {},
  streamReceived() {},
  streamEnded() {},
  streamWritten() {},
  streamClosed() {},
};

function notConnected(): never {
  throw new NetError("INVALID_STATE", "the connection is not made yet");
}

/** A stream that is not there: options can't be set, and nothing happens to it. */
export const UNCONNECTED: StreamSocket = {
  lendsBytes: false,
  sink: NOBODY,
  write: notConnected,
  writeAll: notConnected,
  finish() {},
  close() {},
  reset() {},
  pause() {},
  resume() {},
  setNoDelay: notConnected,
  setKeepAlive: notConnected,
  startTls: notConnected,
  hasHeard: () => true,
  tlsInfo: () => undefined,
  localAddress: () => undefined,
  remoteAddress: () => undefined,
  tcpInfo: () => undefined,
  sendProgress: () => 0,
  ref() {},
  unref() {},
};
