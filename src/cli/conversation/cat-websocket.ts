import type { NetError } from "../../index.js";
import type { WebSocketEnd } from "../../websocket/index.js";
import { assertNoTls, urlTlsOf, urlTlsTable } from "../choices/tls-choice.js";
import { readSocketUrl } from "../choices/url.js";
import { socketFieldsOf, socketTable } from "../choices/websocket-choice.js";
import { type ExitCode, engineOption } from "../command.js";
import {
  integerOption,
  type OptionTable,
  type OtherOptions,
  readCommandLine,
  secondsOption,
  switchOption,
  textOption,
} from "../command-line.js";
import type { Terminal } from "../terminal/terminal.js";
import { SocketConversation } from "./socket-conversation.js";

const MS_PER_SECOND = 1_000;
const MIB = 1_048_576;

const OPTIONS = {
  wait: secondsOption(
    "end when nothing came for so long after the end of the input (default: 1)",
    { min: 0, max: 86_400 },
    1,
  ),
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
  let isUnsent = false;
  const conversation = new SocketConversation({
    client: {
      tls: urlTlsOf(options),
      maxMessageBytes: options["max-packet"],
      compression: options.compression,
      ...(options.engine !== undefined && { engine: options.engine }),
      ...(options.proxy !== undefined && { proxy: options.proxy }),
    },
    isBinary: options.binary,
    maxMessageBytes: options["max-packet"],
    terminal,
    waitMs: options.wait * MS_PER_SECOND,
    onUnsent: (error: NetError) => {
      isUnsent = true;
      terminal.complain("cat", `not sent: ${error.message}`);
    },
  });
  const releaseSignals = terminal.onStopSignal(() => conversation.close());
  try {
    const { protocol: protocols, origin } = options;
    const end = await conversation.run(url, { headers, origin, protocols });
    terminal.complain("cat", endText(end, conversation.hasFinished));
    return end.isClean && !isUnsent ? 0 : 1;
  } finally {
    releaseSignals();
  }
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
