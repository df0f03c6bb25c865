/** What makes the connections of a load, for each transport. */
import { ArqAgent } from "../../arq/index.js";
import {
  type AnyConnection,
  type ClientTls,
  type CloseReason,
  type ConnectOptions,
  type ReceiveModel,
  TcpAgent,
} from "../../index.js";
import { type DatagramConnectOptions, UdpAgent } from "../../udp/index.js";
import type { EngineChoiceName } from "../command.js";
import type { ConnectionLoad } from "./connection-load.js";
import type { LoadAgent, LoadAgentFactory, LoadEvents, LoadedConnection } from "./load-agent.js";

/** Those that are replaced take their time to end. */
const MAX_CONNECTIONS = 2_000_000;
const MIN_PENDING_BYTES = 16_777_216;

/** What the connections of all transports are asked for. */
interface Traffic {
  readonly engine: EngineChoiceName | undefined;
  /** Bytes that are in flight on a connection at most. */
  readonly inFlightBytes: number;
}

/** The connections of a load over TCP. */
export interface TcpTraffic extends Traffic {
  readonly connect: ConnectOptions;
  readonly tls: ClientTls | undefined;
  readonly receive: ReceiveModel<Buffer>;
}

/** The connections of a load over datagrams. */
export interface DatagramTraffic extends Traffic {
  readonly connect: DatagramConnectOptions;
  readonly messageBytes: number;
}

export function tcpLoadAgent(traffic: TcpTraffic): LoadAgentFactory {
  const { connect, receive, tls } = traffic;
  return (events, createLoad) => {
    const agent = new TcpAgent<Buffer, ConnectionLoad>({
      ...optionsOf(traffic, events, createLoad),
      receive,
      ...(tls !== undefined && { tls }),
      onEnd: (connection) => events.ended(connection),
    });
    return loadAgent(agent, connect);
  };
}

/** Each connection has a socket of its own. */
export function udpLoadAgent(traffic: DatagramTraffic): LoadAgentFactory {
  return (events, createLoad) => {
    const agent = new UdpAgent<ConnectionLoad>({
      ...optionsOf(traffic, events, createLoad),
      maxDatagramBytes: traffic.messageBytes,
      // What is missing is the load's own matter.
      detectAttempts: 0,
    });
    return loadAgent(agent, traffic.connect);
  };
}

export function arqLoadAgent(traffic: DatagramTraffic): LoadAgentFactory {
  return (events, createLoad) => {
    const agent = new ArqAgent<ConnectionLoad>({
      ...optionsOf(traffic, events, createLoad),
      maxMessageBytes: traffic.messageBytes,
    });
    return loadAgent(agent, traffic.connect);
  };
}

function optionsOf(
  { engine, inFlightBytes }: Traffic,
  events: LoadEvents,
  createLoad: () => ConnectionLoad,
) {
  return {
    delivery: "borrow",
    maxConnections: MAX_CONNECTIONS,
    maxPendingBytes: Math.max(MIN_PENDING_BYTES, 2 * inFlightBytes),
    ...(engine !== undefined && { engine }),
    context: createLoad,
    onHandshake: (connection: LoadedConnection) => events.opened(connection),
    onReceive: (connection: LoadedConnection, bytes: Buffer) => events.received(connection, bytes),
    onClose: (connection: LoadedConnection, reason: CloseReason) =>
      events.closed(connection, reason),
  } as const;
}

/** What agents of all transports have. */
interface Agent<Destination> {
  readonly stats: { readonly engine: string };
  connect(destination: Destination): Promise<AnyConnection<ConnectionLoad>>;
  stop(options: { readonly drainMs: number }): Promise<unknown>;
}

function loadAgent<Destination>(agent: Agent<Destination>, connect: Destination): LoadAgent {
  return {
    engineName: agent.stats.engine,
    connect: () => agent.connect(connect),
    stop: (options) => agent.stop(options),
  };
}
