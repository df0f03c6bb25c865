import { tlsLibrary } from "../../openssl/availability.js";
import type { TlsLibrary } from "../../openssl/tls-library.js";
import type { UringLoop } from "../ring/uring-loop.js";
import { PlainMemory } from "./plain-memory.js";
import { PlainPieces } from "./plain-pieces.js";

/** Spare `PlainPieces`; more are left to garbage collection. */
const MAX_SPARE_PIECES = 64;

/** What the secured streams of one ring have in common. */
export class LoopSecurity {
  readonly library: TlsLibrary;
  readonly plain: PlainMemory;
  private readonly loop: UringLoop;
  private readonly sparePieces: PlainPieces[] = [];

  constructor(loop: UringLoop) {
    this.loop = loop;
    this.library = tlsLibrary();
    this.plain = new PlainMemory(loop.buffers, loop.calls);
  }

  /** Some that nobody uses. */
  takePieces(): PlainPieces {
    return this.sparePieces.pop() ?? new PlainPieces(this.loop, this.library);
  }

  /** They are not used any more. */
  givePiecesBack(pieces: PlainPieces): void {
    pieces.clear();
    if (this.sparePieces.length < MAX_SPARE_PIECES) this.sparePieces.push(pieces);
  }
}
