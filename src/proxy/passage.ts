/**
 * What a proxy and a relay are made of: clients come in on one side, connections to destinations go out on the other,
 * and tunnels join them. It listens, counts, and stops both sides.
 */
import {
  type ComponentStats,
  readStopOptions,
  type StopOptions,
  type StopResult,
} from "../connection/component/component-options.js";
import type { ServiceState } from "../connection/component/service-state.js";
import { StreamComponent, type StreamRole } from "../connection/component/stream-component.js";
import type { WaitOptions } from "../connection/connection.js";
import type { AdmissionOptions } from "../connection/listening/admission.js";
import {
  Listening,
  type ListeningRole,
  type ListenOptions,
} from "../connection/listening/listening.js";
import type { ConnectionSettings } from "../connection/settings.js";
import type { ComponentSecurity } from "../connection/tls/component-security.js";
import { STOPPED, WaiterList } from "../connection/waiting/waiter-list.js";
import type { Address, Engine } from "../engine/engine.js";
import { assertObject, NetError } from "../errors.js";
import type { Given } from "../options.js";
import type { OutgoingStreams } from "./outgoing-streams.js";

/** What the side of clients is made with. */
export interface PassageParts {
  readonly engine: Engine;
  readonly security: ComponentSecurity | undefined;
  readonly settings: Given<ConnectionSettings>;
  /** Who may come in. */
  readonly admission: AdmissionOptions;
  /** Stops what else there is, when nothing comes in or goes out any more. */
  readonly stopRest: () => Promise<unknown>;
}

/** Both sides of a proxy or a relay. */
export class Passage {
  readonly listening: Listening;
  private readonly clients: StreamComponent;
  private readonly outgoing: OutgoingStreams;
  private readonly stopRest: () => Promise<unknown>;
  private stopping: Promise<StopResult> | undefined;
  private readonly stopWaiters: WaiterList = new WaiterList();

  /** Throws `INVALID_ARGUMENT`. */
  constructor(role: StreamRole & ListeningRole, parts: PassageParts, outgoing: OutgoingStreams) {
    const { engine, security, settings, admission, stopRest } = parts;
    this.stopRest = stopRest;
    this.clients = new StreamComponent(role, engine, security, settings);
    this.outgoing = outgoing;
    this.listening = new Listening(this.clients, role, admission);
  }

  /** See `TcpServer.listen`; on `127.0.0.1` unless told otherwise. */
  async listen(options: ListenOptions): Promise<Address> {
    assertObject("the options of listen", options);
    if (this.stopping !== undefined) {
      const text = "the component is stopping: await its stop() before it listens again";
      throw new NetError("INVALID_STATE", text, { operation: "listen" });
    }
    const { path } = options;
    return await this.listening.listen(
      path === undefined ? { host: "127.0.0.1", ...options } : options,
    );
  }

  /**
   * Stops the clients, and then what is behind them with the time that is left: the last bytes of clients are still
   * on their way. Each client counts once, as cut where either side of it was.
   */
  async stop(options: StopOptions): Promise<StopResult> {
    const drainMs = readStopOptions(options);
    this.stopping ??= this.stopOnce(drainMs).finally(() => {
      this.stopping = undefined;
      this.stopWaiters.resolve();
    });
    return await this.stopping;
  }

  private async stopOnce(drainMs: number): Promise<StopResult> {
    const { component } = this.outgoing;
    const { clock } = component.service.wheel;
    const endMs = clock.now() + drainMs;
    const goneCount = this.outgoing.leftBehindCount;
    const clients = await this.clients.stop({ drainMs });
    const leftMs = Math.max(0, Math.ceil(endMs - clock.now()));
    const behind = await component.stop({ drainMs: leftMs });
    await this.stopRest();
    const cutCount = clients.cutCount + behind.cutCount;
    const allCount = goneCount + clients.drainedCount + clients.cutCount;
    return { drainedCount: allCount - cutCount, cutCount };
  }

  /** Resolves when both sides are stopped, at once if they are. */
  async stopped(options: WaitOptions = {}): Promise<void> {
    const { wheel } = this.clients.service;
    const sinceMs = wheel.clock.now();
    await this.clients.stopped(options);
    if (this.stopping === undefined) return;
    const { timeoutMs = 0 } = options;
    const leftMs = Math.max(1, Math.ceil(timeoutMs - (wheel.clock.now() - sinceMs)));
    const rest = timeoutMs === 0 ? options : { ...options, timeoutMs: leftMs };
    await this.stopWaiters.wait(wheel, rest, STOPPED);
  }

  /** Lets the process end while it listens and connections of either side are open. */
  unref(): void {
    this.clients.unref();
    this.outgoing.component.unref();
    this.listening.unref();
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.clients.ref();
    this.outgoing.component.ref();
    this.listening.ref();
  }

  get address(): Address | undefined {
    return this.listening.address;
  }

  get port(): number {
    return this.listening.port;
  }

  /** Clients at present. */
  get connectionCount(): number {
    return this.clients.connectionCount;
  }

  get state(): ServiceState {
    return this.stopping === undefined ? this.clients.state : "stopping";
  }

  /** Of the clients' side. */
  get stats(): ComponentStats {
    return this.clients.stats;
  }
}
