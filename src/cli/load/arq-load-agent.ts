import { ArqAgent } from "../../arq/index.js";
import type { EngineChoiceName } from "../command.js";
import type { ConnectionLoad } from "./connection-load.js";
import type { LoadAgentFactory } from "./load-agent.js";

/** Those that are replaced take their time to end. */
const MAX_CONNECTIONS = 2_000_000;
const MIN_PENDING_BYTES = 16_777_216;

/** What to connect to, and how. */
export interface ArqLoad {
  readonly connect: { readonly host?: string; readonly port: number };
  readonly engine: EngineChoiceName | undefined;
  readonly messageBytes: number;
  /** Bytes that are in flight on a connection at most. */
  readonly inFlightBytes: number;
}

/** The connections of a load of reliable messages over UDP. */
export function arqLoadAgent(load: ArqLoad): LoadAgentFactory {
  return (events, createLoad) => {
    const agent = new ArqAgent<ConnectionLoad>({
      delivery: "borrow",
      maxConnections: MAX_CONNECTIONS,
      maxMessageBytes: load.messageBytes,
      maxPendingBytes: Math.max(MIN_PENDING_BYTES, 2 * load.inFlightBytes),
      ...(load.engine !== undefined && { engine: load.engine }),
      context: createLoad,
      onHandshake: (connection) => events.opened(connection),
      onReceive: (connection, message) => events.received(connection, message),
      onClose: (connection, reason) => events.closed(connection, reason),
    });
    return {
      engineName: agent.stats.engine,
      connect: () => agent.connect(load.connect),
      stop: (options) => agent.stop(options),
    };
  };
}
