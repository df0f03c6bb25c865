/** The destinations for one kind of client, and how one of them is reached. */
import type { Buffer } from "node:buffer";
import type { StreamConnection } from "../../connection/stream-connection.js";
import { NetError } from "../../errors.js";
import {
  DestinationTable,
  type TableHandlers,
  type TableRules,
} from "../../pool/destination-table.js";
import type { Clock } from "../../time/clock.js";
import type { OutgoingStreams } from "../outgoing-streams.js";
import { asNetError } from "../tunnel-maker.js";
import { type Destination, destinationOf } from "./destination.js";

/** What destinations of all kinds of clients share. */
export interface UpstreamParts {
  readonly outgoing: OutgoingStreams;
  readonly rules: TableRules<Destination>;
  readonly handlers: TableHandlers<Destination>;
  /** Time for all destinations that are tried, and for one. */
  readonly connectTimeoutMs: number;
  readonly attemptTimeoutMs: number;
  /** TLS begins behind what is sent first. */
  readonly startsTls: boolean;
}

/** A destination that was reached. */
export interface Reached {
  readonly upstream: StreamConnection;
  /** Counts its use, which whoever ends it takes back. */
  readonly destination: Destination;
}

/** The destinations for one kind of client. */
export class Upstreams {
  readonly table: DestinationTable<Destination>;
  private readonly parts: UpstreamParts;

  constructor(parts: UpstreamParts) {
    this.parts = parts;
    this.table = new DestinationTable(parts.rules, this.clock, parts.handlers);
  }

  private get clock(): Clock {
    return this.parts.outgoing.component.service.wheel.clock;
  }

  /** Exchanges the destinations; connections that there are stay. */
  set(to: readonly string[]): void {
    this.table.set(to, destinationOf);
  }

  /** Tries one after the other until one is reached and was sent `head`. Never rejects. */
  async find(signal: AbortSignal, head: Buffer | undefined): Promise<Reached | NetError> {
    const { connectTimeoutMs, attemptTimeoutMs } = this.parts;
    const endMs = this.clock.now() + connectTimeoutMs;
    const text = `no destination was reached within connectTimeoutMs (${connectTimeoutMs})`;
    let failure = new NetError("CONNECT_TIMEOUT", text, { operation: "connect" });
    const order = this.table.order();
    for (const [index, destination] of order.entries()) {
      const leftMs = Math.ceil(endMs - this.clock.now());
      if (leftMs <= 0 || signal.aborted) break;
      // The last destination gets all the time that is left.
      const isShort = index < order.length - 1 && attemptTimeoutMs < leftMs;
      const time = isShort
        ? { timeoutMs: attemptTimeoutMs, timeoutName: "attemptTimeoutMs" }
        : { timeoutMs: leftMs, timeoutName: "connectTimeoutMs" };
      destination.useCount++;
      try {
        const upstream = await this.reach(destination, { signal, ...time }, head);
        this.table.succeeded(destination, "connect");
        return { upstream, destination };
      } catch (cause) {
        destination.useCount--;
        failure = asNetError(cause);
        if (signal.aborted) break;
        this.table.failed(destination, "connect", failure);
      }
    }
    return failure;
  }

  private async reach(
    { end }: Destination,
    bounds: { signal: AbortSignal; timeoutMs: number; timeoutName: string },
    head: Buffer | undefined,
  ): Promise<StreamConnection> {
    const { outgoing, startsTls } = this.parts;
    const { signal, timeoutMs } = bounds;
    const endMs = this.clock.now() + timeoutMs;
    const upstream = await outgoing.connect({ ...end, ...bounds });
    if (upstream.state !== "open") throw upstream.endError();
    if (head !== undefined) upstream.sendBytes(head);
    if (!startsTls) return upstream;
    const leftMs = Math.max(1, Math.ceil(endMs - this.clock.now()));
    try {
      await upstream.startTls({ signal, timeoutMs: leftMs }, `the rest of ${bounds.timeoutName}`);
      return upstream;
    } catch (error) {
      upstream.abort();
      throw error;
    }
  }
}
