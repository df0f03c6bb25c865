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
import type { Address, Engine } from "../engine/engine.js";
import { assertObject } from "../errors.js";
import type { Given } from "../options.js";
import type { OutgoingStreams } from "./outgoing-streams.js";

/** What the side of clients is made with. */
export interface PassageParts {
  readonly engine: Engine;
  readonly security: ComponentSecurity | undefined;
  readonly settings: Given<ConnectionSettings>;
  /** Who may come in. */
  readonly admission: AdmissionOptions;
}

/** Both sides of a proxy or a relay. */
export class Passage {
  readonly listening: Listening;
  readonly #clients: StreamComponent;
  readonly #outgoing: OutgoingStreams;
  #stopping: Promise<StopResult> | undefined;

  /** Throws `INVALID_ARGUMENT`. */
  constructor(role: StreamRole & ListeningRole, parts: PassageParts, outgoing: OutgoingStreams) {
    const { engine, security, settings, admission } = parts;
    this.#clients = new StreamComponent(role, engine, security, settings);
    this.#outgoing = outgoing;
    this.listening = new Listening(this.#clients, role, admission);
  }

  /** See `TcpServer.listen`; on `127.0.0.1` unless told otherwise. */
  listen(options: ListenOptions): Promise<Address> {
    assertObject("the options of listen", options);
    const { path } = options;
    return this.listening.listen(path === undefined ? { host: "127.0.0.1", ...options } : options);
  }

  /**
   * Stops the clients, and then what is behind them with the time that is left: what clients have sent last is still on its
   * way. Each client counts once, as cut where either side of it was.
   */
  async stop(options: StopOptions): Promise<StopResult> {
    const drainMs = readStopOptions(options);
    this.#stopping ??= this.#stop(drainMs).finally(() => {
      this.#stopping = undefined;
    });
    return await this.#stopping;
  }

  async #stop(drainMs: number): Promise<StopResult> {
    const { component } = this.#outgoing;
    const { clock } = component.service.wheel;
    const endMs = clock.now() + drainMs;
    const goneCount = this.#outgoing.leftBehindCount;
    const clients = await this.#clients.stop({ drainMs });
    const leftMs = Math.max(0, Math.ceil(endMs - clock.now()));
    const behind = await component.stop({ drainMs: leftMs });
    const cutCount = clients.cutCount + behind.cutCount;
    const allCount = goneCount + clients.drainedCount + clients.cutCount;
    return { drainedCount: allCount - cutCount, cutCount };
  }

  /** Resolves when the clients' side is stopped, at once if it is. */
  stopped(options: WaitOptions | undefined): Promise<void> {
    return this.#clients.stopped(options);
  }

  get address(): Address | undefined {
    return this.listening.address;
  }

  get port(): number {
    return this.listening.port;
  }

  /** Clients at present. */
  get connectionCount(): number {
    return this.#clients.connectionCount;
  }

  /** Of the clients' side. */
  get stats(): ComponentStats {
    return this.#clients.stats;
  }
}
