/**
 * One attempt to make an outgoing connection: look the name up, race its addresses, hand the stream
 * that wins over to the connection.
 *
 * The promise settles once: resolved when the handlers have let the connection in, rejected with
 * what ended it before. However it ends, `connection.streamClosed` is called once and later, as an
 * engine does it.
 */
import type { Dial } from "../connection/connection-ending.js";
import type { LiveConnection } from "../connection/live-connection.js";
import { Waiter } from "../connection/waiter.js";
import type { Address, ConnectTarget, StreamOptions, StreamSocket } from "../engine/engine.js";
import { AddressRace, interleaveFamilies, type RaceSink } from "../engine/happy-eyeballs.js";
import { NetError } from "../errors.js";
import { ATTEMPT_DELAY_MS, CONNECT_TIMEOUT_MS, type ConnectOptions } from "./connect-options.js";

/** Time between two attempts (RFC 8305 §5, "Connection Attempt Delay"). */
/** See the head of the file. */
export class Dialing implements Dial, RaceSink {
  readonly promise: Promise<void>;
  readonly #connection: LiveConnection;
  readonly #options: ConnectOptions;
  readonly #streamOptions: StreamOptions;
  readonly #waiter: Waiter<void>;
  #race: AddressRace | undefined;
  #isHeld = true;
  #isOver = false;

  constructor(connection: LiveConnection, options: ConnectOptions, streamOptions: StreamOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#streamOptions = streamOptions;
    connection.dial = this;
    connection.remoteHost = options.path === undefined ? (options.host ?? "127.0.0.1") : undefined;
    const forget = (error: NetError): void => {
      connection.fail(error);
    };
    const giveUp = { code: "CONNECT_TIMEOUT", operation: "connect", forget } as const;
    this.#waiter = new Waiter<void>(connection.service.wheel, options, giveUp, CONNECT_TIMEOUT_MS);
    this.promise = this.#waiter.promise;
  }

  /** Begins. Nothing is called from within. */
  start(): void {
    this.#addresses().then(
      (addresses) => this.#begin(addresses),
      (error: unknown) => this.raceLost(error as NetError),
    );
  }

  /** The connection shall not keep the process alive. */
  unref(): void {
    this.#isHeld = false;
  }

  async #addresses(): Promise<Address[]> {
    const { path, host = "127.0.0.1", port = 0, family = "any" } = this.#options;
    if (path !== undefined) return [{ path }];
    const hosts = await this.#connection.service.engine.resolve(host);
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
    this.#options.onLookup?.();
    const { localHost, localPort, attemptDelayMs = ATTEMPT_DELAY_MS.standard } = this.#options;
    const targets: ConnectTarget[] = addresses.map((address) => ({
      address,
      stream: this.#streamOptions,
      ...(localHost !== undefined && { localHost }),
      ...(localPort !== undefined && { localPort }),
    }));
    this.#race = new AddressRace(this.#connection.service.engine, targets, attemptDelayMs, this);
    try {
      this.#race.start();
    } catch (error) {
      this.raceLost(error as NetError);
    }
  }

  raceWon(stream: StreamSocket): void {
    this.#isOver = true;
    const connection = this.#connection;
    connection.stream = stream;
    stream.sink = connection;
    if (!this.#isHeld) stream.unref();
    connection.open(true);
    // A handler that closes the connection in good order has let it in.
    if (connection.state === "closing") this.#waiter.resolve();
  }

  established(): void {
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
    this.#race?.cancel();
    queueMicrotask(() => this.#connection.streamClosed(undefined));
    return true;
  }
}
