/** A program that uses the engine, closes all it has opened, and has nothing more to do. */
import { Worker } from "node:worker_threads";
import type { Listener, StreamSocket } from "#src/engine/engine.js";
import { noStreamSink } from "#src/engine/no-sink.js";
import { uringEngine } from "#src/engine/uring/uring-engine.js";
import { loopback, PLAIN_STREAM } from "../../support/engine-world.js";

/** Says something to itself, and hears it. */
function talk(): void {
  const engine = uringEngine();
  const open: { listener?: Listener; server?: StreamSocket } = {};
  const target = { backlog: 8, reusePort: false, dualStack: false, stream: PLAIN_STREAM };
  open.listener = engine.listen(
    { address: loopback(), ...target },
    {
      listenerOpened(address) {
        const client = engine.connect(
          { address, stream: PLAIN_STREAM },
          {
            ...noStreamSink,
            streamOpened: () => client.write(Buffer.from("heard\n")),
            streamEnded: () => client.close(),
          },
        );
      },
      listenerAccepted(stream) {
        return {
          ...noStreamSink,
          streamReceived(bytes) {
            process.stdout.write(bytes.toString());
            stream.close();
            open.listener?.close();
          },
        };
      },
      listenerAcceptFailed() {},
      listenerClosed() {},
    },
  );
}

if (process.argv[2] === "worker") new Worker(new URL(import.meta.url));
else talk();
