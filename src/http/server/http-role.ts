/** What an HTTP server does with its connections. */
import type { CloseReason } from "../../connection/close-reason.js";
import type { StreamRole } from "../../connection/component/stream-component.js";
import { Events } from "../../connection/events/events.js";
import type { Handlers, MayRefuse } from "../../connection/events/handlers.js";
import type { Listening, ListeningRole } from "../../connection/listening/listening.js";
import type { Receiver } from "../../connection/receiver.js";
import type { StreamConnection } from "../../connection/stream-connection.js";
import type { Address, ListenTarget } from "../../engine/engine.js";
import type { NetError } from "../../errors.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import { ResponseCompression } from "./compression/response-compression.js";
import type { HandlerCalls } from "./handler-calls.js";
import { HttpReceiver, type ReceiverServices } from "./http-receiver.js";
import type { HttpServerConnection } from "./http-server-connection.js";
import type { HttpServerOptions } from "./http-server-options.js";
import type { HttpServerConfiguration } from "./http-server-settings.js";
import { IdleConnections } from "./idle-connections.js";
import { PipelinePool } from "./pipeline-pool.js";
import { ServerResources } from "./server-resources.js";

/** The role of an HTTP server. */
export class HttpRole implements StreamRole, ListeningRole, ReceiverServices {
  /** No packets of the application's. */
  readonly packetEvents: undefined;
  readonly resources: ServerResources;
  readonly pipelines: PipelinePool;
  readonly fresh: IdleConnections;
  readonly idle: IdleConnections;
  /** What lets connections in. */
  listening: Listening | undefined = undefined;
  readonly events: Events<StreamConnection, Buffer>;
  private readonly makeContext: HttpServerOptions["context"];

  constructor(
    options: HttpServerOptions,
    wheel: TimingWheel,
    calls: HandlerCalls,
    configuration: HttpServerConfiguration,
  ) {
    this.events = new Events(lifeHandlers(options, this));
    this.makeContext = options.context;
    this.resources = new ServerResources(
      wheel,
      calls,
      configuration,
      new ResponseCompression(options.compression),
    );
    this.pipelines = new PipelinePool(this.resources);
    this.fresh = new IdleConnections(wheel, configuration.limits.headTimeoutMs);
    this.idle = new IdleConnections(wheel, idleLookMs(configuration));
  }

  /** Takes other settings. */
  configure(configuration: HttpServerConfiguration): void {
    this.resources.configuration = configuration;
    this.pipelines.clear();
    this.fresh.setLimit(configuration.limits.headTimeoutMs);
    this.idle.setLimit(idleLookMs(configuration));
  }

  // — calls of the component, and of what lets connections in —

  askListen(target: ListenTarget): void {
    this.events.askListen(target);
  }

  prepare(connection: StreamConnection): void {
    connection.context = HttpReceiver.begin(this, connection);
  }

  /** The receiver that a connection was given. */
  receiverOf(connection: StreamConnection): HttpReceiver {
    return HttpReceiver.of(this, connection);
  }

  createReceiver(connection: StreamConnection): Receiver {
    return this.receiverOf(connection);
  }

  /** It stays the connection's own, and hears of all that is sent. */
  takeBackReceiver(connection: StreamConnection, receiver: Receiver): boolean {
    if (connection.context !== receiver || connection.pendingBytes > 0) return false;
    return this.receiverOf(connection).isIdle;
  }

  opened(connection: StreamConnection, isOutgoing: boolean): void {
    if (this.makeContext !== undefined) {
      const { handle } = this.receiverOf(connection);
      this.events.makeContext(connection, this.makeContext, "accept", handle);
      if (connection.state !== "handshaking") return;
    }
    this.events.opened(connection, isOutgoing);
  }

  ready(connection: StreamConnection): void {
    this.events.ready(connection);
  }

  closed(connection: StreamConnection, reason: CloseReason): void {
    // Its receiver may be another protocol's, or not made yet.
    HttpReceiver.known(connection)?.closed(reason);
    this.events.closed(connection, reason);
  }

  refused(error: NetError, remoteAddress: Address | undefined): void {
    this.events.refused(error, remoteAddress);
  }

  shutdown(): void {
    this.pipelines.clear();
    this.resources.addedFields.end();
    this.fresh.end();
    this.idle.end();
    this.events.shutdown();
  }

  closeListeners(): void {
    this.listening?.close();
  }

  hasListeners(): boolean {
    return this.listening?.isOpen === true;
  }
}

/** When connections without a request are looked at: one that is kept for any time may not take its response. */
function idleLookMs({ idleMs, limits }: HttpServerConfiguration): number {
  return idleMs > 0 ? idleMs : limits.sendTimeoutMs;
}

/** The handlers of the life of connections, which get the connection as HTTP has it. */
function lifeHandlers(
  options: HttpServerOptions,
  role: HttpRole,
): Handlers<StreamConnection, Buffer> {
  const { onPrepareListen, onAccept, onHandshake, onClose, onRefuse, onShutdown } = options;
  const { onSend, onDrain, onEnd } = options;
  const noted =
    (handler: (connection: HttpServerConnection) => unknown) => (connection: StreamConnection) =>
      handler.call(options, role.receiverOf(connection).handle);
  type Handler = (connection: HttpServerConnection) => MayRefuse;
  const told = (handler: Handler) => (connection: StreamConnection) =>
    handler.call(options, role.receiverOf(connection).handle);
  return {
    ...(onPrepareListen && {
      onPrepareListen: (target: ListenTarget) => onPrepareListen.call(options, target),
    }),
    ...(onAccept && { onAccept: told(onAccept) }),
    ...(onHandshake && { onHandshake: told(onHandshake) }),
    ...(onSend && {
      onSend: (connection: StreamConnection, byteCount: number) =>
        onSend.call(options, role.receiverOf(connection).handle, byteCount),
    }),
    ...(onDrain && { onDrain: noted(onDrain) }),
    ...(onEnd && { onEnd: noted(onEnd) }),
    ...(onClose && {
      onClose: (connection: StreamConnection, reason: CloseReason) =>
        onClose.call(options, role.receiverOf(connection).handle, reason),
    }),
    ...(onRefuse && {
      onRefuse: (error: NetError, from: Address | undefined) => onRefuse.call(options, error, from),
    }),
    ...(onShutdown && { onShutdown: () => onShutdown.call(options) }),
  };
}
