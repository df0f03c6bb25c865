/** A server of reliable connections over UDP (HP §2.13). */
import type { MessageContextRule } from "../datagram/datagram-options.js";
import { SessionServer } from "../datagram/session-server.js";
import type { ArqConnection } from "./arq-connection.js";
import { ARQ_LISTENER_NAMES, type ArqListenerOptions, arqParts } from "./arq-options.js";
import type { ArqSettings } from "./arq-settings.js";

/** Options of an {@link ArqServer}. `idleTimeoutMs` is 240,000 where left out. */
export type ArqServerOptions<Context = unknown> = ArqListenerOptions<
  ArqConnection<Context>,
  Context
> &
  MessageContextRule<Context>;

/**
 * A server of reliable connections over UDP, which `ArqClient`, `ArqAgent` and HP-Socket's `UdpArqClient` connect to:
 * `onAccept` → `onHandshake` → `onReceive` … → `onClose`. A connection begins when its peer has repeated an id that
 * was made for it; until then nothing is kept of it, and each of its datagrams is answered with one at most.
 */
export class ArqServer<Context = unknown> extends SessionServer<Context, ArqConnection<Context>> {
  /** The settings of ARQ. */
  readonly arqSettings: ArqSettings;

  constructor(options: ArqServerOptions<Context> = {} as never) {
    const [given, engine, protocol] = arqParts(options, ARQ_LISTENER_NAMES);
    super(given, engine, protocol, ARQ_LISTENER_NAMES);
    this.arqSettings = protocol.settings;
  }
}
