/** The connections that proxies and relays make: held back until a tunnel takes them over. */
import {
  readStopOptions,
  type StopOptions,
  type StopResult,
} from "../connection/component-options.js";
import { HOLD, type Receiver } from "../connection/receiver.js";
import type { ConnectionSettings } from "../connection/settings.js";
import { StreamComponent, type StreamRole } from "../connection/stream-component.js";
import type { StreamConnection } from "../connection/stream-connection.js";
import type { ClientTls } from "../connection/tls-settings.js";
import { throwIfAborted } from "../connection/waiter.js";
import type { DialOptions } from "../dial/connect-options.js";
import { Dialing } from "../dial/dialing.js";
import type { EngineChoice } from "../engine/engine.js";
import type { Given } from "../options.js";
import { secured } from "../tcp/secured.js";

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

  /** Stops `clients`, and then these with the time that is left: what clients have sent last is still on its way. */
  async stopAfter(clients: StreamComponent, options: StopOptions): Promise<StopResult> {
    const { clock } = this.component.service.wheel;
    const endMs = clock.now() + readStopOptions(options);
    const result = await clients.stop(options);
    await this.component.stop({ drainMs: Math.max(0, Math.ceil(endMs - clock.now())) });
    return result;
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
    // Nobody comes in.
  }

  shutdown(): void {
    // Told by whoever has the tunnels.
  }
}

/** Gets nothing, since the connection is held. */
class HeldBack implements Receiver {
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
    // Who takes it over looks.
  }
}
