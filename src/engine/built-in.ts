/**
 * Modules of Node that many programs never need. Each costs a program that starts some milliseconds, so they
 * are loaded when they are used first.
 */
import process from "node:process";

/** `node:tls`. */
export function tlsModule(): typeof import("node:tls") {
  return process.getBuiltinModule("node:tls");
}

/** `node:crypto`. */
export function cryptoModule(): typeof import("node:crypto") {
  return process.getBuiltinModule("node:crypto");
}

/** `node:dgram`. */
export function dgramModule(): typeof import("node:dgram") {
  return process.getBuiltinModule("node:dgram");
}

/** `node:dns/promises`. */
export function dnsModule(): typeof import("node:dns/promises") {
  return process.getBuiltinModule("node:dns/promises");
}
