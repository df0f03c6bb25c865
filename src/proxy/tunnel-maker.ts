/** Makes the tunnels of a proxy: checks them, dials, counts, and reports their outcome. */
import { callHandler } from "../connection/events/handlers.js";
import type { StreamConnection } from "../connection/stream-connection.js";
import type { IpAddress } from "../engine/engine.js";
import { NetError } from "../errors.js";
import type { Given } from "../options.js";
import { Association } from "./association.js";
import type { Authenticator } from "./authentication.js";
import type { DestinationRules } from "./destination-rules.js";
import type { HandlerWaits } from "./handler-waits.js";
import type { OutgoingStreams } from "./outgoing-streams.js";
import type { AccessRecord, ProxyHandlers, TunnelCall } from "./proxy-handlers.js";
import type { ProxyNumbers } from "./proxy-settings.js";

/** What is shared by the tunnels of a proxy. */
export interface TunnelParts {
  readonly numbers: ProxyNumbers;
  readonly rules: DestinationRules;
  readonly outgoing: OutgoingStreams;
  readonly authenticator: Authenticator | undefined;
  readonly handlers: Given<ProxyHandlers>;
  readonly waits: HandlerWaits;
  /** Whether SOCKS 5 clients can have their datagrams relayed. */
  readonly relaysDatagrams: boolean;
  /** A handler has failed. */
  readonly failed: (name: string, cause: unknown) => void;
}

/** A tunnel that can be begun, or why it can't. */
export type MadeTunnel =
  | {
      readonly error: undefined;
      readonly upstream: StreamConnection;
      /** Joins it with the client's connection, which is told already. */
      readonly begin: (client: StreamConnection) => void;
      /** The client has left. */
      readonly gone: () => void;
    }
  | { readonly error: NetError };

/** Makes the tunnels of a proxy. */
export class TunnelMaker {
  /** Tunnels that there are, or that are being made. */
  tunnelCount = 0;
  /** Tunnels that were made. */
  madeCount = 0;
  /** Clients whose datagrams are relayed, or are about to be. */
  associationCount = 0;
  /** Datagrams of clients that have left which were dropped. */
  droppedCount = 0;
  readonly authenticator: Authenticator | undefined;
  private readonly parts: TunnelParts;

  constructor(parts: TunnelParts) {
    this.parts = parts;
    this.authenticator = parts.authenticator;
  }

  /** Dials. Never rejects. */
  async connect(call: TunnelCall, signal: AbortSignal): Promise<MadeTunnel> {
    const { numbers, outgoing } = this.parts;
    const tell = this.teller(call, targetText(call));
    this.tunnelCount++;
    try {
      const upstream = await this.dial(call, signal);
      this.madeCount++;
      const ended = (error: NetError | undefined, from: number, to: number): void => {
        this.tunnelCount--;
        tell({ error, fromClientBytes: from, toClientBytes: to });
      };
      return {
        error: undefined,
        upstream,
        begin: (client) => {
          const { tunnelIdleTimeoutMs } = numbers;
          const pair = outgoing.join(client, upstream, tunnelIdleTimeoutMs, (report) =>
            ended(report.reason.cause, report.fromClientBytes, report.toClientBytes),
          );
          pair.start();
        },
        gone: () => ended(new NetError("CONNECTION_CLOSED", "the client has left"), 0, 0),
      };
    } catch (cause) {
      this.tunnelCount--;
      const error = asNetError(cause);
      tell({ error, fromClientBytes: 0, toClientBytes: 0 });
      return { error };
    }
  }

  /** A client was refused before there was a tunnel to be made. */
  refused(call: Omit<TunnelCall, "host" | "port">, target: string, error: NetError): void {
    this.teller(call, target)({ error, fromClientBytes: 0, toClientBytes: 0 });
  }

