import type { StreamSink } from "./engine.js";

/** The sink of a stream until the layer above has given one, and of refused streams. */
export const noStreamSink: StreamSink = {
  streamOpened() {},
  streamSecured() {},
  streamReceived() {},
  streamEnded() {},
  streamWritten() {},
  streamClosed() {},
};
