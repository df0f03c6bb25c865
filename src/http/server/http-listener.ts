import { Component } from "../../connection/component.js";
import { assertComponentOptions } from "../../connection/component-options.js";
import { ConnectionGroup } from "../../connection/connection-group.js";
import { Events } from "../../connection/events.js";
import { Listening, type ListenOptions } from "../../connection/listening.js";
import type { PacketEvents } from "../../connection/packet-events.js";
import type { StreamConnection } from "../../connection/stream-connection.js";
import type { Address, IpAddress } from "../../engine/engine.js";
import { PacketRole } from "../../tcp/packet-role.js";
import { secured } from "../../tcp/secured.js";
import type { TcpServerOptions } from "../../tcp/tcp-server.js";
import type { LiveHttpConnection } from "./live-http-connection.js";

/** The TCP server below. Its connections end when what is under way on them is answered. */
export class HttpListener extends ConnectionGroup<LiveHttpConnection> {
  readonly component: Component;
  readonly #listening: Listening;

  constructor(options: TcpServerOptions<Buffer, LiveHttpConnection>) {
    const [engine, security] = secured("server", options);
    assertComponentOptions(options);
    const events = Object.assign(new Events(options), {
      stopping: (connection: Parameters<NonNullable<PacketEvents["stopping"]>>[0]) => {
        const http = (connection as StreamConnection).context as LiveHttpConnection | undefined;
        if (http?.close() === true || http?.isFinishing === true) return;
        connection.close();
      },
    });
    const role = new PacketRole(events, options.context);
    const component = new Component(role, engine, security, options);
    super(component);
    this.component = component;
    this.#listening = new Listening(component, role);
    role.listening = this.#listening;
  }

  get address(): Address | undefined {
    return this.#listening.address;
  }

  get port(): number {
    return this.#listening.port;
  }

  listen(options?: ListenOptions & { readonly path?: never }): Promise<IpAddress>;
  listen(options: ListenOptions): Promise<Address>;
  listen(options: ListenOptions = {}): Promise<Address> {
    return this.#listening.listen(options);
  }

  unref(): void {
    this.component.unref();
    this.#listening.unref();
  }

  ref(): void {
    this.component.ref();
    this.#listening.ref();
  }
}
