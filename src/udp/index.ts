/** hp-socket/udp: the public names of UDP. */
export type { SendErrorHandler } from "../connection/events.js";
export type {
  DatagramConnectOptions,
  DatagramHandlers,
  DatagramListenOptions,
  DatagramOptions,
  MessageContextRule,
} from "../datagram/datagram-options.js";
export type { DatagramSettings } from "../datagram/datagram-settings.js";
export type { MessageConnection } from "../datagram/message-connection.js";
export { UdpServer, type UdpServerOptions, type UdpStats } from "./udp-server.js";
