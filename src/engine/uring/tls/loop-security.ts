import { tlsLibrary } from "../../openssl/availability.js";
import type { TlsLibrary } from "../../openssl/tls-library.js";
import type { ProvidedBuffers } from "../memory/provided-buffers.js";
import type { ForeignFunctions } from "../ring/foreign-functions.js";
import { PlainMemory } from "./plain-memory.js";

/** What the secured streams of one ring have in common. */
export class LoopSecurity {
  readonly library: TlsLibrary;
  readonly plain: PlainMemory;

  constructor(buffers: ProvidedBuffers, calls: ForeignFunctions) {
    this.library = tlsLibrary();
    this.plain = new PlainMemory(buffers, calls);
  }
}
