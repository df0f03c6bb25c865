import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import type { NetError } from "../../errors.js";
import { fieldPairs } from "../../http/http-fields.js";
import { BODY } from "../../protocol/http1/head.js";
import {
  AFTER_HEAD,
  type AfterHead,
  type ResponseSink,
} from "../../protocol/http1/parsing/message-sink.js";
import { ResponseParser } from "../../protocol/http1/parsing/response-parser.js";
import type { ResponseHead } from "../../protocol/http1/response-head.js";
import { HeadWriter } from "../../protocol/http1/writing/head-writer.js";
import { createKey } from "../../protocol/websocket/accept-key.js";
import {
  checkUpgradeResponse,
  type UpgradeOffer,
  type UpgradeResult,
  upgradeRequestFields,
} from "../../protocol/websocket/client-handshake.js";
import { isHandshakeFault } from "../../protocol/websocket/handshake-fault.js";
import { sha1 } from "../../websocket/sha1.js";
import type { WebSocketTally } from "./websocket-tally.js";

const ROOM_BYTES = 4_096;
const KEY_BYTES = 16;

/** The opening handshake of one connection of a load (RFC 6455 §4.1). */
export class WebSocketOpening implements ResponseSink {
  /** What was agreed on, once the response has come. */
  result: UpgradeResult | undefined = undefined;
  /** What is wrong with the response. */
  problem: string | undefined = undefined;
  private readonly offer: UpgradeOffer;
  private readonly parser: ResponseParser = new ResponseParser();
  private readonly tally: WebSocketTally;

  constructor(tally: WebSocketTally) {
    const { stock, aim } = tally;
    this.tally = tally;
    this.offer = {
      key: createKey(randomBytes(KEY_BYTES)),
      protocols: aim.protocols,
      origin: aim.origin,
      ...(stock !== undefined && { deflate: [stock.wishes("client")] }),
    };
    this.parser.expect("GET", true);
  }

  /** The request. Throws `INVALID_ARGUMENT` for what can't be sent. */
  request(): Buffer {
    const { target, host, fields } = this.tally.aim;
    const writer = new HeadWriter();
    const request = {
      method: "GET",
      target,
      host,
      fields: [...upgradeRequestFields(this.offer), ...fieldPairs(fields)],
      body: BODY.none,
    };
    for (let room = ROOM_BYTES; ; room *= 2) {
      const bytes = Buffer.allocUnsafe(room);
      const end = writer.writeRequest(bytes, 0, request);
      if (end >= 0) return bytes.subarray(0, end);
    }
  }

  /** Reads the response; returns how many bytes were its own. */
  feed(bytes: Buffer): number {
    return this.parser.feed(bytes, this);
  }

  onHeadersComplete(head: ResponseHead): AfterHead {
    if (head.isInterim) return AFTER_HEAD.goOn;
    const { statusCode } = head;
    const result = checkUpgradeResponse(head, head, this.offer, sha1);
    if (!isHandshakeFault(result)) this.result = result;
    else if (statusCode === 101) this.problem = result.error.message;
    else this.problem = `the server responded with ${statusCode}`;
    const wants = this.offer.deflate !== undefined;
    if (wants && this.result !== undefined && this.result.deflate === undefined) {
      this.problem = "the server agreed to no compression";
    }
    return this.problem === undefined ? AFTER_HEAD.upgrade : AFTER_HEAD.stop;
  }

  onBody(): boolean {
    return true;
  }

  onMessageComplete(): boolean {
    return true;
  }

  onParseError({ message }: NetError): void {
    this.problem = message;
  }
}
