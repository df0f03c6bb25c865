/**
 * Takes the codings off a body (RFC 9110 §8.4): gzip, deflate, br, and zstd where Node has it, also
 * several of them one above the other.
 *
 * The encoded body is read at the pace at which the decoded one is; what it grows to is bounded by a
 * size and by a ratio, which tells a zip bomb from content that is merely large.
 */
import { once } from "node:events";
import { pipeline, type Transform } from "node:stream";
import * as zlib from "node:zlib";
import { NetError } from "../../errors.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import { type BodyOwner, IncomingBody } from "../body/incoming-body.js";

/** What decoded content may grow to. */
export interface DecodingLimits {
  /** Bytes after decoding. */
  readonly maxDecodedBytes: number;
  /** Times the encoded size, from {@link RATIO_FROM_BYTES} on. */
  readonly maxDecodedRatio: number;
}

/** Below this size any ratio will do. */
export const RATIO_FROM_BYTES: number = 1_048_576;

/** Codings one above the other; more are a bomb of another kind. */
const MAX_CODINGS = 4;

/** In Node from 22.15 on. */
const { createZstdDecompress } = zlib as { readonly createZstdDecompress?: () => Transform };

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => zlib.createGunzip(),
  "x-gzip": () => zlib.createGunzip(),
  deflate: () => zlib.createInflate(),
  br: () => zlib.createBrotliDecompress(),
  ...(createZstdDecompress !== undefined && { zstd: createZstdDecompress }),
};

/** What Accept-Encoding says. */
export const ACCEPTED_CODINGS: string =
  createZstdDecompress === undefined ? "gzip, deflate, br" : "gzip, deflate, br, zstd";

/**
 * The decoders for what Content-Encoding says, those to be used first coming first. Undefined where
 * nothing is to be decoded, or a coding is unknown. Throws `HTTP_CONTENT_MALFORMED` for too many.
 */
export function decodersOf(contentEncoding: string | undefined): string[] | undefined {
  const codings = (contentEncoding ?? "")
    .split(",")
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== "" && coding !== "identity");
  if (codings.length === 0) return undefined;
  if (codings.length > MAX_CODINGS) {
    throw new NetError(
      "HTTP_CONTENT_MALFORMED",
      `${codings.length} codings one above the other, over ${MAX_CODINGS}`,
      { operation: "receive" },
    );
  }
  return codings.every((coding) => Object.hasOwn(DECODERS, coding)) ? codings.reverse() : undefined;
}

/** The decoded form of `encoded`. `codings`: as {@link decodersOf} answers. */
export function decodeBody(
  encoded: IncomingBody,
  codings: readonly string[],
  limits: DecodingLimits,
  wheel: TimingWheel,
): IncomingBody {
  return new ContentDecoder(encoded, codings, limits, wheel).body;
}

class ContentDecoder implements BodyOwner {
  readonly body: IncomingBody;
  readonly wheel: TimingWheel;
  readonly #encoded: IncomingBody;
  readonly #codings: readonly string[];
  readonly #limits: DecodingLimits;
  #stages: readonly Transform[] = [];
  #decodedBytes = 0;

  constructor(
    encoded: IncomingBody,
    codings: readonly string[],
    limits: DecodingLimits,
    wheel: TimingWheel,
  ) {
    this.#encoded = encoded;
    this.#codings = codings;
    this.#limits = limits;
    this.wheel = wheel;
    this.body = new DecodedBody(this, () => this.#dropped());
    this.#run().catch((error: unknown) => this.#fail(error));
  }

  bodyWanted(): void {
    // It is decoded as far as the queue goes, wanted or not.
  }

  holdBody(hold: boolean): void {
    const last = this.#stages.at(-1);
    if (hold) last?.pause();
    else last?.resume();
  }

  async #run(): Promise<void> {
    for await (const bytes of this.#encoded) {
      if (this.#stages.length === 0) this.#stages = this.#open(bytes);
      const first = this.#stages[0]!;
      if (!first.write(bytes)) await once(first, "drain");
    }
    // Without a single byte there is nothing to decode, whatever the coding says.
    if (this.#stages.length === 0) this.body.end(this.#encoded.trailers);
    else this.#stages[0]!.end();
  }

  #open(firstBytes: Buffer): readonly Transform[] {
    const stages = this.#codings.map((coding, index) =>
      index === 0 && coding === "deflate" ? inflaterFor(firstBytes) : DECODERS[coding]!(),
    );
    const last = stages.at(-1)!;
    last.on("data", (bytes: Buffer) => this.#decoded(bytes));
    last.on("end", () => this.body.end(this.#encoded.trailers));
    for (const stage of stages) stage.on("error", (error) => this.#fail(error));
    if (stages.length > 1) {
      // Each stage has its own listener for errors.
      pipeline(stages, () => undefined);
    }
    return stages;
  }

  #decoded(bytes: Buffer): void {
    this.#decodedBytes += bytes.length;
    const { maxDecodedBytes, maxDecodedRatio } = this.#limits;
    const allowed = Math.max(RATIO_FROM_BYTES, this.#encoded.receivedBytes * maxDecodedRatio);
    if (this.#decodedBytes > maxDecodedBytes) {
      this.#fail(tooLarge(`maxDecodedBytes (${maxDecodedBytes})`));
    } else if (this.#decodedBytes > allowed) {
      this.#fail(tooLarge(`maxDecodedRatio (${maxDecodedRatio})`));
    } else {
      this.body.push(bytes, false);
    }
  }

  #fail(error: unknown): void {
    this.body.fail(decodingError(error));
    this.#dropped();
  }

  #dropped(): void {
    this.#encoded.discard();
    for (const stage of this.#stages) {
      stage.removeAllListeners("data");
      stage.destroy();
    }
  }
}

/** Tells when it is thrown away. */
class DecodedBody extends IncomingBody {
  readonly #dropped: () => void;

  constructor(owner: BodyOwner, dropped: () => void) {
    super(owner, undefined);
    this.#dropped = dropped;
  }

  override discard(): void {
    super.discard();
    this.#dropped();
  }
}

/** Some servers send deflate without the frame of zlib that RFC 9110 §8.4.1.2 demands. */
function inflaterFor(firstBytes: Buffer): Transform {
  const isFramed = ((firstBytes[0] ?? 0) & 0x0f) === 8;
  return isFramed ? zlib.createInflate() : zlib.createInflateRaw();
}

function tooLarge(limit: string): NetError {
  return new NetError("HTTP_CONTENT_TOO_LARGE", `the decoded content is above ${limit}`, {
    operation: "receive",
  });
}

function decodingError(error: unknown): NetError {
  if (error instanceof NetError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new NetError("HTTP_CONTENT_MALFORMED", `the content can't be decoded: ${text}`, {
    operation: "receive",
    cause: error,
  });
}
