import type { Address, ListenOptions, NetError, StopOptions, StopResult } from "../../index.js";

/** What a service has done so far. */
export interface ServiceCounts {
  readonly connectionCount: number;
  readonly openedCount: number;
  readonly refusedCount: number;
  /** Packets, or pieces of a byte stream, as they were given to the service. */
  readonly messageCount: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** A server that the program runs: listens, answers, counts, stops. */
export interface Service {
  /** One word for messages. */
  readonly name: string;
  /** SHA-256 of its certificate; undefined where it speaks plain. */
  readonly fingerprint: string | undefined;
  /** Engine that moves its bytes. */
  readonly engineName: string;
  readonly counts: ServiceCounts;
  /** The last error that was no connection's own; undefined while there was none. */
  readonly lastError: NetError | undefined;
  listen(options: ListenOptions): Promise<Address>;
  /** Resolves when it has stopped, by itself too. */
  stopped(): Promise<void>;
  stop(options?: StopOptions): Promise<StopResult>;
}

/** What servers of all kinds have in common. */
interface RunningServer {
  readonly stats: Omit<ServiceCounts, "messageCount"> & { readonly engine: string };
  listen(options: ServiceAddress): Promise<Address>;
  stopped(): Promise<void>;
  stop(options?: StopOptions): Promise<StopResult>;
}

/** Where a service listens. */
export type ServiceAddress = Pick<ListenOptions, "host" | "port" | "path">;

/** A service of one server. */
export abstract class ServerService implements Service {
  abstract readonly name: string;
  readonly fingerprint: string | undefined = undefined;
  lastError: NetError | undefined = undefined;
  protected abstract readonly server: RunningServer;
  protected abstract readonly messageCount: number;

  get engineName(): string {
    return this.server.stats.engine;
  }

  get counts(): ServiceCounts {
    const { connectionCount, openedCount, refusedCount, receivedBytes, sentBytes } =
      this.server.stats;
    const { messageCount } = this;
    return { connectionCount, openedCount, refusedCount, messageCount, receivedBytes, sentBytes };
  }

  listen(options: ListenOptions): Promise<Address> {
    return this.server.listen(options);
  }

  stopped(): Promise<void> {
    return this.server.stopped();
  }

  stop(options?: StopOptions): Promise<StopResult> {
    return this.server.stop(options);
  }
}

/** Counts of several services together. */
export function sumOfCounts(services: readonly Service[]): ServiceCounts {
  const all = services.map((service) => service.counts);
  const sum = (name: keyof ServiceCounts): number =>
    all.reduce((total, counts) => total + counts[name], 0);
  return {
    connectionCount: sum("connectionCount"),
    openedCount: sum("openedCount"),
    refusedCount: sum("refusedCount"),
    messageCount: sum("messageCount"),
    receivedBytes: sum("receivedBytes"),
    sentBytes: sum("sentBytes"),
  };
}
