/**
 * What both sides know: how messages travel, and where the server is.
 *
 * A message is `KIND|ID|body`. Either side asks (Q), the other answers (A) with the same id, in any order; a notice (N) has no
 * answer. The first notice of a branch is its name. Ids begin with the letter of who asks, so that those of the two sides
 * are never the same.
 */
import process from "node:process";
import { type HeartbeatOptions, lengthPrefix } from "hp-socket";

/** A message is text with its length in front. */
export const receive = lengthPrefix({ format: "ascii", bytes: 4, maxPacketBytes: 9_999 });

/** Where the server is, unless the environment says otherwise. */
export const address = {
  host: process.env["HOST"] ?? "127.0.0.1",
  port: Number(process.env["PORT"] ?? 5_555),
};

export interface Message {
  readonly kind: string;
  readonly id: string;
  readonly body: string;
}

export function parse(packet: Buffer): Message {
  const [kind = "", id = "", ...body] = packet.toString().split("|");
  return { kind, id, body: body.join("|") };
}

export function write({ kind, id, body }: Message): string {
  return `${kind}|${id}|${body}`;
}

/** By what an answer finds its question. */
export function correlate(packet: Buffer): string | undefined {
  const { kind, id } = parse(packet);
  return kind === "Q" || kind === "A" ? id : undefined;
}

/** After 15 seconds of silence either side asks whether the other lives, and gives it up after three times 5 seconds. */
export const heartbeat: HeartbeatOptions = {
  everyMs: 15_000,
  timeoutMs: 5_000,
  maxMisses: 3,
  message: "H|?|",
  isAnswer: (packet) => packet.equals(Buffer.from("H|!|")),
  isProbe: (packet) => packet.equals(Buffer.from("H|?|")),
  answer: "H|!|",
};
