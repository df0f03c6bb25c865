import { createHash } from "node:crypto";
import type { HandshakeFields } from "#src/protocol/websocket/server-handshake.js";

/** Fields of a message. */
export type FieldLines = readonly (readonly [name: string, value: string])[];

/** The line of a response that switches protocols. */
export const SWITCHED = { statusCode: 101, version: "HTTP/1.1" } as const;

/** The hash function that is handed in. */
export function sha1(text: string): string {
  return createHash("sha1").update(text, "latin1").digest("base64");
}

/** Fields as a head has them. */
export function fieldsOf(lines: FieldLines): HandshakeFields {
  const getAll = (name: string): string[] =>
    lines.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
  return { get: (name) => getAll(name)[0], getAll };
}

/** The same lines, but those of one name exchanged for these values. */
export function withField(
  lines: FieldLines,
  name: string,
  ...values: readonly string[]
): FieldLines {
  const others = lines.filter(([each]) => each.toLowerCase() !== name.toLowerCase());
  return [...others, ...values.map((value) => [name, value] as const)];
}
