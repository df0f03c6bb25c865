import { addressText } from "../../engine/address-text.js";
import {
  delimiter,
  type IpAddress,
  lengthPrefix,
  pack,
  pull,
  push,
  type ReceiveModel,
} from "../../index.js";
import { servedOnTheSpot } from "../choices/tls-choice.js";
import {
  type Command,
  type EngineChoiceName,
  type ExitCode,
  engineOption,
  jsonOption,
} from "../command.js";
import { integerOption, readCommandLine, textOption } from "../command-line.js";
import { DatagramEcho } from "../echo/datagram-echo.js";
import { EchoServer } from "../echo/echo-server.js";
import { HttpEcho } from "../echo/http-echo.js";
import { WebSocketEcho } from "../echo/websocket-echo.js";
import type { Service } from "../service/service.js";
import {
  type ListeningService,
  readyFigures,
  readyText,
  runServices,
} from "../service/service-run.js";
import type { Paint } from "../terminal/paint.js";
import type { Terminal } from "../terminal/terminal.js";

/** One service: its name, what it is, and what to type to see it work. */
interface Row {
  readonly name: string;
  readonly create: (engine: EngineChoiceName | undefined, host: string) => Service;
  readonly tries: (address: IpAddress, service: Service) => readonly string[];
}

/** Each row gets a port of its own, the first the one of `--port`, each further the next one. */
const ROWS: readonly Row[] = [
  echoRow("push", push(), (address) => [
    `printf hello | npx hp-socket cat ${addressText(address)}`,
    `npx hp-socket load ${addressText(address)}`,
  ]),
  echoRow("pull", pull(), () => []),
  echoRow("pack", pack(), (address) => [
    `npx hp-socket load ${addressText(address)} --receive pack --depth 16`,
  ]),
  echoRow("line", delimiter(), (address) => [
    `npx hp-socket cat ${addressText(address)} --receive line`,
  ]),
  echoRow("length", lengthPrefix({ format: "uint-be", bytes: 4 }), () => []),
  {
    name: "tls",
    create: (engine, host) =>
      new EchoServer({ name: "push", receive: push(), engine, secured: servedOnTheSpot(host) }),
    tries: (address, { fingerprint }) => [
      `npx hp-socket cat ${addressText(address)} --tls --fingerprint ${fingerprint}`,
    ],
  },
  {
    name: "http",
    create: (engine) => new HttpEcho(engine),
    tries: (address) => [`curl http://${addressText(address)}/ -d hello`],
  },
  {
    name: "websocket",
    create: (engine) => new WebSocketEcho({ engine }),
    tries: (address) => [
      `echo hello | npx hp-socket cat ws://${addressText(address)}/`,
      `npx hp-socket load ws://${addressText(address)}/ --depth 16`,
    ],
  },
  {
    name: "udp",
    create: (engine) => new DatagramEcho("udp", { engine }),
    tries: (address) => [
      `echo hello | npx hp-socket cat --udp ${addressText(address)}`,
      `npx hp-socket load --udp ${addressText(address)}`,
    ],
  },
  {
    name: "arq",
    create: (engine) => new DatagramEcho("arq", { engine }),
    tries: (address) => [
      `echo hello | npx hp-socket cat --arq ${addressText(address)}`,
      `npx hp-socket load --arq ${addressText(address)}`,
    ],
  },
];

const OPTIONS = {
  host: textOption("HOST", "where to listen (default: 127.0.0.1)"),
  port: integerOption(
    "port of the first service; 0: any free ones (default: 5555)",
    { min: 0, max: 65_536 - ROWS.length },
    5_555,
  ),
  engine: engineOption(),
  json: jsonOption(),
};

/** Every kind of server at once, to try things out with: what `npm start` runs. */
export const serve: Command = {
  name: "serve",
  summary: "an echo server of each kind, to try things out",
  usage: "[options]",
  options: OPTIONS,
  notes:
    "Ports, from --port on: push, pull, pack, line, length, push over TLS with a certificate\n" +
    "that is made on the spot, HTTP, WebSocket, UDP, and ARQ. SIGINT and SIGTERM drain and end it; a second one ends it\n" +
    "at once.",
  run,
};

interface Listening extends ListeningService {
  readonly row: Row;
  readonly address: IpAddress;
}

async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { options } = readCommandLine(OPTIONS, argv, 0);
  const listening = await listenAll(options.host ?? "127.0.0.1", options.port, options.engine);
  return await runServices({
    commandName: serve.name,
    services: listening.map(({ service }) => service),
    json: options.json,
    terminal,
    announce: () =>
      terminal.print(options.json ? allJson(listening) : allText(listening, terminal.paint)),
  });
}

/** Starts every service, or, where one can't listen, none. */
async function listenAll(
  host: string,
  firstPort: number,
  engine: EngineChoiceName | undefined,
): Promise<readonly Listening[]> {
  const listening: Listening[] = [];
  try {
    for (const [index, row] of ROWS.entries()) {
      const service = row.create(engine, host);
      const port = firstPort === 0 ? 0 : firstPort + index;
      const address = (await service.listen({ host, port })) as IpAddress;
      listening.push({ row, service, address, receive: service.name });
    }
  } catch (error) {
    await Promise.all(listening.map(({ service }) => service.stop({ drainMs: 0 })));
    throw error;
  }
  return listening;
}

function allText(listening: readonly Listening[], paint: Paint): string {
  const ready = listening.map((one) => readyText(one, paint));
  const tries = listening.flatMap(({ row, service, address }) => row.tries(address, service));
  return [...ready, "", "Try, elsewhere:", ...tries.map((text) => `  ${text}`)].join("\n");
}

function allJson(listening: readonly Listening[]): string {
  return JSON.stringify({ event: "ready", services: listening.map(readyFigures) });
}

function echoRow(name: string, receive: ReceiveModel, tries: Row["tries"]): Row {
  return { name, create: (engine) => new EchoServer({ name, receive, engine }), tries };
}
