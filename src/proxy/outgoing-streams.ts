/** The connections that proxies and relays make: held back until a tunnel takes them over. */
import { StreamComponent, type StreamRole } from "../connection/component/stream-component.js";
import { HOLD, type Receiver } from "../connection/receiver.js";
import type { ConnectionSettings } from "../connection/settings.js";
import type { StreamConnection } from "../connection/stream-connection.js";
import type { ClientTls } from "../connection/tls/tls-settings.js";
import { throwIfAborted } from "../connection/waiting/waiter.js";
import type { DialOptions } from "../dial/connect-options.js";
import { Dialing } from "../dial/dialing.js";
import type { EngineChoice } from "../engine/engine.js";
import type { Given } from "../options.js";
import { secured } from "../tcp/secured.js";
import { TunnelPair, type TunnelReport } from "./tunnel-pair.js";

/** What they are made with. */
export interface OutgoingOptions {
  readonly engine: EngineChoice | undefined;
  readonly tls?: ClientTls | undefined;
  readonly settings: Given<ConnectionSettings>;
}

/** As many as there are tunnels, which are limited elsewhere. */
const MAX_CONNECTIONS = 5_000_000;

/** Makes connections that are held back until a tunnel takes them over. */
export class OutgoingStreams implements StreamRole {
  readonly packetEvents: undefined;
  readonly component: StreamComponent;
  private readonly tunnels: Set<TunnelPair> = new Set();

  /** Throws `INVALID_ARGUMENT`, `ENGINE_UNAVAILABLE`. */
  constructor({ engine, tls, settings }: OutgoingOptions) {
    const [chosen, security] = secured("client", {
      ...(engine !== undefined && { engine }),
      ...(tls !== undefined && { tls }),
    });
    this.component = new StreamComponent(this, chosen, security, {
      ...settings,
      halfOpen: true,
      delivery: "borrow",
      maxConnections: MAX_CONNECTIONS,
    });
  }

  /** Makes a connection, and holds back what comes. Rejects like `TcpAgent.connect`. */
  async connect(options: DialOptions): Promise<StreamConnection> {
    throwIfAborted(options, "connect");
    const { component } = this;
    if (component.state === "stopped") {
      component.move("start");
      component.move("ready");
    }
    const connection = component.admit();
    const dialing = new Dialing(component, connection, options);
    dialing.start();
    await dialing.promise;
    return connection;
  }

  /** A tunnel between a client and one of these, which is to be started. `done`: told once, when both have ended. */
  join(
    client: StreamConnection,
    upstream: StreamConnection,
    idleTimeoutMs: number,
    done: (report: TunnelReport) => void,
  ): TunnelPair {
    const pair = new TunnelPair(client, upstream, idleTimeoutMs, (report) => {
      this.tunnels.delete(pair);
      done(report);
    });
    this.tunnels.add(pair);
    return pair;
  }

  /** Connections whose client has ended, and which still have something to pass on. */
  get leftBehindCount(): number {
    let count = 0;
    for (const { client } of this.tunnels) if (client.isClosed) count++;
    return count;
  }

  createReceiver(): Receiver {
    return new HeldBack();
  }

  opened(): void {
    // Over TLS it is not ready yet.
  }

  ready(connection: StreamConnection): void {
    connection.hold(HOLD.upgrade);
  }

  closed(): void {
    // The tunnel is told.
  }

  refused(): void {
    // It accepts no connections.
  }

  shutdown(): void {
    // Told by whoever has the tunnels.
  }
}

/** The receiver of a connection that is held until a tunnel takes it over: it gets nothing. */
export class HeldBack implements Receiver {
  received(): number {
    return 0;
  }

  ended(): void {
    // Held back, as the bytes before it.
  }

  drained(): void {
    // Nothing is sent.
  }

  closed(): void {
    // The role is told.
  }
}
