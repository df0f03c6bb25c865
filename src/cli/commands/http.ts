import { writeFile } from "node:fs/promises";
import { pathWithQuery } from "../../http/client/http-target.js";
import {
  HttpAgent,
  type HttpFollowOptions,
  type HttpResponse,
  type RequestTimes,
} from "../../http/index.js";
import { NetError } from "../../index.js";
import { cookieFile } from "../choices/cookie-file.js";
import { byteText } from "../choices/quantity.js";
import { openData } from "../choices/request-body.js";
import { fieldsOf, isMethod, methodOf, requestTable } from "../choices/request-choice.js";
import { assertNoTls, urlTlsOf, urlTlsTable } from "../choices/tls-choice.js";
import { readUrl } from "../choices/url.js";
import { type Command, type ExitCode, engineOption } from "../command.js";
import {
  type OptionValues,
  quoted,
  readCommandLine,
  secondsOption,
  switchOption,
  textOption,
  UsageError,
  withShort,
} from "../command-line.js";
import { packageVersion } from "../own-package.js";
import { LiveLine } from "../terminal/live-line.js";
import { headBytes, headLines, timingText } from "../terminal/response-view.js";
import type { Terminal } from "../terminal/terminal.js";

const MS_PER_SECOND = 1_000;
const ONE_DAY = { min: 0, max: 86_400 };

const OPTIONS = {
  method: withShort("X", textOption("METHOD", "the same as METHOD before the URL")),
  ...requestTable("the body: text, @FILE, or @- for standard input"),
  output: withShort("o", textOption("FILE", "write the body there (default: standard output)")),
  include: withShort("i", switchOption("show the head of the response before its body")),
  verbose: withShort("v", switchOption("show both heads and the timing on standard error")),
  location: withShort("L", switchOption("follow redirects")),
  compressed: switchOption("ask for encoded content, and decode it"),
  fail: withShort("f", switchOption("end with exit code 1 for a status of 400 and above")),
  timing: switchOption("tell on standard error how long the parts took"),
  timeout: secondsOption("for the whole; 0: none (default: 30 of silence)", ONE_DAY, undefined),
  "connect-timeout": secondsOption("to connect, TLS included (default: 10)", ONE_DAY, 10),
  cookies: textOption("FILE", "take cookies from this file, and write them back"),
  proxy: textOption("URL", "http://[USER:PASSWORD@]HOST:PORT"),
  ...urlTlsTable(),
  engine: engineOption(),
};

type HttpOptions = OptionValues<typeof OPTIONS>;

/** Asks for a URL: a small curl. */
export const http: Command = {
  name: "http",
  summary: "ask for a URL: body to standard output, with timing",
  usage: "[METHOD] URL [options]",
  options: OPTIONS,
  notes:
    "The method is GET, or POST with --data; the usual ones in any capitals. Exit code 0: a response came whole, whatever its\n" +
    "status; 1: none did, or with --fail its status is 400 or above; 2: wrong arguments.",
  run,
};

async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { options, positionals } = readCommandLine(OPTIONS, argv, 2);
  const [typedMethod, typedUrl] =
    positionals.length > 1 ? positionals : [undefined, positionals[0]];
  if (typedMethod !== undefined && options.method !== undefined) {
    throw new UsageError(`take either ${quoted(typedMethod)} or --method`);
  }
  if (typedMethod === undefined && isMethod(typedUrl)) {
    throw new UsageError(`which URL? ${quoted(typedUrl)} is the method`);
  }
  const url = readUrl(typedUrl);
  if (url.protocol === "http:" && !options.location) assertNoTls(options);
  const method = methodOf(typedMethod ?? options.method, options.data !== undefined);
  const body = await openData(options.data, terminal.input);
  const cookies = options.cookies === undefined ? undefined : await cookieFile(options.cookies);
  const agent = new HttpAgent({
    tls: urlTlsOf(options),
    ...(options.engine !== undefined && { engine: options.engine }),
    ...(options.proxy !== undefined && { proxy: options.proxy }),
    ...(cookies !== undefined && { cookies: cookies.store }),
  });
  try {
    const init = initOf(method, options);
    if (options.verbose) showRequest(url, init, terminal);
    const response = await agent.follow(url, { ...body.init, ...init });
    if (options.verbose) showLines("<", headLines(response), terminal);
    await cookies?.save();
    const code = await deliver(response, options, method, terminal);
    if (options.timing || options.verbose) terminal.complain(http.name, timingText(response));
    return code;
  } finally {
    body.close();
    await agent.stop({ drainMs: 0 });
  }
}