  /**
   * Relays the datagrams of a client, whose connection it takes over once it is open. Returns where the client is to
   * send to, or why not. Never rejects.
   */
  async associate(
    call: TunnelCall,
    client: StreamConnection,
    signal: AbortSignal,
  ): Promise<IpAddress | NetError> {
    const { numbers, rules, outgoing, relaysDatagrams } = this.parts;
    const tell = this.teller(call, "udp");
    let isCounted = false;
    try {
      if (!relaysDatagrams) throw refusal("the proxy relays no datagrams");
      if (this.associationCount >= numbers.maxAssociations) {
        const text = `${this.associationCount} clients have their datagrams relayed, and maxAssociations is ${numbers.maxAssociations}`;
        throw new NetError("CONNECTION_LIMIT", text, { operation: "connect" });
      }
      this.associationCount++;
      isCounted = true;
      await this.ask(call, signal);
      if (!client.isOpen) throw client.endError();
      const parts = { numbers, rules, service: outgoing.component.service };
      return await new Promise((resolve) => {
        const association = new Association(client, parts, resolve, (report) => {
          this.associationCount--;
          this.droppedCount += association.droppedCount;
          tell(report);
          if (report.error !== undefined) resolve(report.error);
        });
      });
    } catch (cause) {
      if (isCounted) this.associationCount--;
      const error = asNetError(cause);
      tell({ error, fromClientBytes: 0, toClientBytes: 0 });
      return error;
    }
  }

  /** Reports, when it is over, what begins now. */
  private teller(
    { protocol, client, user }: Omit<TunnelCall, "host" | "port">,
    target: string,
  ): (rest: Pick<AccessRecord, "error" | "fromClientBytes" | "toClientBytes">) => void {
    const { clock } = this.parts.outgoing.component.service.wheel;
    const startMs = clock.now();
    return (rest) =>
      this.tell({
        ...{ protocol, client, user, target },
        method: undefined,
        status: undefined,
        isReused: false,
        startedAt: clock.originMs + startMs,
        durationMs: clock.now() - startMs,
        ...rest,
      });
  }

  private async dial(call: TunnelCall, signal: AbortSignal): Promise<StreamConnection> {
    const { numbers, rules, outgoing } = this.parts;
    const { host, port } = call;
    if (this.tunnelCount > numbers.maxTunnels) {
      const text = `there are ${numbers.maxTunnels} tunnels, and maxTunnels is ${numbers.maxTunnels}`;
      throw new NetError("CONNECTION_LIMIT", text, { operation: "connect" });
    }
    if (rules.forbids(host, port)) throw forbidden(host, port);
    await this.ask(call, signal);
    const upstream = await outgoing.connect({
      host,
      port,
      signal,
      timeoutMs: numbers.connectTimeoutMs,
      timeoutName: "connectTimeoutMs",
      allowAddress: rules.allowsAddress,
    });
    if (upstream.state !== "open") throw upstream.endError();
    return upstream;
  }

  /** Asks the application. Throws `REFUSED`, and what {@link HandlerWaits.call} throws. */
  private async ask(call: TunnelCall, signal: AbortSignal): Promise<void> {
    const { handlers, waits } = this.parts;
    const answer = await waits.call("onTunnel", () => handlers.onTunnel?.(call), signal);
    if (answer === false) throw refusal("onTunnel refused it");
  }

  /** Tells of a request or a tunnel that is over. */
  tell(record: AccessRecord): void {
    const { handlers, failed } = this.parts;
    callHandler(
      () => handlers.onAccess?.(record),
      (cause) => failed("onAccess", cause),
    );
  }
}

/** Host and port, as records have them. */
export function targetText({ host, port }: Pick<TunnelCall, "host" | "port">): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The rules forbid the host or port. */
export function forbidden(host: string, port: number): NetError {
  const text = `the destinations do not allow ${host} port ${port}`;
  return new NetError("ADDRESS_REFUSED", text, { operation: "connect" });
}

function refusal(text: string): NetError {
  return new NetError("REFUSED", text, { operation: "connect" });
}

/** An error of ours, or `HANDLER_FAILED` for what else a handler threw. */
export function asNetError(cause: unknown): NetError {
  if (cause instanceof NetError) return cause;
  return new NetError("HANDLER_FAILED", "a handler of the proxy failed", {
    operation: "connect",
    cause,
  });
}
