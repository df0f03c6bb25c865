/** The thread of peers: see thread-peer.ts. */
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { parentPort } from "node:worker_threads";
import { ScriptedPeer } from "./http-scripted-server.js";
import type {
  PeerAnswer,
  PeerOrder,
  PeerPlan,
  PeerReport,
  ScriptedAnswer,
} from "./thread-peer-messages.js";

/** A peer, as it listens. */
class Peer {
  readonly #requests: string[][] = [];
  readonly #sockets: Set<Socket> = new Set();
  readonly #server: Server;
  #connectionCount = 0;

  constructor(plan: PeerPlan) {
    this.#server = this.#serverOf(plan);
    this.#server.on("connection", (socket: Socket) => {
      this.#connectionCount += 1;
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  #serverOf(plan: PeerPlan): Server {
    if (plan.kind === "echo") {
      return plan.tls === undefined ? createHttpServer(echo) : createHttpsServer(plan.tls, echo);
    }
    const { connections } = plan;
    return createServer({ allowHalfOpen: true }, (socket) => {
      const script = connections[Math.min(this.#requests.length, connections.length - 1)] ?? [];
      // A client that goes away in the middle of the script is the end of it.
      this.#play(socket, script).catch(() => socket.destroy());
    });
  }

  async #play(socket: Socket, script: readonly ScriptedAnswer[]): Promise<void> {
    const peer = new ScriptedPeer(socket, this.#requests.length);
    const seen: string[] = [];
    this.#requests.push(seen);
    for (const answer of script) {
      seen.push(await peer.request());
      if (answer.send !== undefined) peer.send(answer.send);
      if (answer.afterwards === "finish") peer.finish();
      if (answer.afterwards === "reset") peer.reset();
    }
    await peer.ended();
    peer.finish();
  }

  /** Resolves with the port. */
  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, "127.0.0.1", () => {
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  report(): PeerReport {
    const connectionCount = this.#connectionCount;
    const endedCount = connectionCount - this.#sockets.size;
    return { requests: this.#requests, connectionCount, endedCount };
  }

  end(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

const echo: RequestListener = (request, response) => {
  const { method = "", url = "", headers } = request;
  response.setHeader("X-Request", `${method} ${url}`);
  response.setHeader("X-Fields", JSON.stringify(headers));
  const length = headers["content-length"];
  if (length !== undefined) response.setHeader("Content-Length", length);
  request.pipe(response);
};

const peers = new Map<number, Peer>();

async function carryOut(order: PeerOrder): Promise<PeerAnswer["value"]> {
  if (order.kind === "listen") {
    const peer = new Peer(order.plan);
    peers.set(order.peer, peer);
    return await peer.listen();
  }
  const peer = peers.get(order.peer);
  if (order.kind === "report") return peer?.report();
  peers.delete(order.peer);
  peer?.end();
  return undefined;
}

parentPort?.on("message", async ({ id, order }: { id: number; order: PeerOrder }) => {
  const answer: PeerAnswer = { order: id, value: await carryOut(order) };
  parentPort?.postMessage(answer);
});
