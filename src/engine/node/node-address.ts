import type { AddressInfo, Socket } from "node:net";
import type { Address, IpAddress } from "../engine.js";

/** The address of a host and port; the family is read from the host's form. */
export function ipAddress(host: string, port: number): IpAddress {
  return { host, port, family: host.includes(":") ? "IPv6" : "IPv4" };
}

/** What `address()` of a server or datagram socket answered, as an address. */
export function addressFromInfo(info: AddressInfo): IpAddress {
  return ipAddress(info.address, info.port);
}

/** Where a TCP socket is bound, or undefined once it is closed. */
export function localAddressOf(socket: Socket): Address | undefined {
  const { localAddress, localPort } = socket;
  if (localAddress === undefined || localPort === undefined) return undefined;
  return ipAddress(localAddress, localPort);
}

/** Where a TCP socket's peer is, or undefined when it has gone already. */
export function remoteAddressOf(socket: Socket): Address | undefined {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return ipAddress(remoteAddress, remotePort);
}
