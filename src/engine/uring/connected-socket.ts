/** What can be asked of a connection, and set on it. */
import type { Address, KeepAlive, TcpInfo } from "../engine.js";
import { CLOSING, RingSocket } from "./ring-socket.js";
import { localAddress, peerAddress } from "./socket-address.js";
import {
  keepAliveInForce,
  noDelayOption,
  setKeepAlive,
  setOptions,
  tcpInfo,
} from "./socket-options.js";
import { OPEN } from "./stream-state.js";

/** See the head of the file. Addresses are asked for once, when somebody wants them. */
export abstract class ConnectedSocket extends RingSocket {
  protected local: Address | undefined = undefined;
  protected remote: Address | undefined = undefined;

  setNoDelay(on: boolean): void {
    if (!this.isTcp()) return;
    const { calls } = this.loop;
    this.withDescriptor((descriptor) => setOptions(calls, descriptor, noDelayOption(on)));
  }

  setKeepAlive(keepAlive: KeepAlive | false): KeepAlive | false {
    if (!this.isTcp()) return false;
    const { calls } = this.loop;
    const result = this.withDescriptor((descriptor) => setKeepAlive(calls, descriptor, keepAlive));
    return result < 0 || keepAlive === false ? false : keepAliveInForce(keepAlive);
  }

  localAddress(): Address | undefined {
    if (this.local === undefined && this.isOpen()) {
      this.withDescriptor((descriptor) => {
        this.local = localAddress(this.loop.calls, descriptor);
        return 0;
      });
    }
    return this.local;
  }

  remoteAddress(): Address | undefined {
    if (this.remote === undefined && this.isOpen()) this.askRemote();
    return this.remote;
  }

  tcpInfo(): TcpInfo | undefined {
    if (!this.isTcp()) return undefined;
    let info: TcpInfo | undefined;
    this.withDescriptor((descriptor) => {
      info = tcpInfo(this.loop.calls, descriptor);
      return 0;
    });
    return info;
  }

  /** The peer's address is wanted in reports of closed streams, and can't be asked for then. */
  protected override beforeClose(): void {
    if (this.remote === undefined) this.askRemote();
  }

  protected isOpen(): boolean {
    return (this.state & (OPEN | CLOSING)) === OPEN;
  }

  protected isTcp(): boolean {
    return this.isOpen() && !(this.remote !== undefined && "path" in this.remote);
  }

  private askRemote(): void {
    this.withDescriptor((descriptor) => {
      this.remote = peerAddress(this.loop.calls, descriptor);
      return 0;
    });
  }
}
