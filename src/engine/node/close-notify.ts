/**
 * Whether the peer said that it has finished (close_notify), or the stream just broke off. Node ends
 * the secured stream the same way for both, but at different moments: with close_notify while it
 * still reads from the kernel, with a bare FIN when there is nothing left to read. So at the moment
 * of the end the plain handle is asked to start reading:
 *
 *     it reads already (EALREADY)                      close_notify
 *     Node had stopped it for its own full buffer      close_notify: no FIN is read while stopped
 *     it starts: the kernel's end had stopped it       the stream broke off
 *
 * This is exact, wherever the stream was cut. It needs the handles of Node's sockets, which no
 * document promises: where they are not as expected an end counts as orderly, as Node has it.
 */
import { Socket } from "node:net";
import { constants } from "node:os";
import type { TLSSocket } from "node:tls";

const RAW: unique symbol = Symbol("plain socket");
const IS_ORDERLY: unique symbol = Symbol("ended in good order");

interface WatchedSocket extends TLSSocket {
  [RAW]?: Socket;
  [IS_ORDERLY]?: boolean;
}

/** What libuv answers when reading has begun already, as Node hands it on. */
const ALREADY = -constants.errno.EALREADY;
const { push } = Socket.prototype;

/** Watches `secure`, whose cipher text comes from `raw`. */
export function watchCloseNotify(secure: TLSSocket, raw: Socket): void {
  const watched: WatchedSocket = secure;
  watched[RAW] = raw;
  watched.push = watchedPush;
}

/** At the end of a watched stream: whether it was an orderly one. */
export function endedOrderly(secure: TLSSocket): boolean {
  return (secure as WatchedSocket)[IS_ORDERLY] ?? true;
}

/** Node pushes deciphered bytes, and null at the end, within the call of the handle. */
function watchedPush(this: WatchedSocket, chunk: unknown, encoding?: BufferEncoding): boolean {
  if (chunk === null) this[IS_ORDERLY] = stillReads(this, this[RAW]);
  return push.call(this, chunk, encoding);
}

function stillReads(secure: TLSSocket, raw: Socket | undefined): boolean {
  if (isStopped(handleOf(secure))) return true;
  const handle = handleOf(raw);
  if (handle === undefined) return true;
  const { readStart, readStop } = handle;
  if (typeof readStart !== "function" || typeof readStop !== "function") return true;
  const answer: unknown = readStart.call(handle);
  if (answer !== 0) return answer === ALREADY;
  readStop.call(handle);
  return false;
}

function isStopped(handle: Handle | undefined): boolean {
  return handle?.reading === false;
}

interface Handle {
  readonly reading?: unknown;
  readonly readStart?: unknown;
  readonly readStop?: unknown;
}

function handleOf(socket: Socket | undefined): Handle | undefined {
  const handle: unknown = socket === undefined ? undefined : Reflect.get(socket, "_handle");
  return typeof handle === "object" && handle !== null ? handle : undefined;
}
