/** One outgoing reliable connection over UDP (HP §2.13). */
import type { MessageContextRule } from "../datagram/datagram-options.js";
import { SessionClient } from "../datagram/session-client.js";
import type { ReconnectWish } from "../outgoing/reconnect-handlers.js";
import type { ArqConnection } from "./arq-connection.js";
import type { ArqStats } from "./arq-link.js";
import { ARQ_OUTGOING_NAMES, type ArqOutgoingOptions, arqParts } from "./arq-options.js";
import type { ArqSettings } from "./arq-settings.js";

/** Options of an {@link ArqClient}. */
export type ArqClientOptions<Context = unknown> = ArqOutgoingOptions<ArqClient<Context>, Context> &
  MessageContextRule<Context> &
  ReconnectWish<ArqClient<Context>>;

/** A client of reliable messages over UDP: one connection at a time. `connect` resolves when the handshake is done. */
export class ArqClient<Context = unknown> extends SessionClient<
  ArqClient<Context>,
  Context,
  ArqConnection<Context>
> {
  /** The settings of ARQ. */
  readonly arqSettings: ArqSettings;

  constructor(options: ArqClientOptions<Context> = {} as never) {
    const [given, engine, protocol] = arqParts(options, ARQ_OUTGOING_NAMES);
    super(given, engine, protocol, ARQ_OUTGOING_NAMES);
    this.arqSettings = protocol.settings;
  }

  /** Round trip, windows and counts of the present connection; undefined before the first `connect`. */
  get linkStats(): ArqStats | undefined {
    return this.connection?.linkStats;
  }
}
