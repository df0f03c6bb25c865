import { tlsLibrary } from "../../openssl/availability.js";
import type { TlsLibrary } from "../../openssl/tls-library.js";
import type { ProvidedBuffers } from "../memory/provided-buffers.js";
import type { SendArena } from "../memory/send-arena.js";
import type { ForeignFunctions } from "../ring/foreign-functions.js";
import { PlainMemory } from "./plain-memory.js";
import { PlainPieces } from "./plain-pieces.js";

/** Spare `PlainPieces`; more are left to garbage collection. */
const MAX_SPARE_PIECES = 64;

/** What the secured streams of one ring have in common. */
export class LoopSecurity {
  readonly library: TlsLibrary;
  readonly plain: PlainMemory;
  private readonly buffers: ProvidedBuffers;
  private readonly arena: SendArena;
  private readonly sparePieces: PlainPieces[] = [];

  constructor(buffers: ProvidedBuffers, arena: SendArena, calls: ForeignFunctions) {
    this.buffers = buffers;
    this.arena = arena;
    this.library = tlsLibrary();
    this.plain = new PlainMemory(buffers, calls);
  }

  /** Spare ones. */
  takePieces(): PlainPieces {
    const spare = this.sparePieces.pop();
    return spare ?? new PlainPieces(this.buffers.memory, this.arena, this.library);
  }

  /** They are not used any more. */
  givePiecesBack(pieces: PlainPieces): void {
    pieces.clear();
    if (this.sparePieces.length < MAX_SPARE_PIECES) this.sparePieces.push(pieces);
  }
}