/** What is asked for; the client adds what the message needs, Host and the length of the body. */
function showRequest(url: URL, { method, headers }: RequestInit, terminal: Terminal): void {
  const fields = headers.map(([name, value]) => `${name}: ${value}`);
  const line = `${method} ${pathWithQuery(url)} HTTP/1.1`;
  showLines(">", [line, `Host: ${url.host}`, ...fields], terminal);
}

function showLines(mark: string, lines: readonly string[], terminal: Terminal): void {
  for (const line of lines) terminal.errors.write(`${terminal.errorPaint.dim(mark)} ${line}\n`);
}

interface RequestInit extends HttpFollowOptions {
  readonly method: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

function initOf(method: string, options: HttpOptions): RequestInit {
  const fields = fieldsOf(options);
  const hasAgent = fields.some(([name]) => name.toLowerCase() === "user-agent");
  return {
    method,
    headers: hasAgent ? fields : [...fields, ["User-Agent", `hp-socket/${packageVersion()}`]],
    redirect: options.location ? "follow" : "manual",
    decompress: options.compressed,
    // It is written as it comes: how much it is does not matter here.
    maxDecodedBytes: Number.MAX_SAFE_INTEGER,
    ...wholeTime(options.timeout),
    connectTimeoutMs: Math.round(options["connect-timeout"] * MS_PER_SECOND),
  };
}

/** Who says how long the whole may take has said how long its parts may. */
function wholeTime(seconds: number | undefined): Partial<RequestTimes> {
  if (seconds === undefined) return {};
  return { timeoutMs: Math.round(seconds * MS_PER_SECOND), headTimeoutMs: 0, bodyTimeoutMs: 0 };
}

/** Writes the response where it is to go; returns the exit code. */
async function deliver(
  response: HttpResponse,
  { output, include, fail }: HttpOptions,
  method: string,
  terminal: Terminal,
): Promise<ExitCode> {
  const chunks = contentOf(response, include || method === "HEAD");
  const progress = liveProgress(response, terminal);
  if (output !== undefined || terminal.output.isTTY !== true) progress.start();
  try {
    if (output === undefined || output === "-") await terminal.pour(chunks);
    else await save(chunks, output);
  } finally {
    progress.stop();
    response.body.discard();
  }
  if (!fail || response.status < 400) return 0;
  terminal.complain(http.name, `the status is ${response.status} ${response.statusText}`.trimEnd());
  return 1;
}

async function* contentOf(
  response: HttpResponse,
  showsHead: boolean,
): AsyncGenerator<Buffer, void, undefined> {
  if (showsHead) yield headBytes(response);
  yield* response.body;
}

/** What came before an error stays in the file. */
async function save(chunks: AsyncIterable<Buffer>, path: string): Promise<void> {
  try {
    await writeFile(path, chunks);
  } catch (error) {
    if (error instanceof NetError) throw error;
    const text = `${path} can't be written: ${(error as Error).message}`;
    throw new NetError("SYSTEM_ERROR", text, { cause: error });
  }
}

function liveProgress({ body }: HttpResponse, terminal: Terminal): LiveLine {
  const { contentLength } = body;
  let before = 0;
  return new LiveLine(terminal, (seconds) => {
    const { receivedBytes } = body;
    const rate = (receivedBytes - before) / seconds;
    before = receivedBytes;
    const share =
      contentLength === undefined
        ? byteText(receivedBytes)
        : `${byteText(receivedBytes)} of ${byteText(contentLength)}`;
    return `${share} · ${byteText(rate)}/s`;
  });
}
