// A server with heartbeats: `heartbeat-server.mjs ENGINE EVERY_MS`. A number on its input: for so many seconds it looks at each
// second, and then answers with a list: beats that were sent, processor time, connections that were lost so far.
import { createInterface } from "node:readline";
import { TcpServer } from "hp-socket";

const [engine, everyMs] = process.argv.slice(2);
let beats = 0;
let lost = 0;
const server = new TcpServer({
  engine,
  maxConnections: 20_000,
  keepAlive: false,
  heartbeat: {
    everyMs: Number(everyMs),
    timeoutMs: 5_000,
    message: () => {
      beats++;
      return "?";
    },
  },
  onReceive() {},
  onClose: () => void lost++,
});
const { port } = await server.listen({ host: "127.0.0.1", backlog: 4_096 });
console.log(`READY ${port}`);
for await (const line of createInterface({ input: process.stdin })) {
  const seconds = [];
  for (let second = 0; second < Number(line); second++) {
    const before = process.cpuUsage();
    beats = 0;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const { user, system } = process.cpuUsage(before);
    seconds.push({ beats, cpuMs: (user + system) / 1_000, lost });
  }
  console.log(JSON.stringify(seconds));
}
