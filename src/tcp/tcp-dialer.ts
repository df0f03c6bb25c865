import type { StreamComponent } from "../connection/component/stream-component.js";
import type { StreamConnection } from "../connection/stream-connection.js";
import {
  assertConnectOptions,
  type ConnectOptions,
  dialOptions,
  type LocalEnd,
} from "../dial/connect-options.js";
import { Dialing } from "../dial/dialing.js";
import type { Attempt, Dialer } from "../outgoing/dialer.js";
import type { ReconnectTarget } from "../outgoing/reconnect-options.js";
import { schemeOf } from "./secured.js";

/** Asks whether a connection is to be made, and gives it its context. */
export interface ConnectRole {
  prepareConnect(connection: StreamConnection): boolean;
}

/** How TCP clients and agents make connections. */
export class TcpDialer implements Dialer<StreamConnection, ConnectOptions> {
  private readonly component: StreamComponent;
  private readonly role: ConnectRole;
  private readonly localEnd: LocalEnd;

  constructor(component: StreamComponent, role: ConnectRole, localEnd: LocalEnd) {
    this.component = component;
    this.role = role;
    this.localEnd = localEnd;
  }

  assert(options: ConnectOptions): void {
    assertConnectOptions(options);
  }

  prepare(options: ConnectOptions): Attempt<StreamConnection> {
    const component = this.component;
    const target = dialOptions(options, this.localEnd, schemeOf(component.security));
    return (entered) => {
      const connection = component.admit();
      entered(connection);
      const dialing = new Dialing(component, connection, target);
      if (this.role.prepareConnect(connection)) dialing.start();
      return dialing.promise;
    };
  }

  at(options: ConnectOptions, { host, port }: ReconnectTarget): ConnectOptions {
    const { path: _, ...rest } = options;
    return { ...rest, ...(host !== undefined && { host }), port };
  }

  assertSendable(bytes: Buffer): void {
    this.component.settings.receive.encoder?.assertSendable([bytes], bytes.length);
  }
}
