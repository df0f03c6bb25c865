/** hp-socket/udp: the public names of UDP. */
export type { SendErrorHandler } from "../connection/events.js";
export type {
  DatagramConnectOptions,
  DatagramHandlers,
  DatagramListenOptions,
  DatagramOptions,
  MessageContextRule,
  OutgoingOptions,
} from "../datagram/datagram-options.js";
export type { DatagramSettings } from "../datagram/datagram-settings.js";
export type { MessageConnection } from "../datagram/message-connection.js";
export type { DatagramStats } from "../datagram/session-server.js";
export { UdpAgent, type UdpAgentOptions } from "./udp-agent.js";
export { UdpClient, type UdpClientOptions } from "./udp-client.js";
export { UdpServer, type UdpServerOptions } from "./udp-server.js";
