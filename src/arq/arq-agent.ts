/** Many outgoing reliable connections over UDP of one object. */
import type { DatagramConnectOptions, MessageContextRule } from "../datagram/datagram-options.js";
import { type ReconnectWish, SessionAgent } from "../datagram/session-agent.js";
import { chooseEngine } from "../engine/choose-engine.js";
import type { AgentTarget } from "../outgoing/agent-target.js";
import type { ReconnectOptions } from "../outgoing/reconnect-options.js";
import type { ArqConnection, ArqSendOptions } from "./arq-connection.js";
import {
  ARQ_OUTGOING_NAMES,
  type ArqOutgoingOptions,
  checkedArqSettings,
  withArqDefaults,
} from "./arq-options.js";
import { ArqProtocol } from "./arq-protocol.js";
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
export interface ArqAgentConnectOptions extends DatagramConnectOptions {
  /** Makes this connection anew when it is lost. Default: as with the agent. */
  readonly reconnect?: boolean | ReconnectOptions | undefined;
}

/** Makes any number of reliable connections to any number of servers, each on a socket of its own. */
export class ArqAgent<Context = unknown> extends SessionAgent<Context, ArqConnection<Context>> {
  /** The settings of ARQ. */
  readonly arqSettings: ArqSettings;

  constructor(options: ArqAgentOptions<Context> = {} as never) {
    const settings = checkedArqSettings(options, ARQ_OUTGOING_NAMES);
    const engine = chooseEngine(options.engine, "datagram");
    super(
      withArqDefaults(options, engine),
      engine,
      new ArqProtocol(settings, engine.clock),
      ARQ_OUTGOING_NAMES,
    );
    this.arqSettings = settings;
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
