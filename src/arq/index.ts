/** hp-socket/arq: the public names of reliable messages over UDP. */

export { NetError } from "../errors.js";
export type * from "../public-types.js";
export {
  ArqAgent,
  type ArqAgentConnectOptions,
  type ArqAgentOptions,
  type ArqTarget,
} from "./arq-agent.js";
export { ArqClient, type ArqClientOptions } from "./arq-client.js";
export type { ArqConnection, ArqSendOptions } from "./arq-connection.js";
export type { ArqStats } from "./arq-link.js";
export type { ArqListenerOptions, ArqOutgoingOptions } from "./arq-options.js";
export { ArqServer, type ArqServerOptions } from "./arq-server.js";
export type { ArqSettings, CongestionControl } from "./arq-settings.js";
