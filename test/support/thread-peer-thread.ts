/** The thread of a peer: see thread-peer.ts. */
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { ScriptedPeer } from "./http-scripted-server.js";
import type { PeerPlan, PeerReport, ScriptedAnswer } from "./thread-peer-messages.js";

const plan = workerData as PeerPlan;
const requests: string[][] = [];
const sockets = new Set<Socket>();
let endedCount = 0;

function watch(socket: Socket): void {
  sockets.add(socket);
  socket.on("close", () => {
    endedCount += 1;
  });
}

async function play(socket: Socket, script: readonly ScriptedAnswer[]): Promise<void> {
  const peer = new ScriptedPeer(socket, requests.length);
  const seen: string[] = [];
  requests.push(seen);
  for (const answer of script) {
    seen.push(await peer.request());
    if (answer.send !== undefined) peer.send(answer.send);
    if (answer.afterwards === "finish") peer.finish();
    if (answer.afterwards === "reset") peer.reset();
  }
  await peer.ended();
  peer.finish();
}

const echo: RequestListener = (request, response) => {
  const { method = "", url = "", headers } = request;
  response.setHeader("X-Request", `${method} ${url}`);
  response.setHeader("X-Fields", JSON.stringify(headers));
  const length = headers["content-length"];
  if (length !== undefined) response.setHeader("Content-Length", length);
  request.pipe(response);
};

function serverOf(): Server {
  if (plan.kind === "echo") {
    return plan.tls === undefined ? createHttpServer(echo) : createHttpsServer(plan.tls, echo);
  }
  const { connections } = plan;
  return createServer({ allowHalfOpen: true }, (socket) => {
    const script = connections[Math.min(requests.length, connections.length - 1)] ?? [];
    // A client that goes away in the middle of the script is the end of it.
    play(socket, script).catch(() => socket.destroy());
  });
}

const server = serverOf();
server.on("connection", watch);
server.listen(0, "127.0.0.1", () => {
  parentPort?.postMessage((server.address() as AddressInfo).port);
});
parentPort?.on("message", () => {
  const report: PeerReport = { requests, connectionCount: sockets.size, endedCount };
  parentPort?.postMessage(report);
});
