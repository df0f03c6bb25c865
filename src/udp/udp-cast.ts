/** One multicast group, or all of a network (HP §2.11). */
import type { Data, SendResult } from "../connection/connection.js";
import type { IpAddress } from "../engine/engine.js";
import { CastComponent } from "./cast-component.js";
import {
  assertCastOpen,
  type CastOpenOptions,
  castHost,
  castTarget,
  memberships,
} from "./cast-options.js";
import type { CastOptions } from "./cast-settings.js";
import type { CastSocket } from "./cast-socket.js";
import type { SendTarget } from "./udp-peer-address.js";

/** Options of a {@link UdpCast}. */
export type UdpCastOptions = CastOptions<UdpCast>;

const NOWHERE: SendTarget = { host: "0.0.0.0", port: 1 };

/**
 * A UDP cast: hears all that is sent to a multicast group or a network, and sends to all of it. There are no
 * connections, no probes and no order. What this host sends comes back to it with `multicastLoop` only; broadcasts
 * always do.
 */
export class UdpCast extends CastComponent<UdpCast> {
  readonly #socket: CastSocket<UdpCast>;
  #to: SendTarget = NOWHERE;

  constructor(options: UdpCastOptions = {}) {
    let socket: CastSocket<UdpCast> | undefined;
    super(options, (made) => {
      socket = made;
    });
    this.#socket = socket as unknown as CastSocket<UdpCast>;
  }

  /** Where it sends to; undefined while it is not open. */
  get castAddress(): SendTarget | undefined {
    return this.#socket.isOpen ? this.#to : undefined;
  }

  /**
   * Opens the socket, joins the group, and resolves with the address. Rejects with `ADDRESS_IN_USE`,
   * `ADDRESS_NOT_AVAILABLE`, `ACCESS_DENIED`, `NOT_SUPPORTED`, `REFUSED` (by `onPrepareListen`), `STOPPED`, or
   * `INVALID_STATE` unless the cast is stopped.
   */
  async open(options: CastOpenOptions): Promise<IpAddress> {
    assertCastOpen(options);
    const socket = this.#socket;
    const find = () => Promise.resolve(castTarget(options, socket.settings));
    const address = await socket.open(find, memberships(options), options.interfaceHost);
    this.#to = { host: castHost(options), port: options.port };
    return address;
  }

  /**
   * Sends a datagram of at most `maxDatagramBytes` to all; an empty one is sent too. Returns `true`, `"slow"` above
   * `highWaterMarkBytes`, and `false` when it is lost: not open, or `maxPendingBytes` wait. Throws
   * `PACKET_INVALID` for one that is too long.
   */
  send(data: Data): SendResult {
    return this.#socket.sendTo(this.#to, data);
  }

  /** Sends several pieces as one datagram. See {@link send}. */
  sendAll(pieces: readonly Data[]): SendResult {
    return this.#socket.sendAllTo(this.#to, pieces);
  }
}
