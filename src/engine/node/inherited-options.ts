/**
 * Options that a connection has from its listener: on Linux the kernel gives each that it accepts those of the listening
 * socket, which saves some calls for each. They are set as soon as the listener listens. A connection can have come in
 * between, without them; but connections are accepted in their order, so that the first that has the option which was
 * set last shows that all later ones have all of them.
 */
import type { Server, Socket } from "node:net";
import type { StreamOptions } from "../engine.js";
import { type OptionList, setOptions } from "../option-calls.js";
import { keepAliveOptions, noDelayOption, userTimeoutOption } from "../tcp-options.js";
import { askSocket } from "./socket-calls.js";

/** Options that a connection has from its listener. */
export class InheritedOptions {
  /** Those that were set, in order; none where it can't be done. */
  private readonly list: OptionList;
  private isSeen = false;

  /** Sets the options of its connections on `server`, which has begun to listen. */
  constructor(server: Server, options: StreamOptions) {
    const list = listOf(options);
    const result = askSocket(server, (calls, descriptor) => setOptions(calls, descriptor, list));
    this.list = result === 0 ? list : [];
  }

  /** Whether `socket`, which was accepted just now, has them. */
  areOn(socket: Socket): boolean {
    const last = this.list.at(-1);
    if (last === undefined || this.isSeen) return this.isSeen;
    const [level, name, value] = last;
    const bytes = Buffer.alloc(4);
    const length = askSocket(socket, (calls, descriptor) =>
      calls.getOption(descriptor, level, name, bytes),
    );
    this.isSeen = length === bytes.length && bytes.readInt32LE(0) === value;
    return this.isSeen;
  }
}

/** The last one is not a socket's default. */
function listOf({ noDelay, keepAlive, userTimeoutMs }: StreamOptions): OptionList {
  const list: OptionList = [];
  if (userTimeoutMs !== undefined) list.push(...userTimeoutOption(userTimeoutMs));
  if (keepAlive !== false) list.push(...keepAliveOptions(keepAlive).reverse());
  if (noDelay) list.push(...noDelayOption(true));
  return list;
}
