import { isSocketUrl, isUrl } from "../choices/url.js";
import type { Command, ExitCode } from "../command.js";
import { DATAGRAM_LOAD_OPTIONS, loadDatagrams } from "../load/load-datagram.js";
import { ECHO_LOAD_OPTIONS, loadEcho } from "../load/load-echo.js";
import { HTTP_LOAD_OPTIONS, loadHttp } from "../load/load-http.js";
import { loadWebSocket, WEBSOCKET_LOAD_OPTIONS } from "../load/load-websocket.js";
import type { Terminal } from "../terminal/terminal.js";

/** A load test of an echo server, of TCP or WebSocket, every byte verified, or of an HTTP server. */
export const load: Command = {
  name: "load",
  summary: "load an echo server (TCP, UDP, ARQ, ws:), every byte verified, or an HTTP server",
  usage: "HOST:PORT|URL [options]",
  options: {
    ...DATAGRAM_LOAD_OPTIONS,
    ...WEBSOCKET_LOAD_OPTIONS,
    ...ECHO_LOAD_OPTIONS,
    ...HTTP_LOAD_OPTIONS,
  },
  notes:
    "Every connection keeps --depth messages in flight: of --size bytes, which have to come back as\n" +
    "they are; or, with a URL (http: or https:), requests, whose statuses are counted. The options\n" +
    "marked URL are for those; --size, --path, --receive and what goes with it, --tls are not.\n" +
    "With ws: or wss: messages of --size bytes come back from a WebSocket echo server, with the options\n" +
    "marked ws. With --udp: datagrams of --size bytes; what gets lost is counted, and is no error.\n" +
    "With --arq: reliable messages over UDP of --size bytes, as over TCP.\n" +
    "It lasts --seconds after --warmup, or until --messages (--requests) were answered.\n" +
    "Ends with exit code 1 on any error: a connection that could not be made or broke, a wrong\n" +
    "byte, a malformed response, a status of 400 or above, an answer that is missing 2 s after the\n" +
    "end. With --messages or --requests the end is also where nothing came back for 10 s.\n" +
    "SIGINT ends the load early, with its figures.",
  run,
};

const WITH_PEER = { table: ECHO_LOAD_OPTIONS, text: "goes with HOST:PORT, not with a URL" };
const WITH_URL = { table: HTTP_LOAD_OPTIONS, text: "goes with a URL, not with HOST:PORT" };
const WITH_HTTP = { table: HTTP_LOAD_OPTIONS, text: "goes with a URL of http:" };
const WITH_WEBSOCKET = { table: WEBSOCKET_LOAD_OPTIONS, text: "goes with a URL of ws:" };

const NOT_UDP = { table: ECHO_LOAD_OPTIONS, text: "does not go with --udp" };

function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  if (argv.includes("--udp")) {
    return loadDatagrams(argv, terminal, [NOT_UDP, WITH_HTTP, WITH_WEBSOCKET]);
  }
  if (argv.some(isSocketUrl)) return loadWebSocket(argv, terminal, [WITH_PEER, WITH_HTTP]);
  if (argv.some(isUrl)) return loadHttp(argv, terminal, [WITH_PEER, WITH_WEBSOCKET]);
  return loadEcho(argv, terminal, [WITH_URL, WITH_WEBSOCKET]);
}
