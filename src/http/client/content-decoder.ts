/**
 * Takes the codings off a body (RFC 9110 §8.4): gzip, deflate, br, and zstd where Node has it, also
 * several of them one above the other.
 *
 * The encoded body is read at the pace at which the decoded one is; what it grows to is bounded by a
 * size and by a ratio, which tells a zip bomb from content that is merely large. Nothing may follow the
 * content, since other recipients may read it as something else.
 */
import type { Transform } from "node:stream";
import zlib from "node:zlib";
import { NetError } from "../../errors.js";
import type { TimingWheel } from "../../time/timing-wheel.js";
import { BodyIntake, type BodyOwner } from "../body/body-intake.js";
import type { IncomingBody } from "../body/incoming-body.js";

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
const { createZstdDecompress } = zlib as { readonly createZstdDecompress?: () => Decompressor };

const DECODERS: Readonly<Record<string, () => Decompressor>> = {
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
    throw malformed(`${codings.length} codings one above the other, over ${MAX_CODINGS}`);
  }
  return codings.every((coding) => Object.hasOwn(DECODERS, coding)) ? codings.reverse() : undefined;
}

/** The decoded form of `encoded`. `codings`: as {@link decodersOf} returns them. */
export function decodeBody(
  encoded: IncomingBody,
  codings: readonly string[],
  limits: DecodingLimits,
  wheel: TimingWheel,
): IncomingBody {
  return new ContentDecoder(encoded, codings, limits, wheel).body;
}

/**
 * A coding that is taken off, and how much its decoder was given: what it left of that lies behind the end of its
 * content. The decoder is made for the first byte: without any there is nothing to decode, whatever the coding says.
 */
interface Stage {
  readonly coding: string;
  stream: Decompressor | undefined;
  fedBytes: number;
}

/** All decoders of `node:zlib` count what they have used. */
type Decompressor = Transform & { readonly bytesWritten: number };

class ContentDecoder implements BodyOwner {
  readonly body: BodyIntake;
  readonly wheel: TimingWheel;
  private readonly encoded: IncomingBody;
  private readonly limits: DecodingLimits;
  private readonly stages: readonly Stage[];
  private decodedBytes = 0;
  /** All of the encoded body was given to the first stage. */
  private isFed = false;
  /** The last stage has told its end. */
  private isDecoded = false;

  constructor(
    encoded: IncomingBody,
    codings: readonly string[],
    limits: DecodingLimits,
    wheel: TimingWheel,
  ) {
    this.encoded = encoded;
    this.limits = limits;
    this.stages = codings.map((coding) => ({ coding, stream: undefined, fedBytes: 0 }));
    this.wheel = wheel;
    this.body = new DecodedBody(this, () => this.dropped());
    this.run().catch((error: unknown) => this.fail(error));
  }

  bodyWanted(): void {
    // It is decoded as far as the queue goes, wanted or not.
  }

  holdBody(hold: boolean): void {
    const last = this.stages.at(-1)?.stream;
    if (hold) last?.pause();
    else last?.resume();
  }

  private async run(): Promise<void> {
    const [first] = this.stages;
    for await (const bytes of this.encoded) {
      await this.feed(first!, bytes);
      // At once: the peer may go on sending for ever.
      assertUsed(this.isDecoded ? this.stages : [first!]);
    }
    this.isFed = true;
    this.end(0);
  }

  /**
   * One piece at a time, however small it is: what comes meanwhile is joined by the encoded body, where
   * the queue of a stream would keep an object for each byte.
   */
  private feed(stage: Stage, bytes: Buffer): Promise<void> {
    const stream = this.opened(0, bytes);
    stage.fedBytes += bytes.length;
    // An error is reported by the stream's own event.
    return new Promise((resolve) => stream.write(bytes, () => resolve()));
  }

