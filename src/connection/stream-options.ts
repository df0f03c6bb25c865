/** The part of the settings that the engine's streams need. */
import type { StreamOptions } from "../engine/engine.js";
import type { ConnectionSettings } from "./settings.js";
import type { ComponentSecurity } from "./tls/component-security.js";

/** Options for streams to come. A size or time of 0 means the system's own. */
export function streamOptions(
  settings: ConnectionSettings,
  security: ComponentSecurity | undefined,
): StreamOptions {
  const { userTimeoutMs, receiveBufferBytes, sendBufferBytes } = settings;
  return {
    noDelay: settings.noDelay,
    keepAlive: settings.keepAlive,
    ...(userTimeoutMs > 0 && { userTimeoutMs }),
    ...(receiveBufferBytes > 0 && { receiveBufferBytes }),
    ...(sendBufferBytes > 0 && { sendBufferBytes }),
    ...(security !== undefined && { mayStartTls: true }),
    ...(settings.delivery === "copy" && { keepsBytes: true }),
  };
}
