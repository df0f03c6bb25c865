/** hp-socket/udp: the public names of UDP. */

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
export type { SessionAdmissionOptions } from "../datagram/session-listening.js";
export type { DatagramServerChanges, DatagramStats } from "../datagram/session-server.js";
export type { GroupMembership } from "../engine/engine.js";
export { NetError } from "../errors.js";
export type * from "../public-types.js";
export type { CastOpenOptions, CastTarget, NodeOpenOptions } from "./cast-options.js";
export type { CastHandlers, CastOptions, CastSettings } from "./cast-settings.js";
export type { CastStats } from "./cast-socket.js";
export { UdpAgent, type UdpAgentOptions } from "./udp-agent.js";
export { UdpCast, type UdpCastOptions } from "./udp-cast.js";
export { UdpClient, type UdpClientOptions } from "./udp-client.js";
export { UdpNode, type UdpNodeOptions } from "./udp-node.js";
export type { SendTarget, UdpPeerAddress } from "./udp-peer-address.js";
export { UdpServer, type UdpServerOptions } from "./udp-server.js";
