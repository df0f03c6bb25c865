/**
 * The contexts of the sockets of one component: who deflates and inflates for whom.
 *
 * Without context take-over a context serves one message of one socket, and goes back into the stock: one
 * or two of them serve all sockets. With it a socket has its own, made with its first compressed message
 * and given back when it ends; of these there are at most `maxContexts`. A socket for which none is left
 * deflates from the stock, which it always may; that its peer forgets its context is agreed on before.
 *
 * What was not used for {@link IDLE_MS} is given back, but for inflates with a context: who deflates may begin
 * anew at any time, who inflates must know what came before.
 */
import { constants } from "node:zlib";
import type {
  DeflateAgreement,
  DeflateWishes,
} from "../../protocol/websocket/deflate-agreement.js";
import type { Deflater, Inflater } from "../../protocol/websocket/deflate-context.js";
import { MessageDeflater } from "../../protocol/websocket/message-deflater.js";
import { STEP_COST_BYTES } from "../../protocol/websocket/message-reader.js";
import type { Role } from "../../protocol/websocket/opcode.js";
import { type Clock, systemClock } from "../../time/clock.js";
import type { Compression } from "../frame-output.js";
import type { CompressionSettings } from "./compression-options.js";
import { workTurns } from "./work-turns.js";
import { createDeflate, createInflate, isUsable, type ZlibContext } from "./zlib-context.js";

/** Idle contexts that are kept, of each kind. */
const MAX_SPARE = 4;

/** A deflate that was not used for so long is given back, and so are spares. */
export const IDLE_MS: number = 30_000;

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

/** Contexts of one kind that no socket uses. */
class Spares {
  private readonly make: () => ZlibContext;
  private readonly idle: IdleContexts;
  private readonly spares: ZlibContext[] = [];
  private wasUsed = false;

  constructor(make: () => ZlibContext, idle: IdleContexts) {
    this.make = make;
    this.idle = idle;
  }

  take(): ZlibContext {
    this.wasUsed = true;
    this.idle.watch(this);
    const spare = this.spares.pop() ?? this.make();
    spare.reset();
    return spare;
  }

  give(context: ZlibContext, isBroken: boolean): void {
    if (isBroken || this.spares.length >= MAX_SPARE) context.destroy();
    else this.spares.push(context);
  }

  /** Returns whether there is nothing more to give back. */
  giveBackIdle(): boolean {
    if (!this.wasUsed) for (const spare of this.spares.splice(0)) spare.destroy();
    this.wasUsed = false;
    return this.spares.length === 0;
  }
}

/** Who has contexts that can be given back. */
interface IdleOwner {
  /** Gives back what was not used since the last call. Returns whether there is nothing more to give back. */
  giveBackIdle(): boolean;
}

/** Looks after contexts that are not in use, on one timer, which is set while there are any. */
class IdleContexts {
  private readonly clock: Clock;
  private readonly owners: Set<IdleOwner> = new Set();
  private isPlanned = false;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  watch(owner: IdleOwner): void {
    this.owners.add(owner);
    if (this.isPlanned) return;
    this.isPlanned = true;
    this.clock.setTimer(IDLE_MS, () => this.look());
  }

  forget(owner: IdleOwner): void {
    this.owners.delete(owner);
  }

  private look(): void {
    this.isPlanned = false;
    for (const owner of this.owners) if (owner.giveBackIdle()) this.owners.delete(owner);
    const [first] = this.owners;
    if (first !== undefined) this.watch(first);
  }
}

/** The contexts of the sockets of one component: who deflates and inflates for whom. */
export class DeflateStock {
  readonly settings: CompressionSettings;
  private readonly idle: IdleContexts;
  private readonly inflates: Spares;
  /** By window. */
  private readonly deflates: Map<number, Spares> = new Map();
  private forAll: MessageDeflater | undefined;
  /** Inflates that sockets have, or may come to need at any time. */
  private inflateCount = 0;
  /** Deflates that sockets have. */
  private deflateCount = 0;

  /** `clock`: tells when contexts are idle. */
  constructor(settings: CompressionSettings, clock: Clock = systemClock) {
    this.settings = settings;
    this.idle = new IdleContexts(clock);
    this.inflates = new Spares(() => createInflate(WINDOW_BITS), this.idle);
  }

  /** Contexts that belong to sockets at present, or are promised to them. */
  get ownCount(): number {
    return this.inflateCount + this.deflateCount;
  }

  /** Whether compression can be agreed on at all. */
  get isUsable(): boolean {
    return isUsable();
  }

