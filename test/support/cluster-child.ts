/**
 * A program of `node:cluster`: two workers that listen on one port by the engine that `auto` takes, each
 * answering with its number. The primary prints what the workers say, and connects until both have served.
 */
import cluster from "node:cluster";
import { once } from "node:events";
import { connect } from "node:net";
import process from "node:process";
import { engineReport, TcpServer } from "hp-socket";

interface WorkerMessage {
  readonly engine: string;
  readonly passedOver: string | undefined;
  readonly port: number;
}

async function work(): Promise<void> {
  const server = new TcpServer({
    onAccept(connection) {
      connection.send(`${cluster.worker?.id}`);
      connection.close();
    },
  });
  const { port } = await server.listen({ host: "127.0.0.1", port: 0 });
  const report = engineReport();
  const message: WorkerMessage = {
    engine: report.find(({ isAutomatic }) => isAutomatic)!.name,
    passedOver: report.find(({ name }) => name === "uring")?.passedOver,
    port,
  };
  process.send!(message);
}

async function ask(port: number): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1" });
  const [answer] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return answer.toString();
}

async function lead(): Promise<void> {
  const workers = [cluster.fork(), cluster.fork()];
  const messages = await Promise.all(
    workers.map(async (worker) => ((await once(worker, "message")) as [WorkerMessage])[0]),
  );
  const served = new Set<string>();
  for (let count = 0; count < 200 && served.size < 2; count++) {
    served.add(await ask(messages[count % 2]!.port));
  }
  console.log(JSON.stringify({ messages, servedBy: [...served].sort() }));
  for (const worker of workers) worker.kill();
}

if (cluster.isPrimary) await lead();
else await work();
