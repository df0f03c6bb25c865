import { type ClientTls, type ConnectOptions, type ReceiveModel, TcpAgent } from "../../index.js";
import type { EngineChoiceName } from "../command.js";
import type { ConnectionLoad } from "./connection-load.js";
import type { LoadAgentFactory } from "./load-agent.js";

/** Those that are replaced take their time to end. */
const MAX_CONNECTIONS = 2_000_000;
const MIN_PENDING_BYTES = 16_777_216;

/** What to connect to, and how. */
export interface TcpLoad {
  readonly connect: ConnectOptions;
  readonly engine: EngineChoiceName | undefined;
  readonly tls: ClientTls | undefined;
  readonly receive: ReceiveModel<Buffer>;
  /** Bytes that are in flight on a connection at most. */
  readonly inFlightBytes: number;
}

/** The connections of a load over TCP. */
export function tcpLoadAgent(load: TcpLoad): LoadAgentFactory {
  return (events, createLoad) => {
    const agent = new TcpAgent<Buffer, ConnectionLoad>({
      receive: load.receive,
      delivery: "borrow",
      maxConnections: MAX_CONNECTIONS,
      maxPendingBytes: Math.max(MIN_PENDING_BYTES, 2 * load.inFlightBytes),
      ...(load.engine !== undefined && { engine: load.engine }),
      ...(load.tls !== undefined && { tls: load.tls }),
      context: createLoad,
      onHandshake: (connection) => events.opened(connection),
      onReceive: (connection, bytes) => events.received(connection, bytes),
      onEnd: (connection) => events.ended(connection),
      onClose: (connection, reason) => events.closed(connection, reason),
    });
    return {
      engineName: agent.stats.engine,
      connect: () => agent.connect(load.connect),
      stop: (options) => agent.stop(options),
    };
  };
}
