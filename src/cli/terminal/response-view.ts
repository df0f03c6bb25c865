/** A response as it is shown: its head, and how long its parts took. */
import { Buffer } from "node:buffer";
import type { HttpResponse } from "../../http/index.js";
import { byteText, timeText } from "../choices/quantity.js";

/** The head with its empty line, as it came but for the spelling of the version. */
export function headBytes(response: HttpResponse): Buffer {
  return Buffer.from(`${headLines(response).join("\r\n")}\r\n\r\n`, "latin1");
}

/** The lines of the head, without the empty one. */
export function headLines({ version, status, statusText, headers }: HttpResponse): string[] {
  const fields = [...headers.entries()].map(([name, value]) => `${name}: ${value}`);
  return [`${version} ${status} ${statusText}`, ...fields];
}

/** `lookup 0 ns · connect 102 µs · …`: of the last request, where redirects were followed. */
export function timingText({ timing, body }: HttpResponse): string {
  const { waitMs, lookupMs, connectMs, tlsMs, firstByteMs, totalMs } = timing;
  const afterMs = waitMs + firstByteMs;
  const parts = [
    `lookup ${timeText(lookupMs)}`,
    `connect ${timeText(connectMs)}`,
    `TLS ${timeText(tlsMs)}`,
    `first byte ${timeText(afterMs)}`,
    totalMs === undefined ? "broken off" : `total ${timeText(totalMs)}`,
    byteText(body.receivedBytes),
  ];
  return parts.join(" · ");
}
