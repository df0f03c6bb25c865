import type { ProxyChoice } from "../dial/proxy-route.js";
import type { Attempt, Dialer } from "../outgoing/dialer.js";
import type { ReconnectTarget } from "../outgoing/reconnect-options.js";
import {
  assertDatagramConnect,
  type DatagramConnectOptions,
  relayingProxy,
} from "./datagram-options.js";
import type { Session } from "./session.js";
import type { SessionComponent } from "./session-component.js";
import { type PortCount, SessionDialing } from "./session-dialing.js";

/** Asks whether a session is to be made, and counts its sockets. */
export interface DialerRole extends PortCount {
  prepareConnect(session: Session): boolean;
}

/** What the component's options say of all its sessions. */
export interface DialerWish {
  readonly closeOnRefused?: boolean | undefined;
  readonly proxy?: ProxyChoice | undefined;
}

/** How agents and clients over datagrams make sessions. */
export class SessionDialer implements Dialer<Session, DatagramConnectOptions> {
  private readonly component: SessionComponent;
  private readonly role: DialerRole;
  private readonly wish: DialerWish;

  constructor(component: SessionComponent, role: DialerRole, wish: DialerWish) {
    this.component = component;
    this.role = role;
    this.wish = wish;
  }

  assert(options: DatagramConnectOptions): void {
    assertDatagramConnect(options);
  }

  prepare(options: DatagramConnectOptions): Attempt<Session> {
    const { closeOnRefused = false, proxy } = this.wish;
    const hop = relayingProxy(options, proxy);
    return (entered) => {
      const session = this.component.admit();
      entered(session);
      const dialing = new SessionDialing(this.component, session, options, {
        hop,
        ports: this.role,
        closeOnRefused,
      });
      if (this.role.prepareConnect(session)) dialing.start();
      return dialing.promise;
    };
  }

  at(options: DatagramConnectOptions, { host, port }: ReconnectTarget): DatagramConnectOptions {
    return { ...options, ...(host !== undefined && { host }), port };
  }
}
