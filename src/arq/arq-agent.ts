/** Many outgoing reliable connections over UDP of one object. */
import type { MessageContextRule } from "../datagram/datagram-options.js";
import { SessionAgent } from "../datagram/session-agent.js";
import { chooseEngine } from "../engine/choose-engine.js";
import type { ArqConnection } from "./arq-connection.js";
import {
  ARQ_OUTGOING_NAMES,
  type ArqOutgoingOptions,
  checkedArqSettings,
  withProbes,
} from "./arq-options.js";
import { ArqProtocol } from "./arq-protocol.js";
import type { ArqSettings } from "./arq-settings.js";

/** Options of an {@link ArqAgent}. */
export type ArqAgentOptions<Context = unknown> = ArqOutgoingOptions<
  ArqConnection<Context>,
  Context
> &
  MessageContextRule<Context>;

/** Makes any number of reliable connections to any number of servers, each on a socket of its own. */
export class ArqAgent<Context = unknown> extends SessionAgent<Context, ArqConnection<Context>> {
  /** The settings of ARQ. */
  readonly arqSettings: ArqSettings;

  constructor(options: ArqAgentOptions<Context> = {} as never) {
    const settings = checkedArqSettings(options, ARQ_OUTGOING_NAMES);
    const engine = chooseEngine(options.engine, "datagram");
    super(withProbes(options), engine, new ArqProtocol(settings, engine.clock), ARQ_OUTGOING_NAMES);
    this.arqSettings = settings;
  }
}
