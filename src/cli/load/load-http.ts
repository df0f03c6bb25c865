import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { pathWithQuery } from "../../http/client/http-target.js";
import { push } from "../../index.js";
import { fieldsOf, methodOf, requestTable } from "../choices/request-choice.js";
import { assertNoTls, urlTlsOf, urlTlsTable } from "../choices/tls-choice.js";
import { addressOf, readUrl } from "../choices/url.js";
import type { ExitCode } from "../command.js";
import {
  type OptionTable,
  type OptionValues,
  type OtherOptions,
  readCommandLine,
  textOption,
  UsageError,
  withShort,
} from "../command-line.js";
import type { Terminal } from "../terminal/terminal.js";
import { HttpLoad } from "./http-load.js";
import { httpJson, httpText } from "./http-report.js";
import { HttpTally } from "./http-tally.js";
import { boundLoad, countOption, loadTable, runLoad } from "./load-session.js";
import { PreparedRequest } from "./prepared-request.js";
import { tcpLoadAgent } from "./tcp-load-agent.js";

const OPTIONS = {
  ...loadTable(),
  requests: countOption("URL: "),
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
  const plan = {
    createAgent: tcpLoadAgent({
      connect: addressOf(url, isSecure),
      engine: options.engine,
      tls: isSecure ? { alpnProtocols: ["http/1.1"], ...tls } : undefined,
      receive: push(),
      inFlightBytes: options.depth * request.byteCount,
    }),
    connectionCount: options.connections,
    ...boundLoad(tally, options, options.requests, "--requests"),
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
