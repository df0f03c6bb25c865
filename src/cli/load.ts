import type { Command, ExitCode } from "./command.js";
import { ECHO_LOAD_OPTIONS, loadEcho } from "./load/load-echo.js";
import { HTTP_LOAD_OPTIONS, loadHttp } from "./load/load-http.js";
import type { Terminal } from "./terminal.js";
import { isUrl } from "./url.js";

/** A load test of an echo server, every byte verified, or of an HTTP server. */
export const load: Command = {
  name: "load",
  summary: "load an echo server, every byte verified, or an HTTP server",
  usage: "HOST:PORT|URL [options]",
  options: { ...ECHO_LOAD_OPTIONS, ...HTTP_LOAD_OPTIONS },
  notes:
    "Every connection keeps --depth messages in flight: of --size bytes, which have to come back as\n" +
    "they are; or, with a URL (http: or https:), requests, whose statuses are counted. The options\n" +
    "marked URL are for those; --size, --path, --receive and what goes with it, --tls are not.\n" +
    "Ends with exit code 1 on any error: a connection that could not be made or broke, a wrong\n" +
    "byte, a malformed response, a status of 400 or above, an answer that is missing 2 s after the\n" +
    "end. SIGINT ends the load early, with its figures.",
  run,
};

const NOT_HTTP = { table: ECHO_LOAD_OPTIONS, text: "goes with HOST:PORT, not with a URL" };
const NOT_ECHO = { table: HTTP_LOAD_OPTIONS, text: "goes with a URL, not with HOST:PORT" };

function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  return argv.some(isUrl) ? loadHttp(argv, terminal, NOT_HTTP) : loadEcho(argv, terminal, NOT_ECHO);
}
