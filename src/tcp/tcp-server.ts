/** Many inbound connections (HP §2.4). */
import {
  type AnyModelRule,
  assertComponentOptions,
  type ChangeableSettings,
  type ComponentOptions,
  type ContextRule,
  type ServerHandlerRule,
} from "../connection/component/component-options.js";
import { StreamComponent } from "../connection/component/stream-component.js";
import { StreamGroup } from "../connection/component/stream-group.js";
import type { Connection } from "../connection/connection.js";
import { Events } from "../connection/events/events.js";
import {
  ADMISSION_NAMES,
  type AdmissionOptions,
  admissionAmong,
} from "../connection/listening/admission.js";
import { Listening, type ListenOptions } from "../connection/listening/listening.js";
import type { Address, IpAddress } from "../engine/engine.js";
import { assertObject } from "../errors.js";
import { PacketRole } from "./packet-role.js";
import { type ServerSecurity, secured } from "./secured.js";

/** Options of a {@link TcpServer}. */
export type TcpServerOptions<
  Received extends Buffer | number = Buffer,
  Context = unknown,
> = ComponentOptions<Connection<Context>, Received, Context> &
  ContextRule<Context> &
  ServerHandlerRule &
  ServerSecurity &
  AdmissionOptions;

/** What can be given to `configure` of a server. */
export interface ServerChanges extends ChangeableSettings, AdmissionOptions {}

/** A TCP server: accepts connections on one address. */
export class TcpServer<
  Received extends Buffer | number = Buffer,
  Context = unknown,
> extends StreamGroup<Context> {
  readonly #component: StreamComponent;
  readonly #listening: Listening;

  constructor(options?: TcpServerOptions<Received, Context>);
  constructor(
    options: TcpServerOptions<Buffer | number, Context> & AnyModelRule<Connection<Context>>,
  );
  constructor(options: TcpServerOptions<Received, Context> = {} as never) {
    const [engine, security] = secured("server", options);
    assertComponentOptions(options, "server", ADMISSION_NAMES);
    const events = new Events(options);
    // Where no handler gets a connection, it will not be read from.
    events.mayBeRead = [options.onAccept, options.onHandshake, options.context].some(Boolean);
    const role = new PacketRole(events, options.context);
    const component = new StreamComponent(role, engine, security, options);
    super(component);
    this.#component = component;
    this.#listening = new Listening(component, role, options);
    role.listening = this.#listening;
  }

  /** Where the server listens; undefined while it does not. */
  get address(): Address | undefined {
    return this.#listening.address;
  }

  /** The port it listens on; 0 while it does not, and on a path. */
  get port(): number {
    return this.#listening.port;
  }

  /**
   * Begins to listen and resolves with the address, which has the port that was chosen. Rejects with
   * `ADDRESS_IN_USE`, `ADDRESS_NOT_AVAILABLE`, `ACCESS_DENIED`, `HOST_NOT_FOUND`, `NOT_SUPPORTED`,
   * `REFUSED` (by `onPrepareListen`), `STOPPED`, or `INVALID_STATE` unless the server is stopped.
   */
  listen(options?: ListenOptions & { readonly path?: never }): Promise<IpAddress>;
  listen(options: ListenOptions): Promise<Address>;
  listen(options: ListenOptions = {}): Promise<Address> {
    return this.#listening.listen(options);
  }

  /**
   * Changes settings, also while running: see `TcpAgent.configure`; and who may come in, for peers to come.
   * Throws `SETTING_FIXED`, `INVALID_ARGUMENT`; then nothing is changed.
   */
  override configure(changes: ServerChanges): void {
    assertObject("the options of configure", changes);
    const [admission, settings] = admissionAmong(changes);
    this.#listening.configure(admission, () => super.configure(settings));
  }

  /** Lets the process end while the server listens and connections are open. */
  unref(): void {
    this.#component.unref();
    this.#listening.unref();
  }

  /** Takes {@link unref} back. */
  ref(): void {
    this.#component.ref();
    this.#listening.ref();
  }
}
