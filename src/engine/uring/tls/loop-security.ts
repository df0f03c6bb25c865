/** What the secured streams of one ring have in common. */
import { tlsLibrary } from "../../openssl/availability.js";
import type { TlsLibrary } from "../../openssl/tls-library.js";
import type { UringLoop } from "../ring/uring-loop.js";
import { PlainMemory } from "./plain-memory.js";

/** See the head of the file. */
export class LoopSecurity {
  readonly library: TlsLibrary;
  readonly plain: PlainMemory;

  constructor(loop: UringLoop) {
    this.library = tlsLibrary();
    this.plain = new PlainMemory(loop.buffers, loop.calls);
  }
}
