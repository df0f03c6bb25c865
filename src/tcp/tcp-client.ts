/** One outbound connection (HP §2.6). */
import type { Duplex } from "node:stream";
import {
  type AnyModelRule,
  assertComponentOptions,
  type ChangeableSettings,
  type ComponentOptions,
  type ContextRule,
  OPTION_NAMES,
  type OutgoingHandlerRule,
} from "../connection/component/component-options.js";
import { StreamComponent } from "../connection/component/stream-component.js";
import type {
  Connection,
  Data,
  DuplexViewOptions,
  SendResult,
  SmallFileOptions,
  WaitOptions,
  WebView,
} from "../connection/connection.js";
import { Events } from "../connection/events/events.js";
import type { ConnectionSettings } from "../connection/settings.js";
import type { StreamConnection } from "../connection/stream-connection.js";
import {
  type ConnectOptions,
  LOCAL_END_NAMES,
  type LocalEnd,
  localEnd,
} from "../dial/connect-options.js";
import type { KeepAlive, TcpInfo } from "../engine/engine.js";
import type { TlsInfo } from "../engine/tls-options.js";
import { NetError } from "../errors.js";
import { type ClientParts, OutgoingClient } from "../outgoing/client.js";
import { Places } from "../outgoing/places.js";
import {
  assertReconnectHandlers,
  RECONNECT_NAMES,
  type ReconnectWish,
} from "../outgoing/reconnect-handlers.js";
import { reconnectOptions } from "../outgoing/reconnect-options.js";
import type { ReceiveModel } from "../receive/receive-model.js";
import { PacketRole } from "./packet-role.js";
import { type ClientSecurity, secured } from "./secured.js";
import { TcpDialer } from "./tcp-dialer.js";

/** Options of a {@link TcpClient}. */
export type TcpClientOptions<
  Received extends Buffer | number = Buffer,
  Context = unknown,
> = ComponentOptions<TcpClient<Received, Context>, Received, Context> &
  ContextRule<Context> &
  OutgoingHandlerRule &
  ClientSecurity &
  LocalEnd &
  ReconnectWish<TcpClient<Received, Context>>;

interface TcpClientParts extends ClientParts<StreamConnection, ConnectOptions> {
  readonly component: StreamComponent;
  readonly role: { isStopAwaited: boolean };
}

/**
 * A TCP client: one connection at a time. It has all operations of that connection itself, and is
 * what its handlers are given. When the connection has ended, `connect` can be called again, in
 * `onClose` too.
 */
export class TcpClient<
  Received extends Buffer | number = Buffer,
  Context = unknown,
> extends OutgoingClient<
  StreamConnection,
  Connection<Context>,
  ConnectionSettings,
  ConnectOptions
