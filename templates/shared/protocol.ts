/** What both sides know: how messages travel, and where the server is. */
import process from "node:process";
import { lengthPrefix } from "hp-socket";

/** A message is text with its length in front. */
export const receive = lengthPrefix({ format: "ascii", bytes: 4, maxPacketBytes: 9_999 });

/** Where the server is, unless the environment says otherwise. */
export const address = {
  host: process.env["HOST"] ?? "127.0.0.1",
  port: Number(process.env["PORT"] ?? 5_555),
};
