import type { Address } from "../engine.js";
import type { MemoryNetwork } from "./memory-network.js";
import { MemoryPipe } from "./memory-pipe.js";
import type { MemoryStream } from "./memory-stream.js";
import type { TurnLoop } from "./turn-loop.js";

/** The two ends of a {@link MemoryLink}. */
export interface MemoryLinkSetup {
  readonly loop: TurnLoop;
  readonly network: MemoryNetwork;
  readonly client: MemoryStream;
  readonly server: MemoryStream;
  readonly clientAddress: Address;
  readonly serverAddress: Address;
  /** Called when neither end is left, perhaps twice. */
  readonly onGone: (link: MemoryLink) => void;
}

function isSameAddress(a: Address, b: Address): boolean {
  if ("path" in a || "path" in b) return "path" in a && "path" in b && a.path === b.path;
  return a.host === b.host && a.port === b.port;
}

/** One connection in memory: two streams, joined by a pipe in each direction. */
export class MemoryLink {
  private readonly setup: MemoryLinkSetup;
  private readonly pipes: readonly MemoryPipe[];

  constructor(setup: MemoryLinkSetup) {
    this.setup = setup;
    const { loop, network, client, server, clientAddress, serverAddress } = setup;
    const up = new MemoryPipe({
      ...{ loop, network, writer: client, reader: server },
      ...{ from: clientAddress, to: serverAddress },
    });
    const down = new MemoryPipe({
      ...{ loop, network, writer: server, reader: client },
      ...{ from: serverAddress, to: clientAddress },
    });
    client.link(down, up);
    server.link(up, down);
    for (const end of [client, server]) {
      end.onGone = (): void => {
        if (this.isGone) setup.onGone(this);
      };
    }
    this.pipes = [up, down];
  }

  /** Whether one of the ends is at `address`. */
  isAt(address: Address): boolean {
    const { clientAddress, serverAddress } = this.setup;
    return isSameAddress(clientAddress, address) || isSameAddress(serverAddress, address);
  }

  /** Whether neither end is left. */
  get isGone(): boolean {
    return this.setup.client.isClosed && this.setup.server.isClosed;
  }

  /** Ends both streams with an error of the system. */
  cut(errnoName: string): void {
    this.setup.client.fail(errnoName, "receive");
    this.setup.server.fail(errnoName, "receive");
  }

  /** Lets nothing pass any more. */
  silence(): void {
    for (const pipe of this.pipes) pipe.silence();
  }
}
