/**
 * The fields that steer how a message is framed, where it goes and what becomes of the connection.
 * The scanner notes them as it goes by, so that the rules need no search.
 */
import { Buffer } from "node:buffer";
import { isText } from "./character-table.js";

/** Kinds of fields; 0 are all others. */
export const FIELD_KIND = {
  other: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  expect: 5,
  upgrade: 6,
} as const;

/** How many kinds there are. */
export const FIELD_KIND_COUNT: number = Object.keys(FIELD_KIND).length;

const KIND_BY_LENGTH: number[] = [];
const NAME_BY_LENGTH: Buffer[] = [];
for (let length = 0; length <= "transfer-encoding".length; length++) {
  KIND_BY_LENGTH.push(FIELD_KIND.other);
  NAME_BY_LENGTH.push(Buffer.alloc(0));
}
/** No two of these names have the same length, so that one comparison tells the kind. */
function addName(name: string, kind: number): void {
  KIND_BY_LENGTH[name.length] = kind;
  NAME_BY_LENGTH[name.length] = Buffer.from(name);
}
addName("host", FIELD_KIND.host);
addName("expect", FIELD_KIND.expect);
addName("upgrade", FIELD_KIND.upgrade);
addName("connection", FIELD_KIND.connection);
addName("content-length", FIELD_KIND.contentLength);
addName("transfer-encoding", FIELD_KIND.transferEncoding);

/** The kind of the field whose name is `bytes[start … end)`. */
export function fieldKind(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length >= KIND_BY_LENGTH.length) return FIELD_KIND.other;
  const kind = KIND_BY_LENGTH[length]!;
  if (kind === FIELD_KIND.other) return kind;
  return isText(bytes, start, end, NAME_BY_LENGTH[length]!) ? kind : FIELD_KIND.other;
}
