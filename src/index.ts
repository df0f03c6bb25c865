/** hp-socket: the public names, but for those of HTTP, which hp-socket/http has. */

export { CidrSet } from "./address/cidr-set.js";
export { type HostPort, parseHostPort } from "./address/host-port.js";
export { type InterfaceAddress, listInterfaces } from "./address/interfaces.js";
export { compareIps, formatIp, type Ip, parseIp } from "./address/ip.js";
export { proxyFromEnvironment } from "./dial/proxy-route.js";
export { addressText } from "./engine/address-text.js";
export { type EngineProbe, type EngineStatus, engineReport } from "./engine/choose-engine.js";
export { createUringEngine, type UringOptions } from "./engine/uring/uring-engine.js";
export { NetError } from "./errors.js";
export {
  type ProxySsl,
  TLV as PROXY_TLV,
  tlvText as proxyTlvText,
} from "./protocol/proxy-header/proxy-header.js";
export { sslOf as proxySsl } from "./protocol/proxy-header/proxy-header-reader.js";
export type * from "./public-types.js";
export { type DelimiterOptions, delimiter } from "./receive/delimiter.js";
export { type FixedLengthOptions, fixedLength } from "./receive/fixed-length.js";
export type { LengthFormat } from "./receive/length-field.js";
export {
  type LengthPrefixFieldOptions,
  type LengthPrefixLayoutOptions,
  type LengthPrefixOptions,
  lengthPrefix,
} from "./receive/length-prefix.js";
export { type PackOptions, pack } from "./receive/pack.js";
export type { PacketModel } from "./receive/packet-model.js";
export { pull } from "./receive/pull.js";
export { push } from "./receive/push.js";
export { type StartEndOptions, startEnd } from "./receive/start-end.js";
export { type UntilClosedOptions, untilClosed } from "./receive/until-closed.js";
export type { ProcessOwner } from "./system/socket-owners.js";
export { type TcpTable, type TcpTableOptions, tcpConnections } from "./system/tcp-table.js";
export type { TcpEnd, TcpTableEntry } from "./system/tcp-table-entry.js";
export {
  type AgentConnectOptions,
  TcpAgent,
  type TcpAgentOptions,
  type TcpTarget,
} from "./tcp/tcp-agent.js";
export { TcpClient, type TcpClientOptions } from "./tcp/tcp-client.js";
export {
  type ServerChanges as TcpServerChanges,
  TcpServer,
  type TcpServerOptions,
} from "./tcp/tcp-server.js";
