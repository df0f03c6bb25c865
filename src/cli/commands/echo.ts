import type { ListenOptions } from "../../index.js";
import { RECEIVE_NAMES, receiveModelOf, receiveOptionTable } from "../choices/receive-choice.js";
import { serverTlsOf, serverTlsTable } from "../choices/tls-choice.js";
import { type Command, type ExitCode, engineOption, jsonOption } from "../command.js";
import {
  integerOption,
  type OptionValues,
  readCommandLine,
  switchOption,
  textOption,
  UsageError,
} from "../command-line.js";
import { DatagramEcho } from "../echo/datagram-echo.js";
import { EchoServer } from "../echo/echo-server.js";
import { WebSocketEcho } from "../echo/websocket-echo.js";
import type { Service } from "../service/service.js";
import { runService } from "../service/service-run.js";
import type { Terminal } from "../terminal/terminal.js";

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 5_555;
const MAX_DATAGRAM_BYTES = 65_507;
/** 127 datagrams of 1,432 bytes, less their heads. */
const MAX_ARQ_BYTES = 178_816;

const OPTIONS = {
  host: textOption("HOST", `where to listen (default: ${DEFAULT_HOST})`),
  port: integerOption(
    `0: any free one (default: ${DEFAULT_PORT})`,
    { min: 0, max: 65_535 },
    undefined,
  ),
  path: textOption("FILE", "Unix-domain socket instead of host and port"),
  ...receiveOptionTable(RECEIVE_NAMES, "push"),
  websocket: switchOption("WebSockets instead, on every path; --max-packet: largest message"),
  "no-compression": switchOption("websocket: without permessage-deflate"),
  udp: switchOption("datagrams instead (UDP); --max-packet: largest one"),
  arq: switchOption("reliable messages over UDP instead; --max-packet: largest one"),
  "max-connections": integerOption(
    "refuse more than these (default: 10000)",
    { min: 1, max: 5_000_000 },
    undefined,
  ),
  ...serverTlsTable(),
  engine: engineOption(),
  json: jsonOption(),
};

/** An echo server that listens on one address until it is told to stop. */
export const echo: Command = {
  name: "echo",
  summary: "a server that sends back what it gets",
  usage: "[options]",
  options: OPTIONS,
  notes:
    "Prints READY with its address once it listens, and with the SHA-256 fingerprint of its\n" +
    "certificate where it has one. SIGINT and SIGTERM drain and end it;\n" +
    "a second one ends it at once.",
  run,
};

async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { options } = readCommandLine(OPTIONS, argv, 0);
  const target = listenOptions(options);
  const server = serverOf(options);
  const address = await server.listen(target);
  const { json } = options;
  return await runService(
    { commandName: echo.name, json, terminal },
    { service: server, address, receive: server.name },
  );
}

function serverOf(options: OptionValues<typeof OPTIONS>): Service {
  const { engine, websocket, udp, arq, "max-connections": maxConnections, receive } = options;
  const secured = serverTlsOf(options, options.host);
  if (options["no-compression"] && !websocket) {
    throw new UsageError("--no-compression goes with --websocket");
  }
  const kinds = [websocket && "--websocket", udp && "--udp", arq && "--arq"].filter(Boolean);
  const [kind, other] = kinds;
  if (kind === undefined) {
    const model = receiveModelOf(options);
    return new EchoServer({ name: receive, receive: model, engine, maxConnections, secured });
  }
  if (other !== undefined) throw new UsageError(`${kind} and ${other} exclude each other`);
  if (receive !== "push") throw new UsageError(`${kind} and --receive exclude each other`);
  const { "max-packet": maxMessageBytes, ...others } = options;
  // Refuses what goes with packets.
  receiveModelOf({ ...others, "max-packet": undefined });
  if (websocket) {
    const compresses = !options["no-compression"];
    return new WebSocketEcho({ engine, maxMessageBytes, maxConnections, compresses, secured });
  }
  if (secured !== undefined) throw new UsageError(`${kind} and TLS exclude each other`);
  if (options.path !== undefined) throw new UsageError(`${kind} and --path exclude each other`);
  const largest = arq ? MAX_ARQ_BYTES : MAX_DATAGRAM_BYTES;
  if (maxMessageBytes !== undefined && maxMessageBytes > largest) {
    throw new UsageError(`--max-packet of ${kind} must be at most ${largest}`);
  }
  return new DatagramEcho(arq ? "arq" : "udp", { engine, maxMessageBytes, maxConnections });
}

interface ListenChoice {
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly path: string | undefined;
}

function listenOptions({ host, port, path }: ListenChoice): ListenOptions {
  if (path === undefined) return { host: host ?? DEFAULT_HOST, port: port ?? DEFAULT_PORT };
  if (host !== undefined || port !== undefined) {
    throw new UsageError("--path does not go with --host or --port");
  }
  return { path };
}
