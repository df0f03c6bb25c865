/** Options of the components of reliable connections. */
import {
  optionsOfRole,
  type ServerHandlerRule,
} from "../connection/component/component-options.js";
import {
  assertDatagramOptions,
  DATAGRAM_OPTION_NAMES,
  type DatagramOptions,
  OUTGOING_OPTION_NAMES,
  type OutgoingOptions,
} from "../datagram/datagram-options.js";
import type { DatagramSettings } from "../datagram/datagram-settings.js";
import {
  SESSION_ADMISSION_NAMES,
  type SessionAdmissionOptions,
} from "../datagram/session-listening.js";
import type { Engine } from "../engine/engine.js";
import type { Given } from "../options.js";
import { assertReconnectHandlers, RECONNECT_NAMES } from "../outgoing/reconnect-handlers.js";
import { ARQ_SETTING_NAMES, type ArqSettings, arqSettings } from "./arq-settings.js";

/** Options of an `ArqServer`: settings of sessions, those of ARQ, and handlers. */
export interface ArqListenerOptions<Handle, Context>
  extends Omit<DatagramOptions<Handle, Context>, keyof ServerHandlerRule>,
    SessionAdmissionOptions,
    Given<ArqSettings> {}

/** Options of `ArqAgent` and `ArqClient`. */
export interface ArqOutgoingOptions<Handle, Context>
  extends OutgoingOptions<Handle, Context>,
    Given<ArqSettings> {}

/** Names of all options of an `ArqServer`. */
export const ARQ_LISTENER_NAMES: readonly string[] = [
  ...optionsOfRole("server", DATAGRAM_OPTION_NAMES),
  ...SESSION_ADMISSION_NAMES,
  ...ARQ_SETTING_NAMES,
];

/** Names of all options of `ArqAgent` and `ArqClient`. */
export const ARQ_OUTGOING_NAMES: readonly string[] = [
  ...OUTGOING_OPTION_NAMES,
  ...ARQ_SETTING_NAMES,
  ...RECONNECT_NAMES,
];

/** The settings of ARQ among checked options. Throws `INVALID_ARGUMENT` for unknown names and wrong values. */
export function checkedArqSettings(
  options: Given<ArqSettings> & { readonly maxDatagramBytes?: number | undefined },
  names: readonly string[],
): ArqSettings {
  assertDatagramOptions(options, names);
  assertReconnectHandlers(options);
  return arqSettings(options);
}

/**
 * The kernel's room for what comes: a window of full datagrams takes as much of it, and what finds none is lost. The
 * system's own is mostly a fifth of that.
 */
export const ARQ_RECEIVE_BUFFER_BYTES = 1_048_576;

/** What sessions of ARQ have where it is left out, and others have not. */
export function withArqDefaults<
  Options extends Given<ArqSettings> &
    Given<Pick<DatagramSettings, "detectAttempts" | "receiveBufferBytes">>,
>(options: Options, engine: Engine): Options {
  const { conversation, detectAttempts, receiveBufferBytes } = options;
  const canSize = engine.capabilities.datagramBuffers === true;
  return {
    ...options,
    ...(receiveBufferBytes === undefined &&
      canSize && { receiveBufferBytes: ARQ_RECEIVE_BUFFER_BYTES }),
    // A stock KCP answers no probes: then none are waited for, unless they are asked for.
    ...(detectAttempts === undefined && conversation !== undefined && { detectAttempts: 0 }),
  };
}
