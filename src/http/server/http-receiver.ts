/**
 * The receiver of one connection of an HTTP server. Most connections are idle most of the time, so it has
 * nothing that only a request needs: see `request-pipeline.ts`.
 *
 *     idle ── bytes ──► busy ── nothing under way ──► idle        `pipeline` is set while it is busy
 *      │                 ├── 101, or 2xx to CONNECT ──► upgraded    what follows is another receiver's
 *      │                 └── the last response is given ──► shut ── all was sent ──► closed
 *      └── idle for too long, close ─────────────────────────┘
 */
import type { Buffer } from "node:buffer";
import { type CloseReason, reasonOf } from "../../connection/close-reason.js";
import { handlerError } from "../../connection/events/handlers.js";
import type { PacketEvents } from "../../connection/events/packet-events.js";
import type { Receiver } from "../../connection/receiver.js";
import type { StreamConnection } from "../../connection/stream-connection.js";
import type { NetError } from "../../errors.js";
import type { HttpServerConnection } from "./http-server-connection.js";
import type { IdleConnections, IdleEntry } from "./idle-connections.js";
import type { PipelinePool } from "./pipeline-pool.js";
import type { PipelineOwner, RequestPipeline } from "./request-pipeline.js";
import { UnsentResponses } from "./response/unsent-responses.js";
import { type HandledReceiver, ServerConnection } from "./server-connection.js";
import type { ServerExchange } from "./server-exchange.js";
import type { ServerResources } from "./server-resources.js";

/** What the connections of a server share. */
export interface ReceiverServices {
  readonly events: Pick<PacketEvents, "sent" | "drained" | "ended">;
  readonly resources: ServerResources;
  readonly pipelines: PipelinePool;
  /** Connections on which no request has come yet. */
  readonly fresh: IdleConnections;
  /** Connections between two requests. */
  readonly idle: IdleConnections;
}

/** What may be left to be sent when the connection closes: there is `closeTimeoutMs` for that. */
const REST_BYTES = 65_536;

/** Receives what one connection of a server brings. */
export class HttpReceiver implements Receiver, HandledReceiver, PipelineOwner, IdleEntry {
  readonly transport: StreamConnection;
  requestCount = 0;
  pipeline: RequestPipeline | undefined = undefined;
  idleList: IdleConnections | undefined = undefined;
  idleSinceMs = 0;
  previousIdle: IdleEntry | undefined = undefined;
  nextIdle: IdleEntry | undefined = undefined;
  private readonly services: ReceiverServices;
  private state: "open" | "upgraded" | "shut" | "closed" = "open";
  private unsent: UnsentResponses | undefined = undefined;
  private ownHandle: ServerConnection | undefined = undefined;

  constructor(services: ReceiverServices, transport: StreamConnection) {
    this.services = services;
    this.transport = transport;
  }

  /** The receiver of a connection on which a request is expected. */
  static begin(services: ReceiverServices, transport: StreamConnection): HttpReceiver {
    const receiver = new HttpReceiver(services, transport);
    services.fresh.add(receiver, Math.ceil(transport.wheel.clock.now()));
    return receiver;
  }

  /** Of a connection that was handed over with its first request, when nothing was to be remembered of it. */
  private static again(services: ReceiverServices, transport: StreamConnection): HttpReceiver {
    const receiver = new HttpReceiver(services, transport);
    receiver.state = "upgraded";
    receiver.requestCount = 1;
    return receiver;
  }

  /** The receiver that a connection of an HTTP server was given. */
  static of(services: ReceiverServices, connection: StreamConnection): HttpReceiver {
    return HttpReceiver.known(connection) ?? HttpReceiver.again(services, connection);
  }

  /** The same, where it was kept. */
  static known(connection: StreamConnection): HttpReceiver | undefined {
    const { context } = connection;
    return context instanceof HttpReceiver ? context : HANDED_OVER.get(connection);
  }

  /** What handlers are given. */
  get handle(): HttpServerConnection {
    if (this.ownHandle !== undefined) return this.ownHandle;
    if (this.isUpgraded) {
      const known = HttpReceiver.known(this.transport);
      if (known !== undefined && known !== this) return known.handle;
      HANDED_OVER.set(this.transport, this);
    }
    this.ownHandle = new ServerConnection(this);
    return this.ownHandle;
  }

  get id(): number {
    return this.transport.id;
  }

  get exchangeCount(): number {
    return this.pipeline?.exchangeCount ?? 0;
  }

  private get isUpgraded(): boolean {
    return this.state === "upgraded";
  }

  get isOpen(): boolean {
    return this.transport.isOpen && (this.state === "open" || this.isUpgraded);
  }

  /** Whether no request is under way, and more may come. */
  get isIdle(): boolean {
    return this.pipeline === undefined && this.state === "open";
  }

  /** Deadlines were changed. */
  limitsChanged(): void {
    this.pipeline?.limitsChanged();
  }

  // — the transport's calls —

