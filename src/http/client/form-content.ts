/**
 * A `FormData` as multipart/form-data (RFC 7578), written as the Fetch and HTML standards have it ("extract
 * a body", "multipart/form-data encoding algorithm"). The length of every part is known before, so that the
 * body has a length, too, and can be sent again.
 */
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";

/** An encoded form. */
export interface FormContent {
  /** What Content-Type says, the boundary included. */
  readonly type: string;
  readonly byteCount: number;
  /** The pieces of the body in their order; a `Blob` is read when its turn comes. */
  readonly pieces: readonly (Uint8Array | Blob)[];
}

/** Encodes a form as it is now: what is added to it later is not sent. */
export function encodeForm(form: FormData): FormContent {
  const boundary = `----hp-socket-${randomBytes(16).toString("hex")}`;
  const pieces: (Uint8Array | Blob)[] = [];
  let text = "";
  for (const [name, value] of form) {
    text += `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(withCrLf(name))}"`;
    if (typeof value === "string") {
      text += `\r\n\r\n${withCrLf(value)}\r\n`;
      continue;
    }
    const type = value.type === "" ? "application/octet-stream" : value.type;
    text += `; filename="${quoted(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`;
    pieces.push(Buffer.from(text), value);
    text = "\r\n";
  }
  pieces.push(Buffer.from(`${text}--${boundary}--\r\n`));
  let byteCount = 0;
  for (const piece of pieces) byteCount += piece instanceof Blob ? piece.size : piece.length;
  return { type: `multipart/form-data; boundary=${boundary}`, byteCount, pieces };
}

/** Yields the bytes of the pieces. */
export async function* formChunks(
  pieces: FormContent["pieces"],
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const piece of pieces) {
    if (piece instanceof Blob) yield* piece.stream() as AsyncIterable<Uint8Array>;
    else yield piece;
  }
}

/** The line ends of names and of values that are text. */
function withCrLf(text: string): string {
  return text.replace(/\r\n|\r|\n/g, "\r\n");
}

function quoted(text: string): string {
  return text.replace(/\n/g, "%0A").replace(/\r/g, "%0D").replace(/"/g, "%22");
}
