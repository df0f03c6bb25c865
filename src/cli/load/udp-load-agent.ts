import { type DatagramConnectOptions, UdpAgent } from "../../udp/index.js";
import type { EngineChoiceName } from "../command.js";
import type { ConnectionLoad } from "./connection-load.js";
import type { LoadAgentFactory } from "./load-agent.js";

/** Those that are replaced take their time to end. */
const MAX_CONNECTIONS = 2_000_000;
const MIN_PENDING_BYTES = 1_048_576;

/** What to connect to, and how. */
export interface UdpLoad {
  readonly connect: DatagramConnectOptions;
  readonly engine: EngineChoiceName | undefined;
  readonly messageBytes: number;
  /** Bytes that are in flight on a connection at most. */
  readonly inFlightBytes: number;
}

/** The connections of a load over UDP, each with a socket of its own. */
export function udpLoadAgent(load: UdpLoad): LoadAgentFactory {
  return (events, createLoad) => {
    const agent = new UdpAgent<ConnectionLoad>({
      delivery: "borrow",
      maxConnections: MAX_CONNECTIONS,
      maxDatagramBytes: load.messageBytes,
      maxPendingBytes: Math.max(MIN_PENDING_BYTES, 2 * load.inFlightBytes),
      // What is missing is the load's own matter.
      detectAttempts: 0,
      ...(load.engine !== undefined && { engine: load.engine }),
      context: createLoad,
      onHandshake: (connection) => events.opened(connection),
      onReceive: (connection, bytes) => events.received(connection, bytes),
      onClose: (connection, reason) => events.closed(connection, reason),
    });
    return {
      engineName: agent.stats.engine,
      connect: () => agent.connect(load.connect),
      stop: (options) => agent.stop(options),
    };
  };
}
