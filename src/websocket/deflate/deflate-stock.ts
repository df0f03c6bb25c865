/**
 * The contexts of the sockets of one component: who deflates and inflates for whom.
 *
 * Without context take-over a context serves one message of one socket, and goes back into the stock: one
 * or two of them serve all sockets. With it a socket has its own, made with its first compressed message
 * and given back when it ends; of these there are at most `maxContexts`. A socket for which none is left
 * deflates from the stock, which it always may; that its peer forgets its context is agreed on before.
 */
import { constants } from "node:zlib";
import type {
  DeflateAgreement,
  DeflateWishes,
} from "../../protocol/websocket/deflate-agreement.js";
import type { Deflater, Inflater } from "../../protocol/websocket/deflate-context.js";
import { MessageDeflater } from "../../protocol/websocket/message-deflater.js";
import type { Role } from "../../protocol/websocket/opcode.js";
import type { Compression } from "../frame-output.js";
import type { CompressionSettings } from "./compression-options.js";
import { createDeflate, createInflate, isUsable, type ZlibContext } from "./zlib-context.js";

/** Idle contexts that are kept, of each kind. */
const MAX_SPARE = 4;

const WINDOW_BITS = 15;

/** What one socket compresses with. */
export interface SocketDeflate {
  readonly inflater: Inflater;
  readonly compression: Compression;
  /** Whether it can be sent what was deflated for all. */
  readonly sharesFrames: boolean;
  /** The socket has ended. */
  end(): void;
}

/** Contexts of one kind that nobody has. */
class Spares {
  readonly #make: () => ZlibContext;
  readonly #spares: ZlibContext[] = [];

  constructor(make: () => ZlibContext) {
    this.#make = make;
  }

  take(): ZlibContext {
    const spare = this.#spares.pop() ?? this.#make();
    spare.reset();
    return spare;
  }

  give(context: ZlibContext, isBroken: boolean): void {
    if (isBroken || this.#spares.length >= MAX_SPARE) context.destroy();
    else this.#spares.push(context);
  }
}

/** The contexts of the sockets of one component: who deflates and inflates for whom. */
export class DeflateStock {
  readonly settings: CompressionSettings;
  readonly #inflates: Spares = new Spares(() => createInflate(WINDOW_BITS));
  /** By window. */
  readonly #deflates: Map<number, Spares> = new Map();
  #forAll: MessageDeflater | undefined;
  /** Contexts that belong to a socket. */
  #ownCount = 0;

  constructor(settings: CompressionSettings) {
    this.settings = settings;
  }

  /** Whether compression can be agreed on at all. */
  get isUsable(): boolean {
    return isUsable();
  }

  /** What a socket that comes now may agree on. */
  wishes(role: Role): DeflateWishes {
    const { keepContext, windowBits } = this.settings;
    const forgetsAll = !keepContext || this.#ownCount + 2 > this.settings.maxContexts;
    const maxWindow = windowBits < WINDOW_BITS ? windowBits : undefined;
    return {
      // Of what we deflate ourselves we may forget the context at any time, without saying so.
      serverNoContextTakeover: role === "server" ? !keepContext : forgetsAll,
      clientNoContextTakeover: role === "client" ? !keepContext : forgetsAll,
      ...(maxWindow !== undefined && {
        serverMaxWindowBits: maxWindow,
        clientMaxWindowBits: maxWindow,
      }),
    };
  }

  /** What a socket works with that has agreed on this. */
  socketDeflate(role: Role, agreement: DeflateAgreement): SocketDeflate {
    const isServer = role === "server";
    const own = {
      forgets: isServer ? agreement.serverNoContextTakeover : agreement.clientNoContextTakeover,
      windowBits: isServer ? agreement.serverMaxWindowBits : agreement.clientMaxWindowBits,
    };
    const peers = {
      forgets: isServer ? agreement.clientNoContextTakeover : agreement.serverNoContextTakeover,
      windowBits: isServer ? agreement.clientMaxWindowBits : agreement.serverMaxWindowBits,
    };
    const inflater = new SocketInflater(peers.forgets ? this.#inflates : undefined, () => {
      this.#ownCount++;
      return createInflate(Math.max(9, peers.windowBits));
    });
    const mayKeep = !own.forgets && this.#ownCount < this.settings.maxContexts;
    const deflater = new SocketDeflater(
      mayKeep ? undefined : this.#spareDeflates(own.windowBits),
      () => {
        this.#ownCount++;
        return this.#createDeflate(own.windowBits);
      },
    );
    const { minBytes } = this.settings;
    return {
      sharesFrames: !mayKeep && own.windowBits >= this.settings.windowBits,
      inflater,
      compression: { deflater: new MessageDeflater(deflater), minBytes },
      end: () => {
        if (inflater.destroy()) this.#ownCount--;
        if (deflater.destroy()) this.#ownCount--;
      },
    };
  }

  /** Deflates a message without a context. */
  deflateForAll(bytes: Uint8Array): Buffer {
    if (this.#forAll === undefined) {
      const { windowBits } = this.settings;
      const make = (): ZlibContext => this.#createDeflate(windowBits);
      this.#forAll = new MessageDeflater(new SocketDeflater(this.#spareDeflates(windowBits), make));
    }
    return this.#forAll.deflate(bytes);
  }

  #spareDeflates(windowBits: number): Spares {
    let spares = this.#deflates.get(windowBits);
    if (spares === undefined) {
      spares = new Spares(() => this.#createDeflate(windowBits));
      this.#deflates.set(windowBits, spares);
    }
    return spares;
  }

  #createDeflate(windowBits: number): ZlibContext {
    const { level, memLevel } = this.settings;
    return createDeflate({ windowBits, memLevel, level });
  }
}

/** A context for one message from the stock, or one of the socket's own. */
class SocketContext {
  private readonly spares: Spares | undefined;
  private readonly make: () => ZlibContext;
  protected context: ZlibContext | undefined = undefined;

  constructor(spares: Spares | undefined, make: () => ZlibContext) {
    this.spares = spares;
    this.make = make;
  }

  get takenBytes(): number {
    return this.context?.takenBytes ?? 0;
  }

  begin(): void {
    this.context ??= this.spares === undefined ? this.make() : this.spares.take();
  }

  end(isBroken: boolean): void {
    const { context, spares } = this;
    if (context === undefined || spares === undefined) return;
    this.context = undefined;
    spares.give(context, isBroken);
  }

  /** Gives the socket's own back. Answers whether it had one. */
  destroy(): boolean {
    const { context } = this;
    this.context = undefined;
    context?.destroy();
    return context !== undefined && this.spares === undefined;
  }
}

class SocketInflater extends SocketContext implements Inflater {
  step(
    input: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    offset: number,
    limit: number,
  ): number {
    const { context } = this;
    if (context === undefined) return -1;
    return context.step(constants.Z_SYNC_FLUSH, input, start, end, target, offset, limit);
  }

  restart(): void {
    this.context?.reset();
  }
}

class SocketDeflater extends SocketContext implements Deflater {
  step(
    input: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    offset: number,
    limit: number,
    flushes: boolean,
  ): number {
    const { context } = this;
    if (context === undefined) return 0;
    const flush = flushes ? constants.Z_SYNC_FLUSH : constants.Z_NO_FLUSH;
    return context.step(flush, input, start, end, target, offset, limit);
  }
}
