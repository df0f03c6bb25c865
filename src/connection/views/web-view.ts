/**
 * A stream of Node as streams of the web. Node's own conversion of a `Duplex` ends neither side before both
 * have ended, so that an echo of one's own readable side never ends.
 */
import process from "node:process";
import type { Duplex } from "node:stream";
import type { ReadableStream, WritableStream } from "node:stream/web";
import { NetError } from "../../errors.js";
import type { WebView } from "../connection.js";

const webStreams = (): typeof import("node:stream/web") =>
  process.getBuiltinModule("node:stream/web");

/** Makes the two streams. The stream of Node is theirs from then on. */
export function webView(duplex: Duplex): WebView {
  // Without a listener of its own the error of a stream that nobody looks at would end the process.
  duplex.on("error", () => {});
  return { readable: readableOf(duplex), writable: writableOf(duplex) };
}

function readableOf(duplex: Duplex): ReadableStream<Uint8Array> {
  const { ReadableStream, ByteLengthQueuingStrategy } = webStreams();
  let isOver = false;
  return new ReadableStream<Uint8Array>(
    {
      start(controller): void {
        duplex.on("data", (chunk: Buffer) => {
          controller.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
          if ((controller.desiredSize ?? 0) <= 0) duplex.pause();
        });
        duplex.on("end", () => {
          isOver = true;
          controller.close();
        });
        duplex.on("close", () => {
          if (!isOver) controller.error(closedError(duplex));
          isOver = true;
        });
        duplex.pause();
      },
      pull(): void {
        duplex.resume();
      },
      cancel(): void {
        isOver = true;
        duplex.destroy();
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: duplex.readableHighWaterMark }),
  );
}

function writableOf(duplex: Duplex): WritableStream<Uint8Array> {
  const { WritableStream } = webStreams();
  return new WritableStream<Uint8Array>({
    start(controller): void {
      duplex.on("close", () => {
        if (!duplex.writableFinished) controller.error(closedError(duplex));
      });
    },
    write: (chunk) =>
      new Promise((resolve, reject) => {
        duplex.write(chunk, (error) => (error == null ? resolve() : reject(error)));
      }),
    close: () =>
      new Promise((resolve) => {
        duplex.end(() => resolve());
      }),
    abort(): void {
      duplex.destroy();
    },
  });
}

function closedError(duplex: Duplex): Error {
  return duplex.errored ?? new NetError("CONNECTION_CLOSED");
}
