/** Sends a message chunk by chunk, a fragment each, no faster than the peer takes them. */
import type { Data, SendResult } from "../connection/connection.js";
import { bytesOf } from "../connection/data.js";
import { describe, NetError } from "../errors.js";
import { PumpBreath } from "../http/pump-breath.js";
import type { FrameOutput, OwnConnection } from "./frame-output.js";
import type { SendOptions } from "./websocket-connection.js";

/** The socket, as its stream sees it. */
export interface StreamedSocket {
  readonly connection: OwnConnection;
  readonly output: FrameOutput;
  readonly isSendingMessage: boolean;
  readonly isOpen: boolean;
  whenDrained(): Promise<void>;
}

const NOTHING: Buffer = Buffer.alloc(0);

/** Sends a message chunk by chunk, a fragment each, no faster than the peer takes them. Rejects with what the source throws: the socket is closed then, because the message can't be completed. */
export async function streamMessage(
  session: StreamedSocket,
  source: AsyncIterable<Data> | Iterable<Data>,
  options: SendOptions,
): Promise<void> {
  if (!isIterable(source)) {
    throw new NetError("INVALID_ARGUMENT", `source must be iterable, not ${describe(source)}`, {
      operation: "send",
    });
  }
  const { connection } = session;
  if (session.isSendingMessage) {
    throw new NetError("INVALID_STATE", "another message is being sent in fragments", {
      operation: "send",
      connectionId: connection.id,
    });
  }
  const { compress, isLast = true } = options;
  const breath = new PumpBreath(connection.wheel.clock);
  let isText = options.isText;
  let hasBegun = false;
  try {
    for await (const chunk of source) {
      isText ??= typeof chunk === "string";
      const bytes = bytesOf(chunk);
      hasBegun = true;
      const result = send(session, bytes, { compress, isText, isLast: false });
      if (result !== true) await session.whenDrained();
      else if (breath.isDue(bytes.length)) await breath.taken();
    }
  } catch (error) {
    if (hasBegun && session.isOpen) connection.abort();
    throw error;
  }
  if (isLast) send(session, NOTHING, { compress, isText: isText ?? false, isLast: true });
}

function send(session: StreamedSocket, bytes: Buffer, options: SendOptions): SendResult {
  if (!session.isOpen) throw session.connection.closedError();
  return session.output.send(bytes, options);
}

function isIterable(source: unknown): boolean {
  if (typeof source !== "object" || source === null || ArrayBuffer.isView(source)) return false;
  return Symbol.asyncIterator in source || Symbol.iterator in source;
}
