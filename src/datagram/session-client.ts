/**
 * A component with one outgoing session at a time. It has all operations of that connection itself, and is what
 * its handlers are given. When the connection has ended, `connect` can be called again, in `onClose` too.
 */
import { Events } from "../connection/events/events.js";
import type { Engine } from "../engine/engine.js";
import type { Given } from "../options.js";
import { type ClientParts, OutgoingClient } from "../outgoing/client.js";
import { Places } from "../outgoing/places.js";
import type { ReconnectWish } from "../outgoing/reconnect-handlers.js";
import { reconnectOptions } from "../outgoing/reconnect-options.js";
import {
  type DatagramConnectOptions,
  OUTGOING_OPTION_NAMES,
  type OutgoingOptions,
} from "./datagram-options.js";
import { DatagramRole } from "./datagram-role.js";
import type { DatagramSettings } from "./datagram-settings.js";
import type { MessageConnection } from "./message-connection.js";
import type { Session } from "./session.js";
import { SessionComponent } from "./session-component.js";
import { SessionDialer } from "./session-dialer.js";
import type { SessionProtocol } from "./session-link.js";

interface SessionClientParts extends ClientParts<Session, DatagramConnectOptions> {
  readonly component: SessionComponent;
}

/** What clients over datagrams have in common. */
export abstract class SessionClient<
  Handle,
  Context,
  Seen extends MessageConnection<Context> = MessageConnection<Context>,
> extends OutgoingClient<Session, Seen, DatagramSettings, DatagramConnectOptions> {
  readonly #component: SessionComponent;
  readonly #optionNames: readonly string[];

  /** `protocol` is left out where each datagram is a message. The options were checked: `optionNames` are all there are. */
  constructor(
    options: OutgoingOptions<Handle, Context> & ReconnectWish<Handle>,
    engine: Engine,
    protocol: SessionProtocol | undefined,
    optionNames: readonly string[] = OUTGOING_OPTION_NAMES,
  ) {
    let component: SessionComponent | undefined;
    super((client) => {
      const parts = clientParts<Handle, Context>(options, engine, protocol, client as Handle);
      component = parts.component;
      return parts;
    });
    this.#component = component as unknown as SessionComponent;
    this.#optionNames = optionNames;
  }

  /** Changes settings while running. Throws `INVALID_ARGUMENT`, and `SETTING_FIXED` for what can't be changed. */
  configure(changes: Given<DatagramSettings>): void {
    this.#component.change(changes, this.#optionNames);
  }
}

/** What a client over datagrams is made of. */
function clientParts<Handle, Context>(
  options: OutgoingOptions<Handle, Context> & ReconnectWish<Handle>,
  engine: Engine,
  protocol: SessionProtocol | undefined,
  client: Handle,
): SessionClientParts {
  const reconnect = reconnectOptions(options.reconnect);
  const events = new Events<Handle, Buffer>(options, client);
  const role = new DatagramRole<Handle, Context>(events, options.context);
  const component = new SessionComponent(role, engine, protocol, options);
  const dialer = new SessionDialer(component, role, options);
  const share = { component, dialer, events, handlers: options };
  const places = new Places<Session, DatagramConnectOptions>(share, () => {
    component.endedByItself();
  });
  role.places = places;
  return { component, dialer, places, place: places.make(reconnect) };
}
