/**
 * A component with many connections. Each operation on a connection exists here by id as well; for
 * an id that is not (or no longer) there it answers false or undefined, and never throws.
 *
 * Servers and agents extend it, over streams and over datagrams: it is their public face, some thirty operations, each of
 * which they would have to pass on to a part. What they do is in parts: `Component`, `Listening`, the dialing.
 */
import { assertFunction, assertKnownKeys, assertObject, describe, NetError } from "../../errors.js";
import { reasonOf } from "../close-reason.js";
import type { AnyConnection, Connection, Data, SendResult, WaitOptions } from "../connection.js";
import { bytesOf } from "../data.js";
import { answeredAtOnce } from "../events/handlers.js";
import type { Member } from "../member.js";
import type { BroadcastResult } from "./broadcast.js";
import type { Component } from "./component.js";
import type { ComponentStats, StopOptions, StopResult } from "./component-options.js";
import { closeOldOnes, closeSilentOnes } from "./mass-close.js";
import type { ServiceState } from "./service-state.js";

/** Whom a broadcast goes to. */
export interface BroadcastOptions<Handle = Connection> {
  /** A connection that does not get it, or its id. */
  readonly except?: { readonly id: number } | number | undefined;
  /** Returns whether a connection gets it. */
  readonly filter?: ((connection: Handle) => boolean) | undefined;
}

/**
 * What servers and agents have in common: operations on all of their connections, and on each by its id. `Held`: the class
 * behind the connections; `Handle`: what the application sees of it.
 */
export abstract class ConnectionGroup<
  Held extends Member & AnyConnection,
  Handle extends AnyConnection,
  Settings extends Held["settings"],
