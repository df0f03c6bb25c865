import { pathWithQuery } from "../../http/client/http-target.js";
import { push } from "../../index.js";
import { compressionSettings } from "../../websocket/deflate/compression-options.js";
import { assertNoTls, urlTlsOf, urlTlsTable } from "../choices/tls-choice.js";
import { addressOf, readSocketUrl } from "../choices/url.js";
import { socketFieldsOf, socketTable } from "../choices/websocket-choice.js";
import type { ExitCode } from "../command.js";
import {
  integerOption,
  type OptionTable,
  type OptionValues,
  type OtherOptions,
  readCommandLine,
  switchOption,
  UsageError,
} from "../command-line.js";
import type { Terminal } from "../terminal/terminal.js";
import { BytePattern } from "./byte-pattern.js";
import { echoReport } from "./echo-report.js";
import { tcpLoadAgent } from "./load-agents.js";
import { countOption, loadTable, runLoad } from "./load-session.js";
import { recordText } from "./record-text.js";
import { WebSocketLoad } from "./websocket-load.js";
import { WebSocketTally } from "./websocket-tally.js";

/** Bytes that may be in flight on one connection. */
const MAX_IN_FLIGHT_BYTES = 2 ** 30;
const FRAME_BYTES = 64;

const OPTIONS = {
  ...loadTable(),
  size: integerOption("bytes of a message (default: 64)", { min: 1, max: 67_108_864 }, 64),
  messages: countOption(),
  text: switchOption("ws: text messages (default: binary ones)"),
  deflate: switchOption("ws: compressed messages, of records that compress well"),
  ...socketTable(),
  ...urlTlsTable(),
};

/** The options of a load of a WebSocket echo server. */
export const WEBSOCKET_LOAD_OPTIONS: OptionTable = OPTIONS;

/** Loads a WebSocket echo server. `argv`: what was typed behind `load`; `others`: options of the other kinds of load. */
export async function loadWebSocket(
  argv: readonly string[],
  terminal: Terminal,
  others: readonly OtherOptions[],
): Promise<ExitCode> {
  const { options, positionals } = readCommandLine(OPTIONS, argv, 1, ...others);
  const url = readSocketUrl(positionals[0]);
  const isSecure = url.protocol === "wss:";
  if (!isSecure) assertNoTls(options, "ws");
  const { size, depth } = options;
  if (size * depth > MAX_IN_FLIGHT_BYTES) {
    throw new UsageError(`--size × --depth must be at most ${MAX_IN_FLIGHT_BYTES} bytes`);
  }
  const tls = urlTlsOf(options);
  const tally = tallyOf(url, options);
  let index = 0;
  return await runLoad({
    terminal,
    target: url.href,
    options,
    tally,
    unit: "messages",
    count: options.messages,
    createAgent: tcpLoadAgent({
      connect: addressOf(url, isSecure),
      engine: options.engine,
      tls: isSecure ? { alpnProtocols: ["http/1.1"], ...tls } : undefined,
      receive: push(),
      inFlightBytes: depth * (size + FRAME_BYTES),
    }),
    createLoad: () => new WebSocketLoad(tally, index++),
    byteCount: () => tally.verifiedBytes,
    report: (result) => echoReport(result, receiveName(options)),
  });
}

type Options = OptionValues<typeof OPTIONS>;

function receiveName({ text, deflate }: Options): string {
  return `websocket ${text ? "text" : "binary"}${deflate ? " deflate" : ""}`;
}

function tallyOf(url: URL, options: Options): WebSocketTally {
  const { size, depth, text, deflate, protocol } = options;
  const source = deflate ? recordText : text ? PRINTABLE : EVERY_BYTE;
  return new WebSocketTally(new BytePattern(size, source), depth, {
    target: pathWithQuery(url),
    host: url.host,
    origin: options.origin,
    protocols: protocol,
    fields: socketFieldsOf(options, url),
    isText: text,
    compression: deflate ? compressionSettings(true) : undefined,
  });
}

const PRINTABLE = Uint8Array.from({ length: 95 }, (_, index) => 0x20 + index);
const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);
