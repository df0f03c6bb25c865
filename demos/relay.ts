/**
 * A relay: for each connection that comes, one goes out, and bytes pass between them. A side that does
 * not take its bytes holds the other side back, so the relay needs little memory however much passes.
 */
import assert from "node:assert/strict";
import { type Connection, TcpAgent, TcpClient, TcpServer } from "hp-socket";

const target = new TcpServer({
  onReceive(connection, bytes) {
    connection.send(bytes);
  },
});
const targetAddress = await target.listen({ host: "127.0.0.1" });

type Paired = Connection<{ other: Paired | undefined }>;
const options = {
  context: () => ({ other: undefined }),
  highWaterMarkBytes: 65_536,
  onDrain: ({ context }: Paired) => void context.other?.resume(),
  onClose: ({ context }: Paired) => void context.other?.close(),
};
let mostPendingBytes = 0;

function pass(from: Paired, bytes: Buffer): void {
  const { other } = from.context;
  if (other?.send(bytes) === "slow") from.pause();
  mostPendingBytes = Math.max(mostPendingBytes, other?.pendingBytes ?? 0);
}

const agent = new TcpAgent<Buffer, Paired["context"]>({ ...options, onReceive: pass });
const relay = new TcpServer<Buffer, Paired["context"]>({
  ...options,
  async onReceive(inbound, bytes) {
    if (inbound.context.other === undefined) {
      const outbound = await agent.connect(targetAddress);
      outbound.context.other = inbound;
      inbound.context.other = outbound;
      if (!inbound.isOpen) outbound.close();
    }
    pass(inbound, bytes);
  },
});

const TOTAL_BYTES = 20_000_000;
const client = new TcpClient();
await client.connect(await relay.listen({ host: "127.0.0.1" }));
const sending = (async () => {
  for (let sentBytes = 0; sentBytes < TOTAL_BYTES; sentBytes += 100_000) {
    if (client.send(Buffer.alloc(100_000, sentBytes / 100_000)) === "slow") await client.drained();
  }
})();
for (let block = 0; block < TOTAL_BYTES / 100_000; block++) {
  assert.deepEqual(await client.read(100_000), Buffer.alloc(100_000, block));
}
await sending;
console.log(`${TOTAL_BYTES} bytes went through and came back`);
console.log(`the relay never kept more than ${mostPendingBytes} of them for one side`);
assert.ok(mostPendingBytes < 1_000_000);
await Promise.all([client.stop(), relay.stop(), agent.stop(), target.stop()]);
