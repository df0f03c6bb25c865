/** Sets of names of fields, looked up by the bytes of a name. Hot: no string is made. */
import type { Buffer } from "node:buffer";
import { LOWER_CASE } from "./character-table.js";

/** Names of fields, in any case of letters. */
export class FieldNames {
  /** By their length, in small letters. */
  private readonly names: (readonly string[] | undefined)[] = [];

  constructor(names: Iterable<string>) {
    for (const name of names) {
      const { length } = name;
      this.names[length] = [...(this.names[length] ?? []), name.toLowerCase()];
    }
  }

  /** Whether `bytes[start … end)` is one of them. */
  has(bytes: Buffer, start: number, end: number): boolean {
    const candidates = this.names[end - start];
    if (candidates === undefined) return false;
    for (const name of candidates) if (isName(bytes, start, name)) return true;
    return false;
  }
}

function isName(bytes: Buffer, start: number, name: string): boolean {
  for (let index = 0; index < name.length; index++) {
    if (LOWER_CASE[bytes[start + index]!] !== name.charCodeAt(index)) return false;
  }
  return true;
}
