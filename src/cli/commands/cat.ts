import { TcpClient } from "../../index.js";
import { readPeerAddress } from "../choices/peer-address.js";
import {
  DATA_RECEIVE_NAMES,
  receiveModelOf,
  receiveOptionTable,
} from "../choices/receive-choice.js";
import { clientTlsOf, clientTlsTable } from "../choices/tls-choice.js";
import { isSocketUrl } from "../choices/url.js";
import { type Command, type ExitCode, engineOption } from "../command.js";
import { readCommandLine, textOption } from "../command-line.js";
import { catUdp, UDP_CAT_OPTIONS } from "../conversation/cat-udp.js";
import { catWebSocket, WEBSOCKET_CAT_OPTIONS } from "../conversation/cat-websocket.js";
import { CONNECTION_END, converse, waitOption } from "../conversation/conversation.js";
import type { Terminal } from "../terminal/terminal.js";

/** Everything was sent before: this is for the peer to finish too. */
const CLOSE_MS = 1_000;

const OPTIONS = {
  path: textOption("FILE", "Unix-domain socket instead of HOST:PORT"),
  ...receiveOptionTable(DATA_RECEIVE_NAMES, "push"),
  wait: waitOption(),
  ...clientTlsTable(),
  engine: engineOption(),
};

/** Type and see: lines go out, what comes is shown. */
export const cat: Command = {
  name: "cat",
  summary: "type and see: lines go out as packets, what comes is shown",
  usage: "HOST:PORT|URL [options]",
  options: { ...UDP_CAT_OPTIONS, ...WEBSOCKET_CAT_OPTIONS, ...OPTIONS },
  notes:
    "With --receive push the input is sent as it is, with its line ends; else each line is one\n" +
    "packet, without. What is not printable UTF-8 is shown in hexadecimal.\n" +
    "With a URL of ws: or wss: each line is one message. The options marked ws, and --header, --user, -k\n" +
    "are for those; --path, --receive and what goes with it, --tls are not.\n" +
    "With --udp each line is one datagram, with --arq one reliable message; --path, --receive and --tls\n" +
    "don't go with them.",
  run,
};

const NOT_WEBSOCKET = { table: OPTIONS, text: "goes with HOST:PORT, not with a URL" };
const NOT_TCP = { table: WEBSOCKET_CAT_OPTIONS, text: "goes with a URL, not with HOST:PORT" };

const NOT_UDP = { table: OPTIONS, text: "does not go with --udp or --arq" };

function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  if (argv.includes("--udp") || argv.includes("--arq")) return catUdp(argv, terminal, NOT_UDP);
  return argv.some(isSocketUrl)
    ? catWebSocket(argv, terminal, NOT_WEBSOCKET)
    : catTcp(argv, terminal);
}

async function catTcp(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { options, positionals } = readCommandLine(OPTIONS, argv, 1, NOT_TCP);
  const peer = readPeerAddress(positionals, options.path);
  const receive = receiveModelOf(options);
  const tls = clientTlsOf(options);
  return await converse({
    ...CONNECTION_END,
    receive,
    createClient: (events) => {
      const client = new TcpClient({
        receive,
        closeTimeoutMs: CLOSE_MS,
        ...(options.engine !== undefined && { engine: options.engine }),
        ...(tls !== undefined && { tls }),
        onReceive: (_, bytes) => events.received(bytes),
        onDrain: () => events.drained(),
        onClose: (_, reason) => events.closed(reason),
      });
      return {
        connect: () => client.connect(peer.connect),
        send: (bytes) => client.send(bytes),
        finish: () => client.finish(),
        close: () => client.close(),
        pause: () => client.pause(),
        resume: () => client.resume(),
        pendingBytes: () => client.pendingBytes,
      };
    },
    terminal,
    waitSeconds: options.wait,
  });
}
