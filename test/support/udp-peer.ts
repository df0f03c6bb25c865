/** A plain peer for UDP components: a socket of Node's, and all that came to it. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { IpAddress } from "#src/engine/engine.js";

/** A socket of Node's that keeps what comes. */
export class UdpPeer {
  readonly received: Buffer[] = [];
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("message", (bytes) => this.received.push(bytes));
    socket.on("error", () => undefined);
  }

  /** Opens one on the loopback interface. */
  static async open(host = "127.0.0.1"): Promise<UdpPeer> {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    socket.bind(0, host);
    await once(socket, "listening");
    return new UdpPeer(socket);
  }

  get port(): number {
    return this.socket.address().port;
  }

  get texts(): string[] {
    return this.received.map(String);
  }

  send(to: IpAddress, ...datagrams: (string | Uint8Array)[]): void {
    for (const datagram of datagrams) this.socket.send(datagram, to.port, to.host);
  }

  close(): void {
    this.socket.close();
  }
}
