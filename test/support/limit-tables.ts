/**
 * Which table of options each table of docs/limits.md is made of, and the rows that follow from it.
 * The last column, what happens at the limit, is written by hand; `npm run docs` writes the others.
 */
import { ARQ_SETTINGS } from "#src/arq/arq-settings.js";
import { ACCESS_NUMBERS } from "#src/connection/access/access-options.js";
import { PROXY_HEADER_NUMBERS } from "#src/connection/access/proxy-header-options.js";
import { HEARTBEAT_NUMBERS } from "#src/connection/heartbeat/heartbeat-options.js";
import { CONNECTION_SETTINGS } from "#src/connection/settings.js";
import { DATAGRAM_SETTINGS } from "#src/datagram/datagram-settings.js";
import { URING_OPTIONS } from "#src/engine/uring/setup/uring-options.js";
import { AGENT_NUMBERS } from "#src/http/client/client-options.js";
import { COOKIE_LIMITS } from "#src/http/cookie/cookie-limits.js";
import { ACCESS_LOG_OPTIONS } from "#src/http/server/access-log.js";
import { COMPRESSION_OPTIONS } from "#src/http/server/compression/compression-options.js";
import { HTTP_SERVER_LIMITS } from "#src/http/server/http-server-settings.js";
import { SYNC_CLIENT_NUMBERS } from "#src/http/sync/sync-client-options.js";
import type { NumberRule } from "#src/options.js";
import { RECONNECT_NUMBERS } from "#src/outgoing/reconnect-options.js";
import { HEALTH_CHECK_NUMBERS } from "#src/pool/health-check-options.js";
import { POOL_NUMBERS } from "#src/pool/pool-options.js";
import { HTTP1_LIMITS } from "#src/protocol/http1/limits.js";
import { PROXY_NUMBERS } from "#src/proxy/proxy-settings.js";
import { RELAY_NUMBERS, UDP_RELAY_NUMBERS } from "#src/proxy/relay/relay-settings.js";
import { CAST_SETTINGS } from "#src/udp/cast-settings.js";
import { COMPRESSION_SETTINGS } from "#src/websocket/deflate/compression-options.js";
import { WEBSOCKET_SETTINGS } from "#src/websocket/websocket-settings.js";

const { maxInterimResponses: _, ...requestLimits } = HTTP1_LIMITS;

/** Heading of the first column → the options. */
export const LIMIT_TABLES: Readonly<Record<string, object>> = {
  setting: CONNECTION_SETTINGS,
  "of a session": DATAGRAM_SETTINGS,
  "of a cast or node": CAST_SETTINGS,
  "of an HTTP server": { ...HTTP_SERVER_LIMITS, ...requestLimits },
  "of compressed responses and logs": { ...COMPRESSION_OPTIONS, ...ACCESS_LOG_OPTIONS },
  "of an HTTP client": AGENT_NUMBERS,
  "of an HTTP sync client": SYNC_CLIENT_NUMBERS,
  "of a cookie store": COOKIE_LIMITS,
  "of access": ACCESS_NUMBERS,
  "of PROXY headers": PROXY_HEADER_NUMBERS,
  "of heartbeats": HEARTBEAT_NUMBERS,
  "of reconnecting": RECONNECT_NUMBERS,
  "of a pool": POOL_NUMBERS,
  "of health checks": HEALTH_CHECK_NUMBERS,
  "of a WebSocket": WEBSOCKET_SETTINGS,
  "of compression": COMPRESSION_SETTINGS,
  "of ARQ": ARQ_SETTINGS,
  "of a proxy": PROXY_NUMBERS,
  "of a relay": RELAY_NUMBERS,
  "of a UDP relay": UDP_RELAY_NUMBERS,
  "of the uring engine": URING_OPTIONS,
};

/** The document with the rows that its tables must have. A row that is new has no last column yet. */
export function withLimits(document: string): string {
  let text = document;
  for (const [heading, options] of Object.entries(LIMIT_TABLES)) {
    const head = new RegExp(`^\\| ${heading} \\| unit .*\\n\\| ---.*\\n`, "m").exec(text);
    if (head === null) throw new Error(`docs/limits.md has no table headed ${heading}`);
    const from = head.index + head[0].length;
    const length = /^(?:\|.*\n)*/.exec(text.slice(from))?.[0].length ?? 0;
    const rows = rowsOf(options, text.slice(from, from + length));
    text = text.slice(0, from) + rows + text.slice(from + length);
  }
  return text;
}

function rowsOf(options: object, old: string): string {
  const reached = new Map(
    old
      .split("\n")
      .map((line) => [/`(.*?)`/.exec(line)?.[1], line.split(" | ").slice(5).join(" | ")]),
  );
  return Object.entries(options)
    .filter((entry): entry is [string, NumberRule] => "unit" in entry[1])
    .map(([name, { unit, standard, min, max }]) => {
      const numbers = [standard, min, max].map((value) => value.toLocaleString("en-US"));
      return `| \`${name}\` | ${[unit, ...numbers].join(" | ")} | ${reached.get(name) ?? "|"}\n`;
    })
    .join("");
}
