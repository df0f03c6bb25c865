import { ArqClient } from "../../arq/index.js";
import { delimiter, parseHostPort } from "../../index.js";
import { UdpClient } from "../../udp/index.js";
import { type ExitCode, engineOption } from "../command.js";
import {
  integerOption,
  type OptionTable,
  type OtherOptions,
  quoted,
  readCommandLine,
  switchOption,
  UsageError,
} from "../command-line.js";
import type { Terminal } from "../terminal/terminal.js";
import { CONNECTION_END, converse, waitOption } from "./conversation.js";

const MAX_DATAGRAM_BYTES = 65_507;

const OPTIONS = {
  udp: switchOption("datagrams (UDP): each line is one, each that comes is shown on a line"),
  arq: switchOption("reliable messages over UDP, the same way"),
  "max-packet": integerOption(
    "largest datagram, or message, in bytes (default: 65507)",
    { min: 1, max: MAX_DATAGRAM_BYTES },
    MAX_DATAGRAM_BYTES,
  ),
  wait: waitOption(),
  engine: engineOption(),
};

/** The options of `cat` over UDP, reliable or not. */
export const UDP_CAT_OPTIONS: OptionTable = OPTIONS;

/** Sends lines as datagrams, or reliable messages, and shows what comes. */
export async function catUdp(
  argv: readonly string[],
  terminal: Terminal,
  others: OtherOptions,
): Promise<ExitCode> {
  const { options, positionals } = readCommandLine(OPTIONS, argv, 1, others);
  const text = positionals[0] ?? "";
  const peer = parseHostPort(text);
  if (peer === undefined || peer.port === 0) {
    throw new UsageError(`${quoted(text)} is not HOST:PORT, such as 127.0.0.1:5555`);
  }
  if (options.udp && options.arq) throw new UsageError("--udp and --arq exclude each other");
  const { engine, "max-packet": maxDatagramBytes } = options;
  return await converse({
    ...CONNECTION_END,
    receive: delimiter({ maxPacketBytes: maxDatagramBytes }),
    terminal,
    waitSeconds: options.wait,
    createClient: (events) => {
      const Client = options.arq ? ArqClient : UdpClient;
      const client = new Client({
        // Most servers answer no empty datagrams; of one that is not there the system tells.
        ...(options.arq
          ? { maxMessageBytes: maxDatagramBytes }
          : { maxDatagramBytes, detectAttempts: 0, closeOnRefused: true }),
        ...(engine !== undefined && { engine }),
        onReceive: (_, datagram) => events.received(datagram),
        onDrain: () => events.drained(),
        onSendError: (_, error) => events.unsent(error),
        onClose: (_, reason) => events.closed(reason),
      });
      return {
        connect: () => client.connect(peer),
        send: (bytes) => client.send(Buffer.from(bytes)),
        finish: () => undefined,
        close: () => client.close(),
        pause: () => client.pause(),
        resume: () => client.resume(),
        pendingBytes: () => client.pendingBytes,
      };
    },
  });
}
