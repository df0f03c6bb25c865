/**
 * First bytes of the data frames that one side sends (RFC 6455 §5.4): messages do not interleave, so that
 * no other can begin while one is being sent in fragments. Control frames may come at any time.
 */
import { NetError } from "../../errors.js";
import { FIN, OPCODE, RSV1 } from "./opcode.js";

/** What a message is. */
export interface MessageKind {
  readonly isText: boolean;
  /** Whether it was deflated: RSV1 (RFC 7692 §6). */
  readonly isCompressed: boolean;
}

/** First byte of a message in one frame. */
export function firstByteOf(kind: MessageKind): number {
  return FIN | (kind.isCompressed ? RSV1 : 0) | (kind.isText ? OPCODE.text : OPCODE.binary);
}

export class MessageFraming {
  private kind: MessageKind | undefined = undefined;

  /** Whether a message was begun and not ended. */
  get isInMessage(): boolean {
    return this.kind !== undefined;
  }

  /** A message in one frame. Throws `INVALID_STATE` inside another one. */
  whole(kind: MessageKind): number {
    if (this.kind !== undefined) {
      throw new NetError("INVALID_STATE", "another message is being sent in fragments", {
        operation: "send",
      });
    }
    return firstByteOf(kind);
  }

  /**
   * The next frame of a message in fragments, which the first one begins. Throws `INVALID_STATE` where
   * the message that was begun is of another kind.
   */
  fragment(kind: MessageKind, isLast: boolean): number {
    const begun = this.kind;
    if (begun !== undefined) {
      if (begun.isText !== kind.isText || begun.isCompressed !== kind.isCompressed) {
        throw new NetError("INVALID_STATE", "the message that was begun is of another kind", {
          operation: "send",
        });
      }
      if (isLast) this.kind = undefined;
      return (isLast ? FIN : 0) | OPCODE.continuation;
    }
    if (!isLast) this.kind = kind;
    return firstByteOf(kind) & (isLast ? 0xff : ~FIN);
  }
}
