// One flow: `udp-flow.mjs send dgram|ENGINE SIZE SECONDS PORT`, `udp-flow.mjs receive dgram|ENGINE`. Sending prints one
// line of JSON: datagrams, and seconds of processor time. Receiving prints `READY PORT`, and answers each line with
// the same of what came since the last one.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { UdpClient, UdpNode } from "hp-socket/udp";

const [direction, kind, ...rest] = process.argv.slice(2);
const receiveBufferBytes = 4 << 20;
/** Datagrams that are sent before the loop gets its turn. */
const BATCH = 640;
const WARM_UP_MS = 2_000;

const processorSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

async function senderOf(size, port) {
  const bytes = Buffer.alloc(size, "x");
  if (kind === "dgram") {
    const socket = createSocket("udp4");
    socket.connect(port, "127.0.0.1");
    await once(socket, "connect");
    return () =>
      new Promise((resolve) => {
        let left = BATCH;
        const done = () => --left === 0 && resolve();
        for (let index = 0; index < BATCH; index++) socket.send(bytes, done);
      });
  }
  const client = new UdpClient({ engine: kind, detectAttempts: 0 });
  await client.connect({ port });
  return async () => {
    for (let index = 0; index < BATCH; index++) client.send(bytes);
    await client.drained();
  };
}

if (direction === "send") {
  const [size, seconds, port] = rest.map(Number);
  const send = await senderOf(size, port);
  // Until it is compiled, code costs many times as much, and a program that sends has more of it once only.
  for (const warmUntilMs = performance.now() + WARM_UP_MS; performance.now() < warmUntilMs; ) {
    await send();
  }
  const from = processorSeconds();
  const untilMs = performance.now() + seconds * 1e3;
  let count = 0;
  while (performance.now() < untilMs) {
    await send();
    count += BATCH;
  }
  console.log(JSON.stringify({ count, processorSeconds: processorSeconds() - from }));
  process.exit(0);
}

let count = 0;
let since = processorSeconds();
async function receive() {
  if (kind === "dgram") {
    const socket = createSocket({ type: "udp4", recvBufferSize: receiveBufferBytes });
    socket.on("message", () => count++);
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return socket.address();
  }
  const node = new UdpNode({
    engine: kind,
    delivery: "borrow",
    receiveBufferBytes,
    onReceive: () => void count++,
  });
  return node.open({ host: "127.0.0.1" });
}
const { port } = await receive();
console.log(`READY ${port}`);
for await (const _ of createInterface({ input: process.stdin })) {
  const now = processorSeconds();
  console.log(JSON.stringify({ count, processorSeconds: now - since }));
  count = 0;
  since = now;
}
