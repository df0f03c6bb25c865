/**
 * Listeners of a socket that find who hears them in a field of the socket: they are the same functions
 * for all sockets, so that a stream costs one closure (its write callback) instead of six.
 *
 * Node closes the descriptor of a socket that has failed before it tells anybody. So `_destroy`, which does that, is
 * preceded by a word to the owner.
 */
import { Socket } from "node:net";
import type { SharedReader } from "./shared-reading.js";

const OWNER: unique symbol = Symbol("stream");

/** Gets the events of a socket. */
export interface SocketOwner {
  connected(): void;
  received(bytes: Buffer): void;
  /** Bytes came that are the receiver's own, on a stream that lends. */
  given(bytes: Buffer): void;
  ended(): void;
  /** The descriptor is about to be closed because of that: the last moment at which the kernel can be asked. */
  breaking(error: Error): void;
  failed(error: Error): void;
  gone(): void;
}

interface OwnedSocket extends Socket {
  [OWNER]?: SocketOwner;
}

const nothing = (): void => {};

/** The owner of a plain socket whose events the secured one reports. */
const NOBODY: SocketOwner = {
  connected: nothing,
  received: nothing,
  given: nothing,
  ended: nothing,
  breaking: nothing,
  failed: nothing,
  gone: nothing,
};

function onConnect(this: OwnedSocket): void {
  this[OWNER]!.connected();
}

function onData(this: OwnedSocket, bytes: Buffer): void {
  this[OWNER]!.received(bytes);
}

/** Tells the owner what comes into the one buffer of all plain sockets; see {@link SharedReading}. */
export const ownerReader: SharedReader = {
  lent(socket, bytes) {
    (socket as OwnedSocket)[OWNER]?.received(bytes);
  },
  given(socket, bytes) {
    (socket as OwnedSocket)[OWNER]?.given(bytes);
  },
};

function onEnd(this: OwnedSocket): void {
  this[OWNER]!.ended();
}

const { _destroy: destroyPlain } = Socket.prototype;

function destroy(
  this: OwnedSocket,
  error: Error | null,
  destroyed: (error?: Error | null) => void,
): void {
  if (error !== null) this[OWNER]?.breaking(error);
  destroyPlain.call(this, error, destroyed);
}

function onError(this: OwnedSocket, error: Error): void {
  this[OWNER]!.failed(error);
}

function onClose(this: OwnedSocket): void {
  this[OWNER]!.gone();
}

/** Passes the events of `socket` to `owner`; `withData`: received bytes as well. */
export function listen(socket: Socket, owner: SocketOwner, withData: boolean): void {
  const owned: OwnedSocket = socket;
  owned[OWNER] = owner;
  owned._destroy = destroy;
  if (withData) owned.on("data", onData);
  owned.on("end", onEnd);
  owned.on("error", onError);
  owned.on("close", onClose);
}

/** Passes the event `connect` to the owner. */
export function listenToConnect(socket: Socket): void {
  (socket as OwnedSocket).on("connect", onConnect);
}

/** Passes no events any more. Removing the listeners would cost as much as beginning TLS. */
export function disown(socket: Socket): void {
  const owned: OwnedSocket = socket;
  if (owned[OWNER] === undefined) owned.on("error", nothing);
  else owned[OWNER] = NOBODY;
}
