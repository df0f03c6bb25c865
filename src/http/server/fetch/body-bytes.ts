/** Bytes of a body in the forms in which Request and Response give them. */
import { Buffer } from "node:buffer";

const utf8 = new TextDecoder();

/** As text, without a byte order mark. */
export function textOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xef) return utf8.decode(bytes);
  const { buffer, byteOffset, byteLength } = bytes;
  return Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
}

/** In an ArrayBuffer that has nothing else in it. */
export function ownBuffer(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  const isAlone = byteOffset === 0 && byteLength === buffer.byteLength;
  return isAlone && buffer instanceof ArrayBuffer ? buffer : new Uint8Array(bytes).buffer;
}

/** A body that was read and is at its end, as those are that were read as a whole. */
export function spentBody(): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
}

/** What reading a body twice rejects with. */
export function bodyIsUsed(): TypeError {
  return new TypeError("Body is unusable: Body has already been read");
}
