import type { Buffer } from "node:buffer";
import { Random } from "./random.js";

/** One way to cut a stream of bytes. */
export interface Chunking {
  /** For messages: how it was cut. */
  readonly title: string;
  readonly chunks: readonly Buffer[];
}

const RANDOM_CUTS = 4;

/** The bytes whole, byte by byte, in halves at each place (short streams), and at random cuts. */
export function everyChunking(bytes: Buffer, seed: number): readonly Chunking[] {
  const chunkings: Chunking[] = [
    { title: "whole", chunks: [bytes] },
    { title: "byte by byte", chunks: cutAt(bytes, allPlaces(bytes)) },
  ];
  if (bytes.length <= 48) {
    for (const place of allPlaces(bytes)) {
      chunkings.push({ title: `cut at ${place}`, chunks: cutAt(bytes, [place]) });
    }
  }
  for (let run = 0; run < RANDOM_CUTS; run += 1) {
    const chunks = randomChunks(bytes, new Random(seed + run));
    chunkings.push({ title: `random cuts, seed ${seed + run}`, chunks });
  }
  return chunkings;
}

/** Cuts at random: runs of single bytes, small and large chunks, and empty ones. */
export function randomChunks(bytes: Buffer, random: Random): readonly Buffer[] {
  const chunks: Buffer[] = [];
  const usualBytes = random.pick([1, 3, 8, 40, 300]);
  let position = 0;
  while (position < bytes.length) {
    const next = Math.min(bytes.length, position + random.integer(0, 2 * usualBytes));
    chunks.push(bytes.subarray(position, next));
    position = next;
  }
  return chunks;
}

function allPlaces(bytes: Buffer): readonly number[] {
  return Array.from({ length: Math.max(0, bytes.length - 1) }, (_, index) => index + 1);
}

function cutAt(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const starts = [0, ...places];
  return starts.map((start, index) => bytes.subarray(start, starts[index + 1] ?? bytes.length));
}
