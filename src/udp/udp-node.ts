/** Any to any over UDP (HP §2.12): one socket without sessions, which exchanges datagrams with any address. */
import { assertHost } from "../bytes/host-text.js";
import type { Data, SendResult } from "../connection/connection.js";
import { throwIfAborted } from "../connection/waiting/waiter.js";
import { resolveDatagramHost } from "../datagram/resolve-peer.js";
import type { GroupMembership, IpAddress } from "../engine/engine.js";
import { assertInteger, NetError } from "../errors.js";
import { CastComponent } from "./cast-component.js";
import {
  assertNodeOpen,
  castHost,
  memberships,
  type NodeOpenOptions,
  nodeTarget,
} from "./cast-options.js";
import type { CastOptions } from "./cast-settings.js";
import type { CastSocket } from "./cast-socket.js";
import type { SendTarget } from "./udp-peer-address.js";

/** Options of a {@link UdpNode}. */
export type UdpNodeOptions = CastOptions<UdpNode>;

/**
 * A UDP node. There are no connections, no probes and no order: what is sent may get lost, come twice, or late.
 * With `cast` it also sends to, and hears, a multicast group or all of a network.
 */
export class UdpNode extends CastComponent<UdpNode> {
  readonly #socket: CastSocket<UdpNode>;
  #cast: SendTarget | undefined;

  constructor(options: UdpNodeOptions = {}) {
    let socket: CastSocket<UdpNode> | undefined;
    super(options, (made) => {
      socket = made;
    });
    this.#socket = socket as unknown as CastSocket<UdpNode>;
  }

  /** The port it is bound to; 0 while it is not. */
  get port(): number {
    return this.#socket.address?.port ?? 0;
  }

  /** Where `sendCast` sends to; undefined without a `cast`. */
  get castAddress(): SendTarget | undefined {
    return this.#cast;
  }

  /**
   * Opens the socket and resolves with its address. Rejects with `ADDRESS_IN_USE`, `ADDRESS_NOT_AVAILABLE`,
   * `ACCESS_DENIED`, `HOST_NOT_FOUND`, `NOT_SUPPORTED`, `REFUSED` (by `onPrepareListen`), `STOPPED`, or
   * `INVALID_STATE` unless the node is stopped.
   */
  async open(options: NodeOpenOptions = {}): Promise<IpAddress> {
    assertNodeOpen(options);
    const socket = this.#socket;
    const { cast } = options;
    const find = () => nodeTarget(socket.service.engine, options, socket.settings);
    const groups = cast === undefined ? [] : memberships(cast);
    const address = await socket.open(find, groups, cast?.interfaceHost);
    this.#cast = cast && { host: castHost(cast), port: cast.port ?? address.port };
    return address;
  }

  /**
   * Sends a datagram of at most `maxDatagramBytes` to an IP address; an empty one is sent too. Addresses that handlers
   * were given, and objects that are used again, cost no look at their text.
   *
   * Returns `true`, `"slow"` above `highWaterMarkBytes`, and `false` when it is lost: not open, or `maxPendingBytes`
   * wait. Throws `PACKET_INVALID` for one that is too long, `INVALID_ARGUMENT` for what is no address.
   */
  send(to: SendTarget, data: Data): SendResult {
    return this.#socket.sendTo(to, data);
  }

  /** Sends several pieces as one datagram. See {@link send}. */
  sendAll(to: SendTarget, pieces: readonly Data[]): SendResult {
    return this.#socket.sendAllTo(to, pieces);
  }

  /** Sends to the group or network of `cast`. Throws `INVALID_STATE` without one. See {@link send}. */
  sendCast(data: Data): SendResult {
    if (this.#cast !== undefined) return this.#socket.sendTo(this.#cast, data);
    throw new NetError("INVALID_STATE", "the node was opened without cast", { operation: "send" });
  }

  /** The address of a name, to send to. Rejects with `HOST_NOT_FOUND`, `ABORTED`, … */
  async resolve(host: string, port: number, signal?: AbortSignal): Promise<IpAddress> {
    assertHost("host", host);
    assertInteger("port", port, 0, 65_535);
    throwIfAborted({ signal }, "resolve");
    const { engine } = this.#socket.service;
    const query = { host, port, family: this.address?.family };
    const [address] = await resolveDatagramHost(engine, query, "resolve", signal);
    return address as IpAddress;
  }

  /** Joins one more group. Throws `INVALID_STATE` while not open, and what the system says. */
  joinGroup(membership: GroupMembership): void {
    this.#socket.join(membership);
  }

  /** Leaves a group. */
  leaveGroup(membership: GroupMembership): void {
    this.#socket.leave(membership);
  }
}
