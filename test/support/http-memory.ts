/** An HTTP server in memory, whose time is moved by hand, and peers that speak to it byte by byte. */
import { type CloseReason, TcpClient } from "hp-socket";
import { HttpServer, type HttpServerOptions } from "hp-socket/http";
import { ManualClock, MemoryEngine, type MemoryEngineOptions } from "hp-socket/testing";

const PORT = 80;

/** A peer in memory. */
export interface MemoryPeer {
  readonly client: TcpClient;
  /** All that came, as Latin-1. */
  readonly received: string;
  readonly hasEnded: boolean;
  send(text: string | Uint8Array): Promise<void>;
}

/** A server, its engine and its clock. */
export class HttpMemory {
  readonly clock = new ManualClock();
  readonly engine: MemoryEngine;
  readonly server: HttpServer;
  /** Why the server's connections ended. */
  readonly reasons: CloseReason[] = [];

  constructor(options: HttpServerOptions, network: MemoryEngineOptions = {}) {
    this.engine = new MemoryEngine({ clock: this.clock, ...network });
    this.server = new HttpServer({
      engine: this.engine,
      ...options,
      onClose: (connection, reason) => {
        this.reasons.push(reason);
        return options.onClose?.(connection, reason);
      },
    });
  }

  /** Codes of the reasons. */
  get codes(): string[] {
    return this.reasons.map(({ code }) => code);
  }

  async listen(): Promise<this> {
    const listening = this.server.listen({ port: PORT });
    await this.pass(0);
    await listening;
    return this;
  }

  /** Lets everything happen that is due, moves time on, and again. */
  async pass(ms: number): Promise<void> {
    await this.engine.settle();
    this.clock.advance(ms);
    await this.engine.settle();
  }

  /** A peer that is connected. `isDeaf`: it takes nothing. */
  async peer(isDeaf = false): Promise<MemoryPeer> {
    const { engine } = this;
    let received = "";
    let hasEnded = false;
    const client = new TcpClient({
      engine,
      halfOpen: true,
      delivery: "copy",
      onReceive: (_client, bytes) => {
        received += bytes.toString("latin1");
      },
      onEnd: () => {
        hasEnded = true;
      },
    });
    const connecting = client.connect({ port: PORT });
    await this.pass(0);
    await connecting;
    if (isDeaf) client.pause();
    return {
      client,
      get received() {
        return received;
      },
      get hasEnded() {
        return hasEnded;
      },
      send: async (text) => {
        client.send(text);
        await this.pass(0);
      },
    };
  }
}

/** A server in memory that listens. */
export function httpMemory(
  options: HttpServerOptions,
  network?: MemoryEngineOptions,
): Promise<HttpMemory> {
  return new HttpMemory(options, network).listen();
}
