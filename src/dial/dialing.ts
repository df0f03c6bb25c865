/**
 * One attempt to make an outgoing connection: look the name up, race its addresses, hand the stream
 * that wins over to the connection.
 *
 * The promise settles once: resolved when the handlers have let the connection in, rejected with
 * what ended it before. However it ends, `connection.streamClosed` is called once and later, as an
 * engine does it.
 */

import type { Dial } from "../connection/ending.js";
import { handlerError } from "../connection/handlers.js";
import type { StreamComponent } from "../connection/stream-component.js";
import type { StreamConnection } from "../connection/stream-connection.js";
import { streamOptions } from "../connection/stream-options.js";
import { Waiter } from "../connection/waiter.js";
import type { Address, ConnectTarget, StreamSocket } from "../engine/engine.js";
import { NetError } from "../errors.js";
import { ATTEMPT_DELAY_MS, CONNECT_TIMEOUT_MS, type ConnectOptions } from "./connect-options.js";
import { AddressRace, interleaveFamilies, type RaceSink } from "./happy-eyeballs.js";

/** See the head of the file. */
export class Dialing implements Dial, RaceSink {
  readonly promise: Promise<void>;
  /** Host name as given; what TLS verifies. */
  host: string | undefined;
  readonly #component: StreamComponent;
  readonly #connection: StreamConnection;
  #options: ConnectOptions;
  readonly #waiter: Waiter<void>;
  #lookup: AbortController | undefined;
  #race: AddressRace | undefined;
  #isOver = false;

  constructor(component: StreamComponent, connection: StreamConnection, options: ConnectOptions) {
    this.#component = component;
    this.#connection = connection;
    this.#options = options;
    this.host = options.path === undefined ? (options.host ?? "127.0.0.1") : undefined;
    connection.dial = this;
    const forget = (error: NetError): void => {
      connection.fail(error);
    };
    const giveUp = { code: "CONNECT_TIMEOUT", operation: "connect", forget } as const;
    this.#waiter = new Waiter<void>(component.service.wheel, options, giveUp, CONNECT_TIMEOUT_MS);
    this.promise = this.#waiter.promise;
  }

  /** Begins. Nothing is called from within. */
  start(): void {
    this.#addresses().then(
      (addresses) => this.#begin(addresses),
      (error: unknown) => this.raceLost(error as NetError),
    );
  }

  async #addresses(): Promise<Address[]> {
    const { path, host = "127.0.0.1", port = 0, family = "any" } = this.#options;
    if (path !== undefined) return [{ path }];
    this.#lookup = new AbortController();
    const hosts = await this.#component.service.engine.resolve(host, this.#lookup.signal);
    this.#lookup = undefined;
    const wanted = hosts.filter((found) => family === "any" || found.family === family);
    if (wanted.length === 0) {
      throw new NetError("HOST_NOT_FOUND", `${host} has no address of family ${family}`, {
        operation: "resolve",
      });
    }
    return interleaveFamilies(wanted).map((found) => ({ ...found, port }));
  }

  #begin(addresses: readonly Address[]): void {
    if (this.#isOver) return;
    try {
      this.#options.onLookup?.();
    } catch (error) {
      this.raceLost(handlerError("onLookup", "connect", error, this.#connection.id));
    }
    if (this.#isOver) return;
    const { localHost, localPort, attemptDelayMs = ATTEMPT_DELAY_MS.standard } = this.#options;
    const { settings, security } = this.#component;
    const stream = streamOptions(settings, security);
    const targets: ConnectTarget[] = addresses.map((address) => ({
      address,
      stream,
      ...(localHost !== undefined && { localHost }),
      ...(localPort !== undefined && { localPort }),
    }));
    this.#race = new AddressRace(this.#component.service.engine, targets, attemptDelayMs, this);
    try {
      this.#race.start();
    } catch (error) {
      this.raceLost(error as NetError);
    }
  }

  raceWon(stream: StreamSocket): void {
    this.#isOver = true;
    this.#race = undefined;
    const connection = this.#connection;
    connection.stream = stream;
    stream.sink = connection;
    if (!this.#component.isHeld) stream.unref();
    connection.open(true);
    // A handler that closes the connection in good order has let it in.
    if (connection.state === "closing") this.#waiter.resolve();
  }

  established(): void {
    // What was asked for is not kept as long as the connection lives.
    this.#options = {};
    this.#waiter.resolve();
  }

  raceLost(error: NetError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection.streamClosed(error);
    this.#waiter.reject(error);
  }

  cancel(): boolean {
    this.#waiter.reject(this.#connection.endError());
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#lookup?.abort();
    this.#race?.cancel();
    queueMicrotask(() => this.#connection.streamClosed(undefined));
    return true;
  }
}
