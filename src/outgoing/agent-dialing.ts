import type { Component } from "../connection/component/component.js";
import type { WaitOptions } from "../connection/connection.js";
import { throwIfAborted } from "../connection/waiting/waiter.js";
import { NetError } from "../errors.js";
import type { Dialer } from "./dialer.js";
import { assertRoom, type Place } from "./place.js";
import type { Placed, Places } from "./places.js";
import type { ReconnectChoice } from "./reconnect-handlers.js";
import { type ReadReconnectOptions, reconnectOptions } from "./reconnect-options.js";

/** How an agent connects: once, or again whenever the connection is lost. */
export class AgentDialing<One extends Placed, Destination extends WaitOptions> {
  private readonly component: Component<One, One["settings"]>;
  private readonly dialer: Dialer<One, Destination>;
  private readonly places: Places<One, Destination>;
  private readonly reconnect: ReadReconnectOptions | undefined;
  private readonly canReconnect: boolean;

  /**
   * `reconnect`: where `connect` does not say otherwise. `canReconnect`: whether `connect` may say anything of it.
   * Throws `INVALID_ARGUMENT`.
   */
  constructor(
    component: Component<One, One["settings"]>,
    dialer: Dialer<One, Destination>,
    places: Places<One, Destination>,
    reconnect: ReconnectChoice["reconnect"],
    canReconnect: boolean,
  ) {
    this.component = component;
    this.dialer = dialer;
    this.places = places;
    this.reconnect = reconnectOptions(reconnect);
    this.canReconnect = canReconnect;
  }

  /** See `TcpAgent.connect`. */
  async connect(options: Destination & ReconnectChoice): Promise<One> {
    const [destination, reconnect] = this.read(options);
    throwIfAborted(destination, "connect");
    this.assertRoom();
    const attempt = this.dialer.prepare(destination);
    if (reconnect === undefined) {
      let connection: One | undefined;
      await attempt((entered) => {
        connection = entered;
      });
      return connection as One;
    }
    const place = this.places.make(reconnect);
    place.slot.begin();
    await place.connect(destination, attempt);
    return place.connection as One;
  }

  private read(
    options: Destination & ReconnectChoice,
  ): [Destination, ReadReconnectOptions | undefined] {
    if (!this.canReconnect || options?.reconnect === undefined) {
      this.dialer.assert(options);
      return [options, this.reconnect];
    }
    const { reconnect, ...destination } = options;
    this.dialer.assert(destination as unknown as Destination);
    return [destination as unknown as Destination, reconnectOptions(reconnect)];
  }

  /** Starts the agent. Destinations that wait for a connection have the room that this will take. */
  private assertRoom(): void {
    const component = this.component;
    if (component.state === "stopped") {
      component.move("start");
      component.move("ready");
    } else if (component.state !== "started") {
      throw new NetError("INVALID_STATE", `can't connect: the agent is ${component.state}`, {
        operation: "connect",
      });
    }
    assertRoom(component, this.places.waitingCount);
  }

  targets(): Place<One, Destination>[] {
    return this.places.list();
  }

  target(id: number): Place<One, Destination> | undefined {
    return this.places.find(id);
  }

  /** The component was told to keep the process alive, or not to. */
  holdChanged(): void {
    this.places.holdChanged();
  }
}
