// How fast are packets found? One thread, no sockets: packets of 64 B in blocks of 64 KiB.
import { delimiter, fixedLength, lengthPrefix, pack, startEnd } from "hp-socket";
import { median } from "../lib/paired-rounds.mjs";

export const title = "Decoding, packets per second in one thread, 64 B in blocks of 64 KiB";

const MODELS = {
  pack: pack(),
  "lengthPrefix uint-be 2": lengthPrefix({ format: "uint-be", bytes: 2 }),
  "lengthPrefix uint-be 4": lengthPrefix({ format: "uint-be", bytes: 4 }),
  "lengthPrefix ascii 4": lengthPrefix({ format: "ascii", bytes: 4 }),
  "lengthPrefix bcd 2": lengthPrefix({ format: "bcd", bytes: 2 }),
  "lengthPrefix varint": lengthPrefix({ format: "varint" }),
  delimiter: delimiter(),
  fixedLength: fixedLength({ bytes: 64 }),
  startEnd: startEnd({ start: "<<", end: ">>" }),
};

function stream(model) {
  const body = Buffer.alloc(64, 0x61);
  const encoder = model.encoder;
  const head = Buffer.alloc(encoder?.headBytes(64) ?? 0);
  encoder?.writeHead(head, 0, 64);
  const one = Buffer.concat([head, body, encoder?.tail ?? Buffer.alloc(0)]);
  return Buffer.concat(Array.from({ length: Math.ceil(65_536 / one.length) * 16 }, () => one));
}

export async function measure({ rounds, seconds }) {
  const rows = [];
  for (const [name, model] of Object.entries(MODELS)) {
    const bytes = stream(model);
    const decoder = model.createDecoder();
    let count = 0;
    const sink = {
      packet() {
        count++;
        return true;
      },
    };
    const values = [];
    for (let round = 0; round <= rounds; round++) {
      count = 0;
      const start = performance.now();
      const end = start + seconds * 250;
      while (performance.now() < end) {
        for (let at = 0; at < bytes.length; at += 65_536) {
          decoder.feed(bytes.subarray(at, at + 65_536), sink);
        }
      }
      if (round > 0) values.push((count * 1_000) / (performance.now() - start));
    }
    rows.push({ name, value: median(values), ratio: 1, ratios: [] });
  }
  for (const row of rows) row.ratio = row.value / rows[0].value;
  return [{ name: "by model", unit: "packets/s", rows }];
}
