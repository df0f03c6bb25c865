/** A server over UDP: a remote address is a connection with an id (HP §2.9). */
import {
  optionsOfRole,
  type ServerHandlerRule,
} from "../connection/component/component-options.js";
import {
  assertDatagramOptions,
  DATAGRAM_OPTION_NAMES,
  type DatagramOptions,
  type MessageContextRule,
} from "../datagram/datagram-options.js";
import type { MessageConnection } from "../datagram/message-connection.js";
import {
  SESSION_ADMISSION_NAMES,
  type SessionAdmissionOptions,
} from "../datagram/session-listening.js";
import { SessionServer } from "../datagram/session-server.js";
import { chooseEngine } from "../engine/choose-engine.js";

/** Options of a {@link UdpServer}. `idleTimeoutMs` is 240,000 where left out. */
export type UdpServerOptions<Context = unknown> = DatagramOptions<
  MessageConnection<Context>,
  Context
> &
  MessageContextRule<Context> &
  SessionAdmissionOptions &
  ServerHandlerRule;

/**
 * A UDP server. The first datagram of an address makes a connection of it: `onAccept` → `onHandshake` →
 * `onReceive` … → `onClose`. It ends by `close`, by the peer's close-notify, or when nothing has come for
 * too long: `DETECT_TIMEOUT` after missed probes, `IDLE_TIMEOUT`.
 */
export class UdpServer<Context = unknown> extends SessionServer<Context> {
  constructor(options: UdpServerOptions<Context> = {} as never) {
    assertDatagramOptions(options, [
      ...optionsOfRole("server", DATAGRAM_OPTION_NAMES),
      ...SESSION_ADMISSION_NAMES,
    ]);
    super(options, chooseEngine(options.engine, "datagram"), undefined);
  }
}
