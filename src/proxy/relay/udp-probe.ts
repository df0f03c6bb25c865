/** Checks a destination over UDP: sends a datagram, and waits for an answer. */
import type { HostPort } from "../../address/host-port.js";
import type { EngineService } from "../../connection/engine-service.js";
import { abortError } from "../../connection/waiting/waiter.js";
import {
  DatagramPort,
  NOWHERE,
  type PortOwner,
  type Destination as Sendable,
} from "../../datagram/datagram-port.js";
import { anyAddress, ownSocket, resolveDatagramHost } from "../../datagram/resolve-peer.js";
import type { IpAddress } from "../../engine/engine.js";
import type { PeerKey } from "../../engine/peer-key.js";
import type { NetError } from "../../errors.js";
import { type HealthCheckSettings, unexpected } from "../../pool/health-check-options.js";

/** One look: the socket is closed when it is over. */
class Look implements PortOwner, Sendable {
  readonly peer: undefined;
  firstWaiting: number = NOWHERE;
  lastWaiting: number = NOWHERE;
  readonly promise: Promise<void>;
  private readonly settings: HealthCheckSettings;
  private readonly port: DatagramPort;
  private resolve: () => void = () => {};
  private reject: (error: NetError) => void = () => {};

  constructor(service: EngineService, peer: IpAddress, settings: HealthCheckSettings) {
    this.settings = settings;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.port = new DatagramPort(service, ownSocket(anyAddress(peer.family), peer), this);
    this.port.unref();
  }

  end(error: NetError | undefined): void {
    if (error === undefined) this.resolve();
    else this.reject(error);
    this.port.close();
  }

  portOpened(): void {
    const { send } = this.settings;
    if (send !== undefined) this.port.send(this, send);
  }

  datagramsReceived(bytes: Buffer, _from: PeerKey, _segmentBytes: number): void {
    const { expect } = this.settings;
    this.end(expect === undefined || bytes.includes(expect) ? undefined : unexpected());
  }

  datagramsSent(_bytes: number, _count: number, error: NetError | undefined): void {
    if (error !== undefined) this.end(error);
  }

  datagramRefused(error: NetError): void {
    this.end(error);
  }

  portClosed(error: NetError | undefined): void {
    if (error !== undefined) this.end(error);
  }
}

/** Resolves where the destination answers. Given up when `signal` is aborted. */
export async function probeDatagrams(
  service: EngineService,
  { host, port }: HostPort,
  settings: HealthCheckSettings,
  signal: AbortSignal,
): Promise<void> {
  const query = { host, port, family: undefined };
  const [peer] = await resolveDatagramHost(service.engine, query, "connect", signal);
  const aborted = (): NetError => abortError("receive", signal.reason, "the check");
  if (signal.aborted) throw aborted();
  const look = new Look(service, peer as IpAddress, settings);
  const giveUp = (): void => look.end(aborted());
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    await look.promise;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}
