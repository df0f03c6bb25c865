/** Many outgoing reliable connections over UDP of one object. */
import type { DatagramConnectOptions, MessageContextRule } from "../datagram/datagram-options.js";
import { SessionAgent } from "../datagram/session-agent.js";
import type { AgentTarget } from "../outgoing/agent-target.js";
import type { ReconnectChoice, ReconnectWish } from "../outgoing/reconnect-handlers.js";
import type { ArqConnection, ArqSendOptions } from "./arq-connection.js";
import { ARQ_OUTGOING_NAMES, type ArqOutgoingOptions, arqParts } from "./arq-options.js";
import type { ArqSettings } from "./arq-settings.js";

/** A destination of an {@link ArqAgent} to which connections are made anew. */
export type ArqTarget<Context = unknown> = AgentTarget<
  ArqConnection<Context>,
  DatagramConnectOptions,
  ArqSendOptions
>;

/** Options of an {@link ArqAgent}. */
export type ArqAgentOptions<Context = unknown> = ArqOutgoingOptions<
  ArqConnection<Context>,
  Context
> &
  MessageContextRule<Context> &
  ReconnectWish<ArqTarget<Context>>;

/** Options of {@link ArqAgent.connect}. */
export interface ArqAgentConnectOptions extends DatagramConnectOptions, ReconnectChoice {}

/** Makes any number of reliable connections to any number of servers, each on a socket of its own. */
export class ArqAgent<Context = unknown> extends SessionAgent<Context, ArqConnection<Context>> {
  /** The settings of ARQ. */
  readonly arqSettings: ArqSettings;

  constructor(options: ArqAgentOptions<Context> = {} as never) {
    const [given, engine, protocol] = arqParts(options, ARQ_OUTGOING_NAMES);
    super(given, engine, protocol, ARQ_OUTGOING_NAMES);
    this.arqSettings = protocol.settings;
  }

  /**
   * Makes a connection and resolves with it when the handshake is done and `onHandshake` was called. Rejects with
   * `HANDSHAKE_TIMEOUT`, `CONNECT_TIMEOUT`, `HOST_NOT_FOUND`, `CONNECTION_LIMIT`, `REFUSED`, `ABORTED`, ….
   */
  override connect(options: ArqAgentConnectOptions): Promise<ArqConnection<Context>> {
    return super.connect(options);
  }

  /** The destinations to which connections are made anew (`reconnect`). */
  targets(): ArqTarget<Context>[] {
    return this.placedTargets();
  }

  /** The destination of the connection with this id, the last one too; undefined where none is made anew. */
  target(id: number): ArqTarget<Context> | undefined {
    return this.placedTarget(id);
  }
}
