/** Many outbound connections over UDP of one object. */
import {
  assertDatagramOptions,
  type MessageContextRule,
  OUTGOING_OPTION_NAMES,
  type OutgoingOptions,
} from "../datagram/datagram-options.js";
import type { MessageConnection } from "../datagram/message-connection.js";
import { SessionAgent } from "../datagram/session-agent.js";
import { chooseEngine } from "../engine/choose-engine.js";

/** Options of a {@link UdpAgent}. */
export type UdpAgentOptions<Context = unknown> = OutgoingOptions<
  MessageConnection<Context>,
  Context
> &
  MessageContextRule<Context>;

/** A UDP agent: makes any number of connections to any number of peers, each on a socket of its own. */
export class UdpAgent<Context = unknown> extends SessionAgent<Context> {
  constructor(options: UdpAgentOptions<Context> = {} as never) {
    assertDatagramOptions(options, OUTGOING_OPTION_NAMES);
    super(options, chooseEngine(options.engine, "datagram"), undefined);
  }
}
