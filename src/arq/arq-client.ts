/** One outgoing reliable connection over UDP (HP §2.13). */
import type { Data, SendResult } from "../connection/connection.js";
import type { MessageContextRule } from "../datagram/datagram-options.js";
import { SessionClient } from "../datagram/session-client.js";
import { chooseEngine } from "../engine/choose-engine.js";
import type { ArqConnection, ArqSendOptions } from "./arq-connection.js";
import type { ArqStats } from "./arq-link.js";
import {
  ARQ_OUTGOING_NAMES,
  type ArqOutgoingOptions,
  checkedArqSettings,
  withProbes,
} from "./arq-options.js";
import { ArqProtocol } from "./arq-protocol.js";
import type { ArqSettings } from "./arq-settings.js";

/** Options of an {@link ArqClient}. */
export type ArqClientOptions<Context = unknown> = ArqOutgoingOptions<ArqClient<Context>, Context> &
  MessageContextRule<Context>;

/** A client of reliable messages over UDP: one connection at a time. `connect` resolves when the handshake is done. */
export class ArqClient<Context = unknown> extends SessionClient<ArqClient<Context>, Context> {
  /** The settings of ARQ. */
  readonly arqSettings: ArqSettings;

  constructor(options: ArqClientOptions<Context> = {} as never) {
    const settings = checkedArqSettings(options, ARQ_OUTGOING_NAMES);
    const engine = chooseEngine(options.engine, "datagram");
    super(withProbes(options), engine, new ArqProtocol(settings, engine.clock), ARQ_OUTGOING_NAMES);
    this.arqSettings = settings;
  }

  override get connection(): ArqConnection<Context> | undefined {
    return super.connection as ArqConnection<Context> | undefined;
  }

  /** See `ArqConnection.send`. */
  override send(data: Data, options?: ArqSendOptions): SendResult {
    return this.connection?.send(data, options) ?? false;
  }

  /** See `ArqConnection.linkStats`; undefined before the first `connect`. */
  get linkStats(): ArqStats | undefined {
    return this.connection?.linkStats;
  }
}
