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
import { chooseEngine } from "../engine/choose-engine.js";
import type { Engine, EngineChoice } from "../engine/engine.js";
import type { Given } from "../options.js";
import { assertReconnectHandlers, RECONNECT_NAMES } from "../outgoing/reconnect-handlers.js";
import { ArqProtocol } from "./arq-protocol.js";
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

/**
 * What an `ArqServer`, `ArqAgent` or `ArqClient` is made of. Throws `INVALID_ARGUMENT` for options that are not among
 * `names` and for wrong values.
 */
export function arqParts<Options extends CheckedOptions>(
  options: Options,
  names: readonly string[],
): [given: Options, engine: Engine, protocol: ArqProtocol] {
  assertDatagramOptions(options, names);
  assertReconnectHandlers(options);
  const settings = arqSettings(options);
  const engine = chooseEngine(options.engine, "datagram");
  const protocol = new ArqProtocol(settings, engine.clock);
  return [withArqDefaults(options, engine), engine, protocol];
}

type CheckedOptions = Given<ArqSettings> &
  Given<Pick<DatagramSettings, "maxDatagramBytes" | "detectAttempts" | "receiveBufferBytes">> & {
    readonly engine?: EngineChoice | undefined;
  };

/**
 * The kernel's room for what comes: a window of full datagrams takes as much of it, and what finds none is lost. The
 * system's own is mostly a fifth of that.
 */
export const ARQ_RECEIVE_BUFFER_BYTES = 1_048_576;

/** What sessions of ARQ have where it is left out, and others have not. */
function withArqDefaults<Options extends CheckedOptions>(
  options: Options,
  engine: Engine,
): Options {
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
