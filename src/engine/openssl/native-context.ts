/**
 * The SSL_CTX behind a secure context of Node's. So certificates, keys, trust, ciphers and the keys of
 * tickets are read and kept by Node, and freed with its object; whoever uses the address keeps that.
 *
 * Node has the address as an external value for add-ons, and prints the address in its text form. What
 * is found so is believed after a look at the memory, through a file, which can't crash: the second word
 * of an SSL_CTX is its method.
 */
import { closeSync, openSync, readSync } from "node:fs";
import type { SecureContext } from "node:tls";
import { inspect } from "node:util";

const EXTERNAL = /^\[External: (?:address: )?(?:0x)?([0-9a-f]{1,12})\]$/;
const METHOD_AT = 8;

/** The address of the SSL_CTX, as it is shown. Throws where Node shows none. */
export function contextAddress(context: SecureContext): number {
  const native: unknown = context.context;
  const external: unknown =
    typeof native === "object" && native !== null ? Reflect.get(native, "_external") : undefined;
  const shown = external === undefined ? null : EXTERNAL.exec(inspect(external, { colors: false }));
  if (shown === null) throw new Error("Node does not show the context of OpenSSL");
  return Number.parseInt(shown[1]!, 16);
}

/** Throws unless an SSL_CTX whose method is at `method` lies at `address`. */
export function assertContextAt(address: number, method: number): void {
  const found = Buffer.alloc(8);
  const memory = openSync("/proc/self/mem", "r");
  try {
    readSync(memory, found, 0, found.length, address + METHOD_AT);
  } finally {
    closeSync(memory);
  }
  if (found.readBigUInt64LE() === BigInt(method)) return;
  throw new Error("what Node shows as a context of OpenSSL is none");
}
