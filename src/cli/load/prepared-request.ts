import { Buffer } from "node:buffer";
import { BODY } from "../../protocol/http1/head.js";
import type { FieldInput } from "../../protocol/http1/writing/field-writer.js";
import { HeadWriter } from "../../protocol/http1/writing/head-writer.js";

/** Room for a head at first; it doubles until the head fits. */
const ROOM_BYTES = 4_096;
/** Copies that are sent in one piece have at most so many bytes, unless one has more. */
const MAX_RUN_BYTES = 65_536;

/** What is asked for. */
export interface RequestPlan {
  readonly method: string;
  /** Path with query. */
  readonly target: string;
  readonly host: string;
  readonly fields: FieldInput;
  readonly body: Uint8Array | undefined;
}

/** A request that is sent again and again, as bytes. */
export class PreparedRequest {
  readonly method: string;
  /** Bytes of one. */
  readonly byteCount: number;
  /** Copies that {@link run} can give in one piece. */
  readonly maxRun: number;
  private readonly runs: readonly Buffer[];

  /** `depth`: how many are sent at a time. Throws `INVALID_ARGUMENT` for what can't be sent. */
  constructor(plan: RequestPlan, depth: number) {
    const { body } = plan;
    const head = headBytes(plan);
    const one = body === undefined ? head : Buffer.concat([head, body]);
    this.method = plan.method;
    this.byteCount = one.length;
    this.maxRun = Math.max(1, Math.min(depth, Math.floor(MAX_RUN_BYTES / one.length)));
    const all = Buffer.concat(Array.from({ length: this.maxRun }, () => one));
    this.runs = Array.from({ length: this.maxRun }, (_, index) =>
      all.subarray(0, (index + 1) * one.length),
    );
  }

  /** `count` copies in one piece, from 1 to `maxRun`. */
  run(count: number): Buffer {
    return this.runs[count - 1]!;
  }
}

function headBytes({ method, target, host, fields, body }: RequestPlan): Buffer {
  const writer = new HeadWriter();
  const request = { method, target, host, fields, body: body?.length ?? BODY.none };
  for (let room = ROOM_BYTES; ; room *= 2) {
    const bytes = Buffer.allocUnsafe(room);
    const end = writer.writeRequest(bytes, 0, request);
    if (end >= 0) return bytes.subarray(0, end);
  }
}
