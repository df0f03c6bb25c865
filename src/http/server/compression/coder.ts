/** The compressors of `node:zlib`, at settings for content that is made as it is asked for. */
import type { Buffer } from "node:buffer";
import type { Transform } from "node:stream";
import zlib from "node:zlib";
import type { ContentCoding } from "./coding-choice.js";

/** Compresses a stream. */
export type Coder = Transform & {
  flush(kind: number, done: () => void): void;
  close(): void;
};

/** Told of what one whole body became; undefined where that failed. */
export type Coded = (bytes: Buffer | undefined) => void;

interface CodingRow {
  readonly flush: number;
  open(): Coder;
  whole(bytes: Uint8Array, coded: (error: Error | null, bytes: Buffer) => void): void;
}

const { constants } = zlib;

/** Takes a quarter of the time of the default, 11, which suits files that are compressed once. */
const BROTLI = {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: 4,
    // 256 KiB: the window is what most memory goes for.
    [constants.BROTLI_PARAM_LGWIN]: 18,
  },
};
const DEFLATE = { level: 6 };

interface ZstdFunctions {
  readonly createZstdCompress?: () => Coder;
  readonly zstdCompress?: CodingRow["whole"];
  readonly constants: { readonly ZSTD_e_flush?: number };
}

/** In Node from 22.15 on. */
const { createZstdCompress, zstdCompress } = zlib as unknown as ZstdFunctions;
const { ZSTD_e_flush } = (zlib as unknown as ZstdFunctions).constants;

const ROWS: Readonly<Partial<Record<ContentCoding, CodingRow>>> = {
  br: {
    flush: constants.BROTLI_OPERATION_FLUSH,
    open: () => zlib.createBrotliCompress(BROTLI) as unknown as Coder,
    whole: (bytes, coded) => zlib.brotliCompress(bytes, BROTLI, coded),
  },
  ...(createZstdCompress !== undefined &&
    zstdCompress !== undefined && {
      zstd: { flush: ZSTD_e_flush ?? 1, open: () => createZstdCompress(), whole: zstdCompress },
    }),
  gzip: {
    flush: constants.Z_SYNC_FLUSH,
    open: () => zlib.createGzip(DEFLATE) as unknown as Coder,
    whole: (bytes, coded) => zlib.gzip(bytes, DEFLATE, coded),
  },
  deflate: {
    flush: constants.Z_SYNC_FLUSH,
    open: () => zlib.createDeflate(DEFLATE) as unknown as Coder,
    whole: (bytes, coded) => zlib.deflate(bytes, DEFLATE, coded),
  },
};

/** Codings that this Node has, the preferred one first. */
export const AVAILABLE_CODINGS: readonly ContentCoding[] = Object.keys(
  ROWS,
) as (keyof typeof ROWS)[];

/** A compressor for a stream. */
export function openCoder(coding: ContentCoding): Coder {
  return (ROWS[coding] as CodingRow).open();
}

/** How the compressor is told to give out all that it has. */
export function flushOf(coding: ContentCoding): number {
  return (ROWS[coding] as CodingRow).flush;
}

/** Compresses a whole body, in a thread of Node's. */
export function codeWhole(coding: ContentCoding, bytes: Uint8Array, coded: Coded): void {
  (ROWS[coding] as CodingRow).whole(bytes, (error, result) =>
    coded(error === null ? result : undefined),
  );
}
