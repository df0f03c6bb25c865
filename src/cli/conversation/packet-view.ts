/**
 * Received bytes as they are shown: text where they are printable UTF-8, else a hex view. Nothing
 * that a peer sends reaches the terminal as a control character, tab and line end excepted.
 *
 * Packets get lines of their own. Bytes that come as they come (`push`) may stop anywhere: their
 * lines go on with the next ones, and a character that is not yet whole is kept for them.
 */
import { Buffer, isUtf8 } from "node:buffer";
import { hexView } from "./hex-view.js";

const CONTROL = /\r(?!\n)|(?![\t\n\r])\p{Cc}/u;

/** Received bytes as they are shown: text where they are printable UTF-8, else a hex view. */
export class PacketView {
  private isInLine = false;
  private unfinished: Buffer | undefined;

  /** A whole packet, on its line. */
  packet(bytes: Buffer): string {
    const text = printableText(bytes) ?? hexView(bytes);
    return text.endsWith("\n") ? text : `${text}\n`;
  }

  /** Bytes as they came. */
  piece(bytes: Buffer): string {
    const all = this.unfinished === undefined ? bytes : Buffer.concat([this.unfinished, bytes]);
    const wholeBytes = all.length - unfinishedBytes(all);
    this.unfinished = wholeBytes === all.length ? undefined : Buffer.from(all.subarray(wholeBytes));
    return this.show(all.subarray(0, wholeBytes));
  }

  /** What is left to show when nothing more comes. */
  end(): string {
    const rest = this.unfinished === undefined ? "" : this.show(this.unfinished);
    this.unfinished = undefined;
    return this.isInLine ? `${rest}\n` : rest;
  }

  private show(bytes: Buffer): string {
    if (bytes.length === 0) return "";
    const text = printableText(bytes);
    const shown = text ?? `${this.isInLine ? "\n" : ""}${hexView(bytes)}\n`;
    this.isInLine = !shown.endsWith("\n");
    return shown;
  }
}

function printableText(bytes: Buffer): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString("utf8");
  return CONTROL.test(text) ? undefined : text;
}

/** Bytes at the end that begin a UTF-8 character without finishing it (RFC 3629 §3). */
function unfinishedBytes(bytes: Buffer): number {
  for (let count = 1; count <= Math.min(3, bytes.length); count += 1) {
    const byte = bytes[bytes.length - count]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) {
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needed > count ? count : 0;
    }
  }
  return 0;
}
