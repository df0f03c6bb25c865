/**
 * What stands between clients and their server, and may do anything: it refuses, resets, ends, or says nothing any more,
 * after any number of bytes. So each phase of each protocol above is cut somewhere.
 */
import { createSocket, type Socket } from "node:dgram";
import { type Connection, type Engine, TcpAgent, TcpServer } from "hp-socket";
import type { Random } from "./random.js";

/** What stands between clients and their server. */
export interface Gate {
  readonly port: number;
  /** Opens and shuts it in turn. */
  flap(): Promise<void>;
  stop(): Promise<void>;
}

const WAYS_TO_END = ["pass", "pass", "pass", "reset", "end", "silence"] as const;

/** Two connections, one to each side, until enough has passed. */
class Passage {
  readonly #inner: Connection;
  readonly #end: (typeof WAYS_TO_END)[number];
  #outer: Connection | undefined;
  #leftBytes: number;
  #early: Buffer[] = [];

  constructor(inner: Connection, random: Random) {
    this.#inner = inner;
    this.#end = random.pick(WAYS_TO_END);
    this.#leftBytes = random.pick([0, 1, random.integer(1, 200), random.integer(1, 3_000)]);
  }

  async open(agent: TcpAgent<Buffer, Passage | undefined>, port: number): Promise<void> {
    try {
      const outer = await agent.connect({ host: "127.0.0.1", port });
      outer.context = this;
      this.#outer = outer;
      if (!this.#inner.isOpen) outer.abort();
      for (const bytes of this.#early) outer.send(bytes);
    } catch {
      this.#inner.abort();
    }
  }

  received(from: Connection, bytes: Buffer): void {
    if (this.#end !== "pass" && this.#leftBytes <= 0) return;
    const part = this.#end === "pass" ? bytes : bytes.subarray(0, this.#leftBytes);
    this.#leftBytes -= bytes.length;
    if (from !== this.#inner) this.#inner.send(part);
    else if (this.#outer === undefined) this.#early.push(part);
    else this.#outer.send(part);
    if (this.#end === "pass" || this.#leftBytes > 0) return;
    for (const each of [this.#inner, this.#outer]) {
      if (this.#end === "reset") each?.abort();
      if (this.#end === "end") each?.close();
    }
  }

  /** One side has ended: so does the other, unless the gate is silent. */
  closed(): void {
    if (this.#end === "silence" && this.#leftBytes <= 0 && this.#inner.isOpen) return;
    this.#inner.close();
    this.#outer?.close();
  }
}

/** A gate for streams, in front of the server on `serverPort`; shut at first. */
export async function streamGate(
  engine: Engine,
  random: Random,
  serverPort: number,
): Promise<Gate> {
  const handlers = {
    engine,
    onReceive: (connection: Connection<Passage | undefined>, bytes: Buffer): void =>
      connection.context?.received(connection, bytes),
    onClose: ({ context }: Connection<Passage | undefined>): void => context?.closed(),
  };
  const agent = new TcpAgent<Buffer, Passage | undefined>(handlers);
  const make = (): TcpServer<Buffer, Passage | undefined> =>
    new TcpServer<Buffer, Passage | undefined>({
      ...handlers,
      onAccept(connection) {
        const passage = new Passage(connection, random);
        connection.context = passage;
        void passage.open(agent, serverPort);
      },
    });
  let server: ReturnType<typeof make> | undefined = make();
  const { port } = await server.listen({ host: "127.0.0.1" });
  const shut = async (): Promise<void> => {
    const last = server;
    server = undefined;
    await last?.stop({ drainMs: 0 });
  };
  await shut();
  return {
    port,
    async flap() {
      if (server !== undefined) return shut();
      const next = make();
      try {
        await next.listen({ host: "127.0.0.1", port });
        server = next;
      } catch {
        // Another has the port for the moment: the gate stays shut.
      }
    },
    async stop() {
      await shut();
      await agent.stop({ drainMs: 0 });
    },
  };
}

/** The same for datagrams of real sockets: while it is shut, nothing comes through. */
export async function datagramGate(serverPort: number): Promise<Gate> {
  const onward = new Map<number, Socket>();
  let isShut = true;
  const outer = createSocket("udp4");
  const way = (port: number): Socket => {
    const known = onward.get(port);
    if (known !== undefined) return known;
    const inner = createSocket("udp4");
    inner.on("error", () => {});
    inner.on("message", (bytes) => {
      if (!isShut) outer.send(bytes, port, "127.0.0.1");
    });
    onward.set(port, inner);
    return inner;
  };
  outer.on("error", () => {});
  outer.on("message", (bytes, { port }) => {
    if (!isShut) way(port).send(bytes, serverPort, "127.0.0.1");
  });
  await new Promise<void>((resolve) => outer.bind(0, "127.0.0.1", resolve));
  return {
    port: outer.address().port,
    async flap() {
      isShut = !isShut;
    },
    async stop() {
      outer.close();
      for (const inner of onward.values()) inner.close();
    },
  };
}
