/** A worker thread that echoes, talks to itself, and is terminated in the middle of it. */
import { parentPort } from "node:worker_threads";
import type { IpAddress, StreamSink, StreamSocket } from "#src/engine/engine.js";
import { noStreamSink } from "#src/engine/no-sink.js";
import { uringEngine } from "#src/engine/uring/uring-engine.js";
import { loopback, PLAIN_STREAM } from "../../support/engine-world.js";

const CONNECTION_COUNT = 20;
const MESSAGE = Buffer.alloc(20_000, "traffic");
const WARM_BYTES = 2_000_000;

const engine = uringEngine();
let carriedBytes = 0;

/** Sends back what comes, as long as it is let. */
function echo(stream: StreamSocket): StreamSink {
  let isWriting = false;
  return {
    ...noStreamSink,
    streamReceived(bytes) {
      carriedBytes += bytes.length;
      if (carriedBytes >= WARM_BYTES) parentPort!.postMessage("busy");
      if (isWriting) return;
      isWriting = true;
      stream.write(Buffer.from(bytes));
    },
    streamWritten() {
      isWriting = false;
    },
  };
}

function talk(address: IpAddress): void {
  const forward = { current: noStreamSink };
  const stream = engine.connect(
    { address, stream: PLAIN_STREAM },
    {
      ...noStreamSink,
      streamOpened() {
        forward.current = echo(stream);
        stream.sink = forward.current;
        stream.write(MESSAGE);
      },
    },
  );
}

engine.listen(
  {
    address: loopback(),
    backlog: 128,
    reusePort: false,
    dualStack: false,
    stream: PLAIN_STREAM,
  },
  {
    listenerOpened(address) {
      parentPort!.postMessage(address);
      for (let count = 0; count < CONNECTION_COUNT; count++) talk(address as IpAddress);
    },
    listenerAccepted: echo,
    listenerAcceptFailed() {},
    listenerClosed() {},
  },
);