  /** What a socket that comes now may agree on. */
  wishes(role: Role): DeflateWishes {
    const { keepContext, windowBits } = this.settings;
    const forgetsAll = !keepContext || this.ownCount >= this.settings.maxContexts;
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
    // Messages of a peer that keeps its context need one here as well: it is reserved now.
    const inflates = peers.forgets ? undefined : this.ownInflates(peers.windowBits);
    const inflater = new SocketInflater(this.inflates, inflates);
    const deflates = own.forgets ? undefined : this.ownDeflates(own.windowBits);
    const deflater = new SocketDeflater(this.spareDeflates(own.windowBits), deflates);
    if (deflates !== undefined) deflates.owner = deflater;
    if (inflates !== undefined) this.inflateCount++;
    const { minBytes } = this.settings;
    return {
      sharesFrames: own.forgets && own.windowBits >= this.settings.windowBits,
      inflater,
      compression: { deflater: new MessageDeflater(deflater), minBytes },
      end: () => {
        inflater.destroy();
        deflater.destroy();
        this.idle.forget(deflater);
        if (inflates !== undefined) this.inflateCount--;
      },
    };
  }

  private ownInflates(windowBits: number): OwnContexts {
    return { make: () => createInflate(Math.max(9, windowBits)), gone: () => {} };
  }

  private ownDeflates(windowBits: number): OwnContexts & { owner?: IdleOwner } {
    const contexts: OwnContexts & { owner?: IdleOwner } = {
      make: () => {
        // A side that deflates may forget its context at any time.
        if (this.ownCount >= this.settings.maxContexts) return undefined;
        this.deflateCount++;
        if (contexts.owner !== undefined) this.idle.watch(contexts.owner);
        return this.createDeflate(windowBits);
      },
      gone: () => {
        this.deflateCount--;
      },
    };
    return contexts;
  }

  /** Deflates a message without a context. */
  deflateForAll(bytes: Uint8Array): Buffer {
    this.forAll ??= this.deflaterForAll();
    return this.forAll.deflate(bytes);
  }

  /** What deflates one message after the other, each without a context. */
  deflaterForAll(): MessageDeflater {
    const spares = this.spareDeflates(this.settings.windowBits);
    return new MessageDeflater(new SocketDeflater(spares, undefined));
  }

  private spareDeflates(windowBits: number): Spares {
    let spares = this.deflates.get(windowBits);
    if (spares === undefined) {
      spares = new Spares(() => this.createDeflate(windowBits), this.idle);
      this.deflates.set(windowBits, spares);
    }
    return spares;
  }

  private createDeflate(windowBits: number): ZlibContext {
    const { level, memLevel } = this.settings;
    return createDeflate({ windowBits, memLevel, level });
  }
}

/** Makes contexts of one socket's own. */
interface OwnContexts {
  /** Undefined: there are too many at present. */
  make(): ZlibContext | undefined;
  /** It is no more. */
  gone(): void;
}

/** A context for one message from the stock, or one of the socket's own. */
class SocketContext {
  private readonly spares: Spares;
  private readonly own: OwnContexts | undefined;
  protected context: ZlibContext | undefined = undefined;
  private isOwn = false;
  private isInMessage = false;
  private wasUsed = false;

  /** `own`: undefined without context take-over. */
  constructor(spares: Spares, own: OwnContexts | undefined) {
    this.spares = spares;
    this.own = own;
  }

  get takenBytes(): number {
    return this.context?.takenBytes ?? 0;
  }

  begin(): void {
    this.isInMessage = true;
    this.wasUsed = true;
    if (this.context !== undefined) return;
    this.context = this.own?.make();
    this.isOwn = this.context !== undefined;
    this.context ??= this.spares.take();
  }

  end(isBroken: boolean): void {
    const { context } = this;
    this.isInMessage = false;
    if (context === undefined || this.isOwn) return;
    this.context = undefined;
    this.spares.give(context, isBroken);
  }

  /** Gives back what is its own, where it was not used since the last call. Returns whether there is none. */
  giveBackIdle(): boolean {
    const isIdle = !this.wasUsed && !this.isInMessage;
    this.wasUsed = false;
    if (isIdle) this.destroy();
    return this.context === undefined;
  }

  /** Gives the context back. */
  destroy(): void {
    const { context } = this;
    this.context = undefined;
    context?.destroy();
    if (context !== undefined && this.isOwn) this.own?.gone();
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
    const { Z_SYNC_FLUSH } = constants;
    const made = context.step(Z_SYNC_FLUSH, input, start, end, target, offset, limit);
    workTurns.spend(made + STEP_COST_BYTES);
    return made;
  }

  get turnBytes(): number {
    return workTurns.leftBytes;
  }

  restart(): void {
    this.context?.reset();
  }

  takeTail(): boolean {
    workTurns.spend(STEP_COST_BYTES);
    return this.context?.takeTail() === true;
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
