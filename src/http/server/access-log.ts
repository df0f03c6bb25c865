/** Access logs, by `onResponseComplete`. */
import process from "node:process";
import { assertFunction } from "../../connection/settings.js";
import type { Address } from "../../engine/engine.js";
import {
  checked,
  choice,
  count,
  type Given,
  type OptionTable,
  readAllOptions,
} from "../../options.js";
import type { HttpExchange } from "./http-exchange.js";
import { cut, jsonText, plain, rounded, timeText } from "./log-text.js";
import type { ResponseReport } from "./response/response-report.js";

/**
 * `combined`: the Combined Log Format of Apache and nginx, with times in UTC. `json`: an object a line, with
 * `time`, `remoteAddress`, `method`, `target`, `version`, `authority`, `status`, `headBytes`, `bodyBytes`,
 * `firstByteMs`, `durationMs`, `referer`, `userAgent`, and `cut` with the code of what cut a response.
 */
export type AccessLogFormat = "combined" | "json";

/** How an access log is written. */
export interface AccessLogOptions {
  /** Form of a line. Default `combined`. */
  readonly format: AccessLogFormat;
  /**
   * Gets each line, with its line feed. What it throws goes to `onHandlerError`. Default: standard output,
   * where what waits to be written is not bounded: a busy server has a logger of its own here.
   */
  readonly write: (line: string) => void;
  /** Characters of each part that a peer has sent; longer ones are cut, and end in "...". Default 1,024. */
  readonly maxPartLength: number;
}

/** Default and check of each option. */
export const ACCESS_LOG_OPTIONS: OptionTable<AccessLogOptions> = {
  format: choice<AccessLogFormat>("combined", ["combined", "json"]),
  write: checked((line: string): void => {
    process.stdout.write(line);
  }, assertFunction),
  maxPartLength: count(1_024, "characters", { min: 16, max: 65_536 }),
};

/**
 * Makes a handler `onResponseComplete` that writes a line for each response. Throws `INVALID_ARGUMENT`.
 * Requests for other protocols are logged when their connection is handed over.
 */
export function accessLog(
  options: Given<AccessLogOptions> = {},
): (exchange: HttpExchange, report: ResponseReport) => void {
  const { format, write, maxPartLength } = readAllOptions<AccessLogOptions>(
    "accessLog",
    ACCESS_LOG_OPTIONS,
    options,
  );
  const lineOf = format === "json" ? jsonLine : combinedLine;
  return (exchange, report) => write(lineOf(exchange, report, maxPartLength));
}

function combinedLine(exchange: HttpExchange, report: ResponseReport, maxLength: number): string {
  const { method, target, version, headers } = exchange;
  const part = (text: string): string => plain(cut(text, maxLength));
  const quoted = (text: string | undefined): string => `"${text === undefined ? "-" : part(text)}"`;
  // A malformed request has neither.
  const line =
    method === "" ? undefined : `${cut(method, maxLength)} ${cut(target, maxLength)} ${version}`;
  const request = line === undefined ? '"-"' : `"${plain(line)}"`;
  const host = part(hostOf(exchange.connection.remoteAddress));
  const status = report.status ?? "-";
  const referer = quoted(headers.get("referer"));
  const agent = quoted(headers.get("user-agent"));
  const time = timeText(report.startedAt);
  return `${host} - - [${time}] ${request} ${status} ${report.bodyBytes} ${referer} ${agent}\n`;
}

function jsonLine(exchange: HttpExchange, report: ResponseReport, maxLength: number): string {
  const { method, target, version, authority, headers, connection } = exchange;
  const part = (text: string | undefined): string | null =>
    text === undefined || text === "" ? null : cut(text, maxLength);
  const object = {
    time: new Date(report.startedAt).toISOString(),
    remoteAddress: part(hostOf(connection.remoteAddress)),
    method: part(method),
    target: part(target),
    version: method === "" ? null : version,
    authority: part(authority),
    status: report.status ?? null,
    headBytes: report.headBytes,
    bodyBytes: report.bodyBytes,
    firstByteMs: rounded(report.firstByteMs),
    durationMs: rounded(report.durationMs),
    referer: part(headers.get("referer")),
    userAgent: part(headers.get("user-agent")),
    cut: report.cut?.code ?? null,
  };
  return jsonText(object);
}

function hostOf(address: Address | undefined): string {
  if (address === undefined) return "-";
  // A peer on a Unix-domain socket has no address.
  return address.host ?? "unix:";
}
