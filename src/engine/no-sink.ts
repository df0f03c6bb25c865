import type { StreamSink } from "./engine.js";

/** Stands in until the layer above has answered with a sink of its own, and for refused streams. */
export const noStreamSink: StreamSink = {
  streamOpened() {},
  streamSecured() {},
  streamReceived() {},
  streamEnded() {},
  streamWritten() {},
  streamClosed() {},
};
