// One end of a measurement over a bad link: `lossy-peer.mjs listen PROTOCOL HOST PORT`, which prints READY and, for
// each line of its input, what has arrived; or `lossy-peer.mjs send PROTOCOL HOST PORT BYTES PER_SECOND SECONDS`, where
// PER_SECOND 0 is as fast as it goes. PROTOCOL is tcp, or arq with its options as JSON behind a colon. The time at
// which it was sent is in each message: both ends are on one machine, whose clock they share.
import { createInterface } from "node:readline";
import { lengthPrefix, TcpClient, TcpServer } from "hp-socket";
import { ArqClient, ArqServer } from "hp-socket/arq";

const [role, protocol, host, port, bytes, perSecond, seconds] = process.argv.slice(2);
const isTcp = protocol === "tcp";
const options = isTcp
  ? { receive: lengthPrefix({ format: "uint-be", bytes: 4 }) }
  : { ...JSON.parse(protocol.slice(4) || "{}"), maxPendingBytes: 2 ** 30, slowConsumer: "close" };
const nowNs = () => process.hrtime.bigint();

if (role === "listen") await listen();
else await send();

async function listen() {
  let latencies = [];
  let byteCount = 0;
  let firstNs = 0n;
  let lastNs = 0n;
  const Server = isTcp ? TcpServer : ArqServer;
  const server = new Server({
    ...options,
    onReceive(_, message) {
      lastNs = nowNs();
      if (byteCount === 0) firstNs = lastNs;
      byteCount += message.length;
      latencies.push(Number(lastNs - message.readBigUInt64LE(0)) / 1e6);
    },
  });
  await server.listen({ host, port: Number(port) });
  console.log("READY");
  for await (const _ of createInterface({ input: process.stdin })) {
    const bytesPerSecond = byteCount / (Number(lastNs - firstNs) / 1e9);
    console.log(JSON.stringify({ latencies, byteCount, bytesPerSecond }));
    latencies = [];
    byteCount = 0;
  }
}

async function send() {
  const Client = isTcp ? TcpClient : ArqClient;
  const client = new Client(options);
  await client.connect({ host, port: Number(port), timeoutMs: 30_000 });
  const message = () => {
    const data = Buffer.alloc(Number(bytes), 0x61);
    data.writeBigUInt64LE(nowNs(), 0);
    return data;
  };
  const endNs = nowNs() + BigInt(seconds) * 1_000_000_000n;
  if (Number(perSecond) > 0) {
    const stepNs = 1e9 / Number(perSecond);
    const startNs = Number(nowNs());
    for (let count = 0; Number(nowNs()) < Number(endNs); count++) {
      const waitMs = (startNs + count * stepNs - Number(nowNs())) / 1e6;
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      client.send(message());
    }
  } else {
    while (nowNs() < endNs) {
      if (client.send(message()) !== true) await client.drained();
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const { linkStats } = client;
  console.log(JSON.stringify({ linkStats: linkStats ?? null }));
  await client.stop({ drainMs: 30_000 });
}
