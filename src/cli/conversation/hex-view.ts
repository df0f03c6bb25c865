import type { Buffer } from "node:buffer";

const ROW_BYTES = 16;
const HALF = ROW_BYTES / 2;

/**
 * Bytes as offset, hexadecimal and ASCII, 16 a line, without a line end behind the last:
 *
 *     00000000  68 65 6c 6c 6f 00 01 02  ff                       |hello....|
 */
export function hexView(bytes: Buffer): string {
  const lines: string[] = [];
  for (let offset = 0; offset < bytes.length; offset += ROW_BYTES) {
    const row = bytes.subarray(offset, offset + ROW_BYTES);
    const head = offset.toString(16).padStart(8, "0");
    lines.push(`${head}  ${hexColumns(row)}  |${asciiColumn(row)}|`);
  }
  return lines.join("\n");
}

function hexColumns(row: Buffer): string {
  return `${hexColumn(row.subarray(0, HALF))}  ${hexColumn(row.subarray(HALF))}`;
}

function hexColumn(bytes: Buffer): string {
  return bytes
    .toString("hex")
    .replace(/..(?!$)/g, "$& ")
    .padEnd(3 * HALF - 1);
}

function asciiColumn(row: Buffer): string {
  return row.toString("latin1").replace(/[^ -~]/g, ".");
}