  received(bytes: Buffer): number {
    if (this.state !== "open") return bytes.length;
    const pipeline = this.pipeline ?? this.beginPipeline();
    const taken = pipeline.feed(bytes);
    // The connection was handed over within the call: the receiver is not needed any more.
    if (this.isUpgraded) this.services.pipelines.give(pipeline);
    return taken;
  }

  private beginPipeline(): RequestPipeline {
    this.idleList?.remove(this);
    this.pipeline = this.services.pipelines.take(this);
    return this.pipeline;
  }

  ended(): void {
    this.services.events.ended(this.transport);
    if (this.pipeline !== undefined) this.pipeline.peerEnded();
    else this.shut();
  }

  sent(byteCount: number): void {
    const { pipeline, transport, state } = this;
    this.services.events.sent(transport, byteCount);
    this.unsent?.sent(transport.sentBytes);
    if (state === "shut" && transport.pendingBytes <= REST_BYTES) this.shut();
    else if (state === "open" && transport.pendingBytes === 0) pipeline?.allSent();
  }

  drained(): void {
    this.pipeline?.drained();
    this.services.events.drained(this.transport);
  }

  stopping(): void {
    // A connection that was shut ends by itself.
    if (this.state === "open") this.close();
  }

  closed(reason: CloseReason): void {
    this.state = "closed";
    this.idleList?.remove(this);
    this.unsent?.end(reason);
    const { pipeline } = this;
    this.pipeline = undefined;
    pipeline?.ended(reason);
  }

  // — how it ends —

  /** Closes in good order. `cause`: the reason that its end has; at once where the connection is another protocol's. */
  close(cause?: NetError): boolean {
    if (!this.isOpen) return false;
    const { pipeline, transport } = this;
    if (this.isUpgraded) {
      if (cause !== undefined) return transport.closeWith(reasonOf(cause, "close"));
      transport.stop();
    } else if (pipeline !== undefined) pipeline.close(cause);
    else this.shut(cause);
    return true;
  }

  get silentForMs(): number {
    // A peer that waits for a response is not silent.
    return this.exchangeCount > 0 ? 0 : this.transport.silentForMs;
  }

  get ageMs(): number {
    return this.transport.ageMs;
  }

  /** The application goes on reading. */
  resume(): boolean {
    const isResumed = this.transport.resume();
    if (isResumed) this.pipeline?.resumed();
    return isResumed;
  }

  /**
   * Closes in good order, as soon as little is left to be sent: a peer has all the time it needs for a
   * large response, as long as it goes on, but `closeTimeoutMs` for the rest.
   */
  shut(cause?: NetError): void {
    if (this.state === "closed") return;
    this.state = "shut";
    this.idleList?.remove(this);
    const { transport } = this;
    const isMuchLeft = transport.pendingBytes > REST_BYTES;
    const pipeline = isMuchLeft ? (this.pipeline ?? this.beginPipeline()) : this.pipeline;
    pipeline?.shut(cause);
    if (isMuchLeft) return;
    const failure = pipeline === undefined ? cause : pipeline.failure;
    if (failure === undefined) transport.close();
    else transport.closeWith(reasonOf(failure, "receive"));
  }

  idleTooLong(): void {
    const { resources, idle } = this.services;
    // A response that is still being sent counts as being given.
    if (this.transport.pendingBytes > 0) this.beginPipeline().watchSending();
    else if (resources.configuration.idleMs > 0 || this.requestCount === 0) this.shut();
    else idle.add(this, Math.ceil(this.transport.wheel.clock.now()));
  }

  // — the pipeline's calls —

  pipelineIdle(sinceMs: number): void {
    const { pipeline, services } = this;
    if (pipeline === undefined) return;
    this.pipeline = undefined;
    services.pipelines.give(pipeline);
    services.idle.add(this, sinceMs);
  }

  responseGiven(exchange: ServerExchange): void {
    const { transport } = this;
    const { calls } = this.services.resources;
    this.unsent ??= new UnsentResponses((complete, cut) => calls.responseComplete(complete, cut));
    const { sentBytes, pendingBytes } = transport;
    this.unsent.given(exchange, sentBytes + pendingBytes, sentBytes);
  }

  handedOver(): void {
    // How earlier responses leave is not reported any more.
    this.unsent?.end(undefined);
    if (this.ownHandle !== undefined || this.requestCount !== 1) {
      HANDED_OVER.set(this.transport, this);
    }
    this.transport.context = this.ownHandle?.context;
    this.state = "upgraded";
    this.pipeline = undefined;
  }

  handlerFailed(name: string, cause: unknown, exchange: ServerExchange | undefined): void {
    if (this.pipeline !== undefined) {
      this.pipeline.handlerFailed(name, cause, exchange);
      return;
    }
    const error = handlerError(name, "request", cause, this.id);
    this.services.resources.calls.report(error, exchange);
    if (this.state === "open") this.transport.closeWith(reasonOf(error, "receive"));
  }
}

/** Receivers of connections that were handed over, where there is something to remember. */
const HANDED_OVER: WeakMap<StreamConnection, HttpReceiver> = new WeakMap();