> {
  readonly #own: TcpClientParts;

  constructor(options?: TcpClientOptions<Received, Context>);
  constructor(
    options: TcpClientOptions<Buffer | number, Context> &
      AnyModelRule<TcpClient<Received, Context>>,
  );
  constructor(options: TcpClientOptions<Received, Context> = {} as never) {
    let own: TcpClientParts | undefined;
    super((client) => {
      own = clientParts(options, client as TcpClient<Received, Context>);
      return own;
    });
    this.#own = own as unknown as TcpClientParts;
  }

  /** Changes settings while running; see {@link ChangeableSettings}. Throws `INVALID_ARGUMENT`, `SETTING_FIXED`. */
  configure(changes: ChangeableSettings): void {
    this.#own.component.configure(changes, OPTION_NAMES);
  }

  /**
   * Makes the connection and resolves with the client when `onConnect` and `onHandshake` were called. Rejects like
   * {@link TcpAgent.connect}, and with `INVALID_STATE` while there is a connection, or one is waited for.
   */
  override async connect(options: ConnectOptions): Promise<this> {
    if (this.state === "stopped") this.#own.role.isStopAwaited = false;
    return super.connect(options);
  }

  /**
   * Resolves when the client is stopped, at once if it is. Rejects with `CLOSE_TIMEOUT` or `ABORTED` as `options`
   * say.
   */
  override async stopped(options: WaitOptions = {}): Promise<void> {
    this.#own.role.isStopAwaited = true;
    this.#current?.stopReading();
    await super.stopped(options);
  }

  // — the operations of the connection that only streams have —

  get #current(): StreamConnection | undefined {
    return this.#own.place.connection;
  }

  get #connected(): StreamConnection {
    if (this.#current !== undefined) return this.#current;
    throw new NetError("INVALID_STATE", "the client was never connected");
  }

  /** The receive model; setting it exchanges the model in mid-stream. Before the first connection: the model of the settings. */
  get receive(): ReceiveModel {
    return this.#current?.receive ?? this.settings.receive;
  }

  set receive(model: ReceiveModel) {
    if (this.isOpen) this.#connected.receive = model;
    else this.configure({ receive: model });
  }

  /**
   * Sends a whole file of at most 4,194,303 bytes, head and tail included, as one (HP §2.4). See
   * {@link Connection.sendSmallFile}.
   */
  async sendSmallFile(path: string, options?: SmallFileOptions): Promise<SendResult> {
    return (await this.#current?.sendSmallFile(path, options)) ?? false;
  }

  /** Resolves with the next thing received. See {@link Connection.read}. */
  override async read(byteCount: number, options?: WaitOptions): Promise<Buffer>;
  override async read(options?: WaitOptions): Promise<Buffer>;
  override async read(wish?: number | WaitOptions, options?: WaitOptions): Promise<Buffer> {
    return typeof wish === "number"
      ? this.#connected.read(wish, options)
      : this.#connected.read(wish === undefined ? options : wish);
  }

  /** Resolves with the bytes up to and including `delimiter`. See {@link Connection.readUntil}. */
  async readUntil(delimiter: Data, options?: WaitOptions): Promise<Buffer> {
    return this.#connected.readUntil(delimiter, options);
  }

  /**
   * Begins TLS on a connection that is plain so far, on a component with `tls: { start: "manual"
   * }`: what was sent goes out as plain text first, then the handshake begins.
   * See {@link Connection.startTls}.
   */
  async startTls(options?: WaitOptions): Promise<TlsInfo> {
    return this.#connected.startTls(options);
  }

  /**
   * What is known of TLS on this connection; undefined while it is plain, and after its end unless
   * it was read before. See {@link Connection.tls}.
   */
  get tls(): TlsInfo | undefined {
    return this.#current?.tls;
  }

  /**
   * Takes `byteCount` unread bytes, or returns undefined when fewer are there.
   * See {@link Connection.fetch}.
   */
  fetch(byteCount: number): Buffer | undefined {
    return this.#current?.fetch(byteCount);
  }

  /** The first `byteCount` unread bytes without taking them; undefined when fewer are there. See {@link Connection.peek}. */
  peek(byteCount: number): Buffer | undefined {
    return this.#current?.peek(byteCount);
  }

  /**
   * Sends what waits, then FIN: nothing more can be sent, and receiving goes on until the peer
   * finishes too. See {@link Connection.finish}.
   */
  finish(): boolean {
    return this.#current?.finish() ?? false;
  }

  /**
   * The connection as a stream of Node, for `pipeline` and libraries: back-pressure both ways,
   * `end` finishes, `destroy` aborts, and an error of the connection is the stream's.
   * See {@link Connection.toDuplex}.
   */
  toDuplex(options?: DuplexViewOptions): Duplex {
    return this.#connected.toDuplex(options);
  }

  /** The same as streams of the web. See {@link Connection.toWeb}. */
  toWeb(options?: DuplexViewOptions): WebView {
    return this.#connected.toWeb(options);
  }

  /** Sets `TCP_NODELAY`. See {@link Connection.setNoDelay}. */
  setNoDelay(on: boolean): void {
    this.#connected.setNoDelay(on);
  }

  /**
   * Sets the kernel's probes; returns what is in force, without the parts that the platform can't
   * set. See {@link Connection.setKeepAlive}.
   */
  setKeepAlive(keepAlive: KeepAlive | false): KeepAlive | false {
    return this.#connected.setKeepAlive(keepAlive);
  }

  /**
   * What the kernel knows of the connection; undefined where the engine can't ask.
   * See {@link Connection.tcpInfo}.
   */
  tcpInfo(): TcpInfo | undefined {
    return this.#current?.tcpInfo();
  }
}

/** What a TCP client is made of. */
function clientParts<Received extends Buffer | number, Context>(
  options: TcpClientOptions<Received, Context>,
  client: TcpClient<Received, Context>,
): TcpClientParts {
  const [engine, security] = secured("client", options);
  assertComponentOptions(options, "outgoing", [...LOCAL_END_NAMES, ...RECONNECT_NAMES]);
  assertReconnectHandlers(options);
  const local = localEnd(options);
  const reconnect = reconnectOptions(options.reconnect);
  const events = new Events<TcpClient<Received, Context>, Received>(options, client);
  const role = new PacketRole(events, options.context);
  const component = new StreamComponent(role, engine, security, options);
  const dialer = new TcpDialer(component, role, local);
  const startsTlsByHand = security?.startsAtOnce === false;
  const share = { component, dialer, events, handlers: options, startsTlsByHand };
  const places = new Places<StreamConnection, ConnectOptions>(share, () => {
    component.endedByItself();
  });
  role.places = places;
  return { component, dialer, places, place: places.make(reconnect), role };
}
