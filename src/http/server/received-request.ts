/** The request of an exchange: its head, its body, and how much of it has come. */
import { NetError } from "../../errors.js";
import type { FieldSection } from "../../protocol/http1/field-section.js";
import { BODY } from "../../protocol/http1/head.js";
import type { RequestHead } from "../../protocol/http1/request-head.js";
import { BodyIntake, type BodyOwner } from "../body/body-intake.js";

/** Bits of `traits`, in one number because there is an object for each request. */
const IS_1_1 = 1;
const KEEPS_ALIVE = 2;
const ASKS_UPGRADE = 4;
const AWAITS_CONTINUE = 8;
const IS_COMPLETE = 16;

/** The request of one exchange. */
export class ReceivedRequest {
  readonly method: string;
  private traits: number;
  private kept: RequestHead | undefined;
  /** Bytes of the body, or one of `BODY`. */
  private readonly bodyLength: number;
  private incoming: BodyIntake | undefined = undefined;
  private bodyError: NetError | undefined = undefined;

  constructor(head: RequestHead) {
    this.kept = head;
    this.method = head.method;
    this.bodyLength = head.bodyLength;
    let traits = head.minorVersion === 1 ? IS_1_1 : 0;
    if (head.keepAlive) traits |= KEEPS_ALIVE;
    if (head.isUpgrade) traits |= ASKS_UPGRADE;
    // A peer that also expects something else may wait as well.
    if (head.expectation !== "none" && head.hasBody) traits |= AWAITS_CONTINUE;
    this.traits = traits;
  }

  get minorVersion(): 0 | 1 {
    return (this.traits & IS_1_1) === 0 ? 0 : 1;
  }

  get keepAlive(): boolean {
    return (this.traits & KEEPS_ALIVE) !== 0;
  }

  get isUpgrade(): boolean {
    return (this.traits & ASKS_UPGRADE) !== 0;
  }

  /** Whether the peer waits for an interim response 100 before it sends the body. */
  get awaitsContinue(): boolean {
    return (this.traits & AWAITS_CONTINUE) !== 0;
  }

  /** The peer no longer waits for 100: it was sent, or the response was. */
  settleContinue(): void {
    this.traits &= ~AWAITS_CONTINUE;
  }

  /** Whether it has come whole, or what is missing will not come. */
  get isComplete(): boolean {
    return (this.traits & IS_COMPLETE) !== 0;
  }

  /** The head. Throws `INVALID_STATE` when it is the parser's again. */
  get head(): RequestHead {
    if (this.kept !== undefined) return this.kept;
    throw new NetError(
      "INVALID_STATE",
      "the head of the request is gone: its handler has returned and there is a response; call keep() to read it later",
      { operation: "receive" },
    );
  }

  /** The handler has returned and the response is complete: the head is the parser's again. */
  releaseHead(): void {
    if (this.kept?.isKept === false) this.kept = undefined;
  }

  /** See `HttpExchange.contentLength`. */
  get contentLength(): number | undefined {
    if (this.bodyLength >= 0) return this.bodyLength;
    return this.bodyLength === BODY.none ? 0 : undefined;
  }

  get hasBody(): boolean {
    return this.bodyLength !== BODY.none && this.bodyLength !== 0;
  }

  /** The body. `owner`: who has it held back, and sends 100. */
  bodyFor(owner: BodyOwner): BodyIntake {
    if (this.incoming === undefined) {
      this.incoming = new BodyIntake(owner, this.contentLength);
      if (this.bodyError !== undefined) this.incoming.fail(this.bodyError);
      else if (!this.hasBody || this.isComplete) this.incoming.end();
    }
    return this.incoming;
  }

  /** Whether reading the body has begun, and it was not discarded. */
  get isBodyRead(): boolean {
    return this.incoming?.isBeingRead ?? false;
  }

  /** Whether the body was discarded. */
  get isBodyDiscarded(): boolean {
    return this.incoming?.isUsed === true && !this.incoming.isBeingRead;
  }

  /** Whether the body was begun to be read, or discarded. */
  get isBodyUsed(): boolean {
    return this.incoming?.isUsed ?? false;
  }

  /** Bytes of the body that have come. */
  get receivedBytes(): number {
    return this.incoming?.receivedBytes ?? 0;
  }

  /** Bytes of the body that are still to come, as far as that was announced. */
  get missingBytes(): number {
    return Math.max(0, this.bodyLength - this.receivedBytes);
  }

  /** Whether the peer waits for a 100 that it will not get when the response is sent now. */
  get isBodyWithheld(): boolean {
    return this.awaitsContinue && this.receivedBytes === 0;
  }

  /** It has come whole. */
  complete(trailers: FieldSection | undefined, owner: BodyOwner): void {
    this.traits |= IS_COMPLETE;
    if (!this.hasBody) return;
    if (trailers !== undefined) this.bodyFor(owner).end(trailers.keep());
    else this.incoming?.end();
  }

  /** The rest of it will not come. */
  fail(error: NetError): void {
    if (this.isComplete) return;
    this.traits |= IS_COMPLETE;
    this.bodyError = error;
    this.incoming?.fail(error);
  }
}
