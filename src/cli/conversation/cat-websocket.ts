import { delimiter } from "../../index.js";
import { WebSocketClient, type WebSocketEnd } from "../../websocket/index.js";
import { assertNoTls, urlTlsOf, urlTlsTable } from "../choices/tls-choice.js";
import { readSocketUrl } from "../choices/url.js";
import { socketFieldsOf, socketTable } from "../choices/websocket-choice.js";
import { type ExitCode, engineOption } from "../command.js";
import {
  integerOption,
  type OptionTable,
  type OtherOptions,
  readCommandLine,
  switchOption,
  textOption,
} from "../command-line.js";
import type { Terminal } from "../terminal/terminal.js";
import { converse, waitOption } from "./conversation.js";

const MIB = 1_048_576;

const OPTIONS = {
  wait: waitOption(),
  binary: switchOption("ws: send binary messages (default: text)"),
  compression: switchOption("ws: offer permessage-deflate"),
  "max-packet": integerOption(
    "ws: largest message in bytes (default: 16 MiB)",
    { min: 1, max: 2 ** 30 },
    16 * MIB,
  ),
  proxy: textOption("URL", "ws: http://[USER:PASSWORD@]HOST:PORT"),
  ...socketTable(),
  ...urlTlsTable(),
  engine: engineOption(),
};

/** The options of `cat` for a WebSocket. */
export const WEBSOCKET_CAT_OPTIONS: OptionTable = OPTIONS;

/** Types into a WebSocket and shows what comes. */
export async function catWebSocket(
  argv: readonly string[],
  terminal: Terminal,
  others: OtherOptions,
): Promise<ExitCode> {
  const { options, positionals } = readCommandLine(OPTIONS, argv, 1, others);
  const url = readSocketUrl(positionals[0]);
  if (url.protocol === "ws:") assertNoTls(options, "ws");
  const headers = socketFieldsOf(options, url);
  url.username = "";
  url.password = "";
  const { binary, compression, engine, "max-packet": maxMessageBytes, origin, proxy } = options;
  return await converse<WebSocketEnd>({
    receive: delimiter({ maxPacketBytes: maxMessageBytes }),
    terminal,
    waitSeconds: options.wait,
    endText,
    isCleanEnd: ({ isClean }) => isClean,
    createClient: (events) => {
      const client = new WebSocketClient({
        tls: urlTlsOf(options),
        maxMessageBytes,
        compression,
        ...(engine !== undefined && { engine }),
        ...(proxy !== undefined && { proxy }),
        onMessage: (_, data) => events.received(Buffer.from(data as Buffer)),
        onDrain: () => events.drained(),
      });
      return {
        connect: async () => {
          const asked = { headers, origin, protocols: options.protocol };
          const { socket } = await client.connect(url, asked);
          void socket.closed().then((end) => events.closed(end));
        },
        // The line is the decoder's; and a text must be sound.
        send: (bytes) => client.send(binary ? Buffer.from(bytes) : bytes.toString("utf8")),
        finish: () => undefined,
        close: () => client.close(),
        pause: () => client.socket.pause(),
        resume: () => client.socket.resume(),
        pendingBytes: () => client.socket.pendingBytes,
        stop: () => client.stop({ drainMs: 0 }),
      };
    },
  });
}

function endText(
  { code, reason, isClean, connection }: WebSocketEnd,
  hasFinished: boolean,
): string {
  if (!isClean && connection.cause !== undefined) {
    return `${connection.code}: ${connection.cause.message}`;
  }
  if (hasFinished && code === 1_000) return "closed after the end of the input";
  const said = reason === "" ? `${code}` : `${code}, ${JSON.stringify(reason)}`;
  return `the peer closed the WebSocket: ${said}`;
}
