import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { pathWithQuery } from "../../http/client/http-target.js";
import { push } from "../../index.js";
import { byteText, countText } from "../choices/quantity.js";
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
import { HttpTally } from "./http-tally.js";
import { tcpLoadAgent } from "./load-agents.js";
import {
  connectionFigures,
  type LoadReport,
  type LoadResult,
  messageRate,
  perSecond,
  rounded,
} from "./load-report.js";
import { countOption, loadTable, runLoad } from "./load-session.js";
import { PreparedRequest } from "./prepared-request.js";

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
  return await runLoad({
    terminal,
    target: url.href,
    options,
    tally,
    unit: "requests",
    count: options.requests,
    createAgent: tcpLoadAgent({
      connect: addressOf(url, isSecure),
      engine: options.engine,
      tls: isSecure ? { alpnProtocols: ["http/1.1"], ...tls } : undefined,
      receive: push(),
      inFlightBytes: options.depth * request.byteCount,
    }),
    createLoad: () => new HttpLoad(tally),
    byteCount: () => tally.receivedBytes,
    report,
  });
}

function report(result: LoadResult<HttpTally>): LoadReport {
  const { target, tally, outcome } = result;
  const { request, bodyBytes } = tally;
  const byteRate = perSecond(tally.receivedBytes, outcome);
  const statuses = tally.statuses();
  const texts = statuses.map(([status, times]) => `${status} × ${countText(times)}`);
  return {
    subject: `${request.method} ${target}`,
    load: `${byteText(request.byteCount)} a request`,
    figures: {
      method: request.method,
      connections: { ...connectionFigures(result), replaced: outcome.replacedCount },
      requestBytes: request.byteCount,
      requests: tally.latencies.count,
      requestsPerSecond: rounded(messageRate(result)),
      receivedBytesPerSecond: rounded(byteRate),
      bodyBytes,
      statuses: Object.fromEntries(statuses),
    },
    rows: [["bytes", `${byteText(byteRate)}/s received, ${byteText(bodyBytes)} of bodies`]],
    lastRows: [["statuses", texts.length === 0 ? "none" : texts.join(" · ")]],
  };
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
