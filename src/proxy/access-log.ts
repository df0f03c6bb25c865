/** Access logs of proxies and relays. */
import {
  ACCESS_LOG_OPTIONS,
  type AccessLogFormat,
  type AccessLogOptions,
} from "../http/server/access-log.js";
import { cut, jsonText, plain, rounded, timeText } from "../http/server/log-text.js";
import { type Given, readAllOptions } from "../options.js";
import type { AccessRecord } from "./proxy-handlers.js";
import type { RelayRecord } from "./relay/relay-options.js";
import type { UdpRelayRecord } from "./relay/udp-relay-options.js";

/** What is logged: a request, tunnel, client or session. */
export type LoggedRecord = AccessRecord | RelayRecord | UdpRelayRecord;

/** What all records have, in one form. */
interface Entry {
  readonly client: string | undefined;
  readonly user: string | undefined;
  /** The parts that stand for a request line. */
  readonly request: readonly [method: string, target: string, protocol: string];
  readonly status: number | undefined;
}

/**
 * Makes a handler that writes a line for each record: `onAccess` of a `ProxyServer`, `onRelayed` of a `Relay` or a
 * `UdpRelay`.
 *
 * `combined` is the Combined Log Format. What is no request of HTTP has a line made like one: a tunnel is
 * `CONNECT example.com:443 socks5`, a client of a relay `RELAY 10.0.0.1:80 tcp`; the bytes are those that went to the
 * client. `json` is the record, with `time` in front, `remoteAddress` for `client`, and the code of `error`. Throws
 * `INVALID_ARGUMENT`.
 */
export function accessLog(options: Given<AccessLogOptions> = {}): (record: LoggedRecord) => void {
  const { format, write, maxPartLength } = readAllOptions<AccessLogOptions>(
    "accessLog",
    ACCESS_LOG_OPTIONS,
    options,
  );
  const lineOf: Readonly<Record<AccessLogFormat, typeof jsonLine>> = {
    combined: combinedLine,
    json: jsonLine,
  };
  return (record) => write(lineOf[format](record, maxPartLength));
}

function combinedLine(record: LoggedRecord, maxLength: number): string {
  const { client, user, request, status } = entryOf(record);
  const part = (text: string | undefined): string =>
    text === undefined || text === "" ? "-" : plain(cut(text, maxLength));
  const line = request.map((text) => part(text)).join(" ");
  const name = part(user).replaceAll(" ", "\\x20");
  const time = timeText(record.startedAt);
  return `${part(client)} - ${name} [${time}] "${line}" ${status ?? "-"} ${record.toClientBytes} "-" "-"\n`;
}

function entryOf(record: LoggedRecord): Entry {
  if ("protocol" in record) {
    const { client, user, method, target, protocol, status } = record;
    const verb = method ?? (protocol === "udp" ? "ASSOCIATE" : "CONNECT");
    return { client, user, request: [verb, target, protocol], status };
  }
  const protocol = "fromClientDatagrams" in record ? "udp" : "tcp";
  const { destination = "" } = record;
  const request = ["RELAY", destination, protocol] as const;
  return { client: record.client, user: undefined, request, status: undefined };
}

function jsonLine(record: LoggedRecord, maxLength: number): string {
  const { client, error, startedAt, durationMs, ...named } = record;
  const { clientPort, ...rest } = { clientPort: undefined, ...named };
  const parts = Object.entries(rest).map(([name, value]) => [
    name,
    typeof value === "string" ? cut(value, maxLength) : (value ?? null),
  ]);
  return jsonText({
    time: new Date(startedAt).toISOString(),
    remoteAddress: client ?? null,
    ...(clientPort !== undefined && { remotePort: clientPort }),
    ...Object.fromEntries(parts),
    durationMs: rounded(durationMs),
    error: error?.code ?? null,
  });
}
