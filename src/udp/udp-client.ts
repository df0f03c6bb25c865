/** One outbound connection over UDP (HP §2.10). */
import {
  assertDatagramOptions,
  type MessageContextRule,
  OUTGOING_OPTION_NAMES,
  type OutgoingOptions,
} from "../datagram/datagram-options.js";
import { SessionClient } from "../datagram/session-client.js";
import { chooseEngine } from "../engine/choose-engine.js";

/** Options of a {@link UdpClient}. */
export type UdpClientOptions<Context = unknown> = OutgoingOptions<UdpClient<Context>, Context> &
  MessageContextRule<Context>;

/**
 * A UDP client: one connection at a time. `connect` needs no word of the peer; while connected it probes the peer,
 * at once and then every `detectIntervalMs`, and closes with `DETECT_TIMEOUT` when `detectAttempts` of the probes in
 * a row brought nothing (HP §3.3). A peer that answers no empty datagrams, as most servers of other makes, needs
 * `detectAttempts: 0`.
 */
export class UdpClient<Context = unknown> extends SessionClient<UdpClient<Context>, Context> {
  constructor(options: UdpClientOptions<Context> = {} as never) {
    assertDatagramOptions(options, OUTGOING_OPTION_NAMES);
    super(options, chooseEngine(options.engine, "datagram"), undefined);
  }
}