> implements AsyncDisposable
{
  readonly #component: Component<Held, Settings>;

  constructor(component: Component<Held, Settings>) {
    this.#component = component;
  }

  #find(id: number): Held | undefined {
    return this.#component.registry.find(id);
  }

  // — the component —

  /** Where the component is in its life (HP §2.0). */
  get state(): ServiceState {
    return this.#component.state;
  }

  /** Settings in force. Change them with {@link configure}. */
  get settings(): Settings {
    return this.#component.settings;
  }

  /** What the component has done so far. */
  get stats(): ComponentStats {
    return this.#component.stats;
  }

  /** Connections at present, those included that are being made or closed. */
  get connectionCount(): number {
    return this.#component.connectionCount;
  }

  /**
   * Stops: nothing new comes in, what waits is sent, every connection is closed, and whatever is left
   * after `drainMs` is cut. Resolves when all is over and `onShutdown` was called. May be called
   * anywhere, handlers included; a second call joins the first.
   */
  stop(options?: StopOptions): Promise<StopResult> {
    return this.#component.stop(options);
  }

  /** Resolves when the component is stopped, at once if it is (HP §2.3 Wait). */
  stopped(options?: WaitOptions): Promise<void> {
    return this.#component.stopped(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  // — connections by id —

  /** Ids of the connections at present. */
  connectionIds(): number[] {
    return this.#component.registry.ids();
  }

  /** The connection with this id, or undefined. */
  connection(id: number): Handle | undefined {
    return this.#find(id) as AnyConnection | undefined as Handle | undefined;
  }

  /** The connection with this `key`, or undefined. See {@link Connection.key}. */
  byKey(key: unknown): Handle | undefined {
    return this.#component.keys.find(key) as AnyConnection | undefined as Handle | undefined;
  }

  /**
   * Ends the connection when nothing comes for `idleTimeoutMs`, counted from when something came
   * last; 0: never. See {@link Connection.setIdleTimeout}.
   */
  setIdleTimeout(id: number, idleTimeoutMs: number): boolean {
    return this.#find(id)?.setIdleTimeout(idleTimeoutMs) ?? false;
  }

  /**
   * Closes the connection, with the code `DEADLINE_PASSED`, `deadlineMs` from now, whatever comes
   * until then: time for a login, say. See {@link Connection.setDeadline}.
   */
  setDeadline(id: number, deadlineMs: number, reason?: string): boolean {
    return this.#find(id)?.setDeadline(deadlineMs, reason) ?? false;
  }

  /** Sends bytes or text; with a packet model as one packet. See {@link Connection.send}. */
  send(id: number, data: Data): SendResult {
    return this.#find(id)?.send(data) ?? false;
  }

  /**
   * Sends several pieces as one; with a packet model as one packet.
   * See {@link Connection.sendAll}.
   */
  sendAll(id: number, pieces: readonly Data[]): SendResult {
    return this.#find(id)?.sendAll(pieces) ?? false;
  }

  /**
   * Sends the same to every connection, or to those that `filter` takes, but not to `except`. It is
   * framed and encoded once, and kept once, however many get it. A peer that does not take what it is sent
   * holds nobody up: `slowConsumer` says what happens to it. Returns how many took it.
   *
   * Throws `PACKET_INVALID` and `INVALID_ARGUMENT` before anything is sent.
   */
  broadcast(data: Data, options: BroadcastOptions<Handle> = {}): BroadcastResult {
    const bytes = bytesOf(data);
    assertObject("the options of broadcast", options);
    assertKnownKeys("broadcast", options, ["except", "filter"]);
    const { except, filter } = options;
    if (filter !== undefined) assertFunction("filter", filter);
    const exceptId = typeof except === "object" ? except.id : except;
    const targets = this.#component.registry.list().filter((connection) => {
      if (connection.id === exceptId) return false;
      return (
        filter === undefined ||
        answeredAtOnce(filter(connection as AnyConnection as Handle), "filter")
      );
    });
    return this.#component.sendToAll(targets, bytes);
  }

  /**
   * Subscribes to a topic of its component: an exact name of at most 1,024 characters.
   * See {@link Connection.subscribe}.
   */
  subscribe(id: number, topic: string): boolean {
    return this.#find(id)?.subscribe(topic) ?? false;
  }

  /** Takes a subscription back; false where there was none. See {@link Connection.unsubscribe}. */
  unsubscribe(id: number, topic: string): boolean {
    return this.#find(id)?.unsubscribe(topic) ?? false;
  }

  /** Sends to all subscribers of a topic; see {@link Connection.publish}. */
  publish(topic: string, data: Data): number {
    return this.#component.topics.send(topic, data);
  }

  /** Subscribers of a topic. */
  subscriberCount(topic: string): number {
    return this.#component.topics.table.count(topic);
  }

  /** Topics with subscribers. */
  topics(): string[] {
    return this.#component.topics.table.topics();
  }

  /** See {@link Connection.request}. Rejects with `CONNECTION_CLOSED` for an id that is not there. */
  async request(id: number, data: Data, options?: WaitOptions): Promise<Buffer> {
    const connection = this.#find(id);
    if (connection === undefined)
      throw new NetError("CONNECTION_CLOSED", `there is no connection ${describe(id)}`);
    return connection.request(data, options);
  }

  /** Stops receiving; the kernel holds the peer of a stream back. See {@link Connection.pause}. */
  pause(id: number): boolean {
    return this.#find(id)?.pause() ?? false;
  }

  /** Goes on receiving. See {@link Connection.resume}. */
  resume(id: number): boolean {
    return this.#find(id)?.resume() ?? false;
  }

  /**
   * Closes in good order: sends what waits, and over a stream FIN, waits for the peer's FIN for at
   * most `closeTimeoutMs`. See {@link Connection.close}.
   */
  close(id: number): boolean {
    return this.#find(id)?.close() ?? false;
  }

  /**
   * Ends the connection at once, a stream with a reset; what waits is not sent.
   * See {@link Connection.abort}.
   */
  abort(id: number): boolean {
    return this.#find(id)?.abort() ?? false;
  }

  /** Closes all connections from which nothing came for `silentMs`; returns how many (HP §2.3). */
  closeSilent(silentMs: number): number {
    return closeSilentOnes(this.#component.registry.list(), silentMs, closeFor);
  }

  /** Closes all connections that are older than `ageMs`; returns how many (HP §2.3). */
  closeOlderThan(ageMs: number): number {
    return closeOldOnes(this.#component.registry.list(), ageMs, closeFor);
  }
}

function closeFor(connection: Member, error: NetError): boolean {
  return connection.closeWith(reasonOf(error, "close"));
}
