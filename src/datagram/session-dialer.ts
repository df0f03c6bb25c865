/** How agents and clients over datagrams make sessions. */
import type { Attempt, Dialer } from "../outgoing/dialer.js";
import type { ReconnectTarget } from "../outgoing/reconnect-options.js";
import { assertDatagramConnect, type DatagramConnectOptions } from "./datagram-options.js";
import type { Session } from "./session.js";
import type { SessionComponent } from "./session-component.js";
import { type PortCount, SessionDialing } from "./session-dialing.js";

/** Asks whether a session is to be made, and counts its sockets. */
export interface DialerRole extends PortCount {
  prepareConnect(session: Session): boolean;
}

/** How agents and clients over datagrams make sessions. */
export class SessionDialer implements Dialer<Session, DatagramConnectOptions> {
  readonly #component: SessionComponent;
  readonly #role: DialerRole;
  readonly #closeOnRefused: boolean;

  constructor(component: SessionComponent, role: DialerRole, closeOnRefused: boolean) {
    this.#component = component;
    this.#role = role;
    this.#closeOnRefused = closeOnRefused;
  }

  assert(options: DatagramConnectOptions): void {
    assertDatagramConnect(options);
  }

  prepare(options: DatagramConnectOptions): Attempt<Session> {
    return (entered) => {
      const session = this.#component.admit();
      entered(session);
      const dialing = new SessionDialing(this.#component, session, options, {
        ports: this.#role,
        closeOnRefused: this.#closeOnRefused,
      });
      if (this.#role.prepareConnect(session)) dialing.start();
      return dialing.promise;
    };
  }

  at(options: DatagramConnectOptions, { host, port }: ReconnectTarget): DatagramConnectOptions {
    return { ...options, ...(host !== undefined && { host }), port };
  }
}
