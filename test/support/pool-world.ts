import type { TestContext } from "node:test";
import { delimiter, TcpServer } from "hp-socket";
import { ConnectionPool, type PoolOptions } from "hp-socket/pool";
import { type MemoryWorld, memoryWorld } from "./memory-world.js";

export const POOL_PORTS = [7_001, 7_002, 7_003] as const;
const receive = delimiter();

/** A pool, its servers, what it told, and its time. */
export interface PoolWorld {
  readonly pool: ConnectionPool;
  readonly servers: Map<number, TcpServer>;
  readonly told: string[];
  readonly memory: MemoryWorld;
  /** Connections that were made to each port. */
  readonly opened: Map<number, number>;
  /** Servers at these ports reset each connection. */
  readonly resetting: Set<number>;
  /** Servers at these ports close each connection in good order. */
  readonly closing: Set<number>;
  /** Servers at these ports answer nothing. */
  readonly silent: Set<number>;
  start(port: number): Promise<void>;
  stop(port: number): Promise<void>;
  /** Time passes in steps, with turns of the engine between them. */
  wait(ms: number): Promise<void>;
  turns(): Promise<void>;
}

/** A pool, and the servers that it goes to. */
export async function poolWorld(
  test: TestContext,
  options: Partial<PoolOptions> = {},
  ports: readonly number[] = POOL_PORTS,
): Promise<PoolWorld> {
  const memory = memoryWorld();
  const { engine, clock } = memory;
  const opened = new Map<number, number>();
  const resetting = new Set<number>();
  const closing = new Set<number>();
  const silent = new Set<number>();
  const servers = new Map<number, TcpServer>();
  const told: string[] = [];
  const start = async (port: number): Promise<void> => {
    const server = new TcpServer({
      engine,
      receive,
      onHandshake: (connection) => {
        opened.set(port, (opened.get(port) ?? 0) + 1);
        if (resetting.has(port)) connection.abort();
        if (closing.has(port)) connection.close();
      },
      onReceive: (connection, packet) => {
        const text = packet.toString();
        if (text === "die") connection.abort();
        else if (text !== "hang" && !silent.has(port)) connection.send(`${text} from ${port}`);
      },
    });
    await server.listen({ port });
    servers.set(port, server);
  };
  const stop = async (port: number): Promise<void> => {
    await servers.get(port)?.stop({ drainMs: 0 });
    servers.delete(port);
  };
  for (const port of ports) await start(port);
  const pool = new ConnectionPool({
    destinations: ports.map((port) => ({ port })),
    onEject: ({ port }, ms) => void told.push(`eject ${port} ${ms}`),
    onReturn: ({ port }) => void told.push(`return ${port}`),
    onPanic: () => void told.push("panic"),
    onCheck: ({ port }, isUp) => void told.push(`${isUp ? "up" : "down"} ${port}`),
    ...options,
    agent: { engine, receive, ...options.agent },
  });
  test.after(async () => {
    await pool.stop({ drainMs: 0 });
    for (const port of [...servers.keys()]) await stop(port);
  });
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  };
  const wait = async (ms: number): Promise<void> => {
    const step = Math.max(1, Math.floor(ms / 50));
    for (let passed = 0; passed < ms; passed += step) {
      clock.advance(step);
      await new Promise(setImmediate);
    }
    await turns();
  };
  return {
    pool,
    memory,
    opened,
    resetting,
    closing,
    silent,
    servers,
    told,
    start,
    stop,
    wait,
    turns,
  };
}
