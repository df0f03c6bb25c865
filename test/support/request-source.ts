/** What a Request is made of on a server, without a server: a message, parsed, and its body. */
import { Buffer } from "node:buffer";
import { ManualClock } from "hp-socket/testing";
import { BodyIntake } from "#src/http/body/body-intake.js";
import type { RequestSource } from "#src/http/server/fetch/light-request.js";
import { createLimits } from "#src/protocol/http1/limits.js";
import { AFTER_HEAD } from "#src/protocol/http1/parsing/message-sink.js";
import { RequestParser } from "#src/protocol/http1/parsing/request-parser.js";
import type { RequestHead } from "#src/protocol/http1/request-head.js";
import { TimingWheel } from "#src/time/timing-wheel.js";

/** A request as it came. */
export interface SampleRequest {
  readonly method: string;
  readonly url: string;
  /** Field lines. */
  readonly fields: readonly string[];
  /** Undefined: it has none. */
  readonly body?: string | Uint8Array;
}

/** The source of one message. */
export function requestSource({ method, fields, body }: SampleRequest): RequestSource {
  const parser = new RequestParser(createLimits());
  let head: RequestHead | undefined;
  const lines = [`${method} / HTTP/1.1`, "Host: h", ...fields, "", ""];
  parser.feed(Buffer.from(lines.join("\r\n"), "latin1"), {
    onHeadersComplete(come) {
      head = come.keep();
      return AFTER_HEAD.skipBody;
    },
    onBody: () => true,
    onMessageComplete: () => true,
    onParseError(error) {
      throw error;
    },
  });
  const incoming = new BodyIntake(
    { wheel: new TimingWheel(new ManualClock()), bodyWanted() {}, holdBody() {} },
    undefined,
  );
  if (body !== undefined) incoming.push(Buffer.from(body), false);
  incoming.end();
  return {
    headers: head!,
    hasBody: body !== undefined,
    body: incoming,
    signal: new AbortController().signal,
    wholeRequest: undefined,
  };
}
