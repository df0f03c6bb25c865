import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { pathWithQuery } from "../../http/client/http-target.js";
import { type ConnectOptions, push } from "../../index.js";
import { fieldsOf, methodOf, requestTable } from "../choices/request-choice.js";
import { assertNoTls, urlTlsOf, urlTlsTable } from "../choices/tls-choice.js";
import { readUrl } from "../choices/url.js";
import type { ExitCode } from "../command.js";
import {
  integerOption,
  type OptionTable,
  type OptionValues,
  type OtherOptions,
  readCommandLine,
  secondsOption,
  textOption,
  UsageError,
  withShort,
} from "../command-line.js";
import type { Terminal } from "../terminal/terminal.js";
import { HttpLoad } from "./http-load.js";
import { httpJson, httpText } from "./http-report.js";
import { HttpTally } from "./http-tally.js";
import { loadTable, runLoad } from "./load-session.js";
import { PreparedRequest } from "./prepared-request.js";
import { tcpLoadAgent } from "./tcp-load-agent.js";

const DAY_MS = 86_400_000;
const MS_PER_SECOND = 1_000;
const DEFAULT_SECONDS = 5;
const DEFAULT_WARMUP = 0.5;

const OPTIONS = {
  ...loadTable(),
  seconds: secondsOption("measured time (default: 5)", { min: 0.01, max: 86_400 }, undefined),
  warmup: secondsOption("time before it (default: 0.5)", { min: 0, max: 3_600 }, undefined),
  requests: integerOption(
    "URL: end after so many, instead of --seconds",
    { min: 1, max: Number.MAX_SAFE_INTEGER },
    undefined,
  ),
  method: withShort("X", textOption("METHOD", "URL: default GET, or POST with --data")),
  ...requestTable("URL: the body: text, or @FILE"),
  ...urlTlsTable(),
};

/** The options of a load of an HTTP server. */
export const HTTP_LOAD_OPTIONS: OptionTable = OPTIONS;

/** Loads an HTTP server. `argv`: what was typed behind `load`; `others`: options of
 * the other kind of load. */
export async function loadHttp(
  argv: readonly string[],
  terminal: Terminal,
  others: readonly OtherOptions[],
): Promise<ExitCode> {
  const { options, positionals } = readCommandLine(OPTIONS, argv, 1, ...others);
  const url = readUrl(positionals[0]);
  const isSecure = url.protocol === "https:";
  if (!isSecure) assertNoTls(options);
  const tls = urlTlsOf(options);
  const request = requestTo(url, options);
  const tally = new HttpTally(request, options.depth);
  if (options.requests !== undefined) tally.unsentCount = options.requests;
  const plan = {
    createAgent: tcpLoadAgent({
      connect: addressOf(url, isSecure),
      engine: options.engine,
      tls: isSecure ? { alpnProtocols: ["http/1.1"], ...tls } : undefined,
      receive: push(),
      inFlightBytes: options.depth * request.byteCount,
    }),
    connectionCount: options.connections,
    ...timesOf(options),
    createLoad: () => new HttpLoad(tally),
  };
  const byteCount = (): number => tally.receivedBytes;
  const outcome = await runLoad({ terminal, plan, tally, unit: "requests", byteCount });
  const target = url.href;
  const result = { target, connectionCount: options.connections, tally, outcome };
  terminal.print(options.json ? httpJson(result) : httpText(result, terminal.paint));
  return tally.failures.size === 0 && tally.refusedCount === 0 ? 0 : 1;
}

type Options = OptionValues<typeof OPTIONS>;

function requestTo(url: URL, options: Options): PreparedRequest {
  const body = options.data === undefined ? undefined : bodyOf(options.data);
  return new PreparedRequest(
    {
      method: methodOf(options.method, body !== undefined),
      target: pathWithQuery(url),
      host: url.host,
      fields: fieldsOf(options),
      body,
    },
    options.depth,
  );
}

function bodyOf(data: string): Buffer {
  if (!data.startsWith("@")) return Buffer.from(data, "utf8");
  try {
    return readFileSync(data.slice(1));
  } catch (error) {
    throw new UsageError(`--data ${data} can't be sent: ${(error as Error).message}`);
  }
}

function addressOf({ hostname, port }: URL, isSecure: boolean): ConnectOptions {
  return {
    host: hostname.startsWith("[") ? hostname.slice(1, -1) : hostname,
    port: port === "" ? (isSecure ? 443 : 80) : Number(port),
  };
}

/** A number of requests is an end of its own: all of them count. */
function timesOf({ requests, seconds, warmup }: Options): { warmupMs: number; measuredMs: number } {
  if (requests === undefined) {
    return {
      warmupMs: (warmup ?? DEFAULT_WARMUP) * MS_PER_SECOND,
      measuredMs: (seconds ?? DEFAULT_SECONDS) * MS_PER_SECOND,
    };
  }
  if (seconds !== undefined) throw new UsageError("--requests and --seconds exclude each other");
  if (warmup !== undefined) throw new UsageError("--requests and --warmup exclude each other");
  return { warmupMs: 0, measuredMs: DAY_MS };
}
