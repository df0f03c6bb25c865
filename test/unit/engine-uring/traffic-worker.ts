/** A worker thread that echoes, talks to itself (over TLS, if its data says so), and is terminated in the middle of it. */
import { parentPort, workerData } from "node:worker_threads";
import type { IpAddress, StreamSink, StreamSocket } from "#src/engine/engine.js";
import { noStreamSink } from "#src/engine/no-sink.js";
import { uringEngine } from "#src/engine/uring/uring-engine.js";
import { selfSignedCertificate } from "#src/testing/index.js";
import { loopback, PLAIN_STREAM } from "../../support/engine-world.js";

const CONNECTION_COUNT = 20;
const MESSAGE = Buffer.alloc(20_000, "traffic");
const WARM_BYTES = 2_000_000;

const engine = uringEngine();
let carriedBytes = 0;

const tls =
  workerData === "tls"
    ? {
        server: engine.createTlsContext("server", selfSignedCertificate()),
        client: engine.createTlsContext("client", { verify: "none" }),
      }
    : undefined;

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

function begin(stream: StreamSocket): void {
  stream.sink = echo(stream);
  stream.write(MESSAGE);
}

function talk(address: IpAddress): void {
  const stream = engine.connect(
    { address, stream: PLAIN_STREAM },
    {
      ...noStreamSink,
      streamOpened() {
        if (tls === undefined) begin(stream);
        else stream.startTls(tls.client);
      },
      streamSecured() {
        begin(stream);
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
    listenerAccepted(stream) {
      if (tls !== undefined) stream.startTls(tls.server);
      return echo(stream);
    },
    listenerAcceptFailed() {},
    listenerClosed() {},
  },
);