  private opened(index: number, bytes: Buffer): Decompressor {
    const stage = this.stages[index]!;
    if (stage.stream !== undefined) return stage.stream;
    const isRaw = stage.coding === "deflate" && !isFramed(bytes);
    const stream = isRaw ? zlib.createInflateRaw() : DECODERS[stage.coding]!();
    stage.stream = stream;
    stream.on("error", (error) => this.fail(error));
    stream.on("end", () => this.end(index + 1));
    if (index + 1 === this.stages.length) {
      stream.on("data", (decoded: Buffer) => this.decoded(decoded));
    } else {
      stream.on("data", (decoded: Buffer) => this.pass(stream, index + 1, decoded));
    }
    return stream;
  }

  /** Gives what `from` has decoded to the next stage, and waits while that has enough. */
  private pass(from: Decompressor, index: number, bytes: Buffer): void {
    const stream = this.opened(index, bytes);
    this.stages[index]!.fedBytes += bytes.length;
    if (stream.write(bytes)) return;
    from.pause();
    stream.once("drain", () => from.resume());
  }

  /** Nothing more comes to a stage, or out of the last. */
  private end(index: number): void {
    const stream = this.stages[index]?.stream;
    if (stream !== undefined) {
      stream.end();
      return;
    }
    this.isDecoded = true;
    this.finish();
  }

  /** Ends the body when it is whole. */
  private finish(): void {
    if (!this.isFed || !this.isDecoded) return;
    try {
      assertUsed(this.stages);
      this.body.end(this.encoded.trailers);
    } catch (error) {
      this.fail(error);
    }
  }

  private decoded(bytes: Buffer): void {
    this.decodedBytes += bytes.length;
    const { maxDecodedBytes, maxDecodedRatio } = this.limits;
    const allowed = Math.max(RATIO_FROM_BYTES, this.encoded.receivedBytes * maxDecodedRatio);
    if (this.decodedBytes > maxDecodedBytes) {
      this.fail(tooLarge(`maxDecodedBytes (${maxDecodedBytes})`));
    } else if (this.decodedBytes > allowed) {
      this.fail(tooLarge(`maxDecodedRatio (${maxDecodedRatio})`));
    } else {
      this.body.push(bytes, false);
    }
  }

  private fail(error: unknown): void {
    this.body.fail(decodingError(error));
    this.dropped();
  }

  private dropped(): void {
    this.encoded.discard();
    for (const { stream } of this.stages) stream?.removeAllListeners("data").destroy();
  }
}

/** Tells when it is thrown away. */
class DecodedBody extends BodyIntake {
  private readonly dropped: () => void;

  constructor(owner: BodyOwner, dropped: () => void) {
    super(owner, undefined);
    this.dropped = dropped;
  }

  override discard(): void {
    super.discard();
    this.dropped();
  }
}

/** Some servers send deflate without the frame of zlib that RFC 9110 §8.4.1.2 demands. */
function isFramed(firstBytes: Buffer): boolean {
  return ((firstBytes[0] ?? 0) & 0x0f) === 8;
}

/** Throws `HTTP_CONTENT_MALFORMED` when one of the stages has ended before its input. */
function assertUsed(stages: readonly Stage[]): void {
  for (const { coding, stream, fedBytes } of stages) {
    if (stream === undefined) continue;
    const restBytes = fedBytes - stream.bytesWritten;
    // gzip looks at what follows by itself: another member, zeros, or an error (RFC 1952 §2.2).
    if (restBytes <= 0 || coding === "gzip" || coding === "x-gzip" || stream.destroyed) continue;
    throw malformed(`${restBytes} bytes came behind the end of the content (${coding})`);
  }
}

function tooLarge(limit: string): NetError {
  return new NetError("HTTP_CONTENT_TOO_LARGE", `the decoded content is above ${limit}`, {
    operation: "receive",
  });
}

function decodingError(error: unknown): NetError {
  if (error instanceof NetError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return malformed(`the content can't be decoded: ${text}`, error);
}

function malformed(text: string, cause?: unknown): NetError {
  return new NetError("HTTP_CONTENT_MALFORMED", text, { operation: "receive", cause });
}
