import { addressText } from "../engine/address-text.js";
import { Relay, type RelayOptions } from "../proxy/index.js";
import { type Command, type ExitCode, engineOption, jsonOption } from "./command.js";
import {
  integerOption,
  listOption,
  readCommandLine,
  switchOption,
  textOption,
  UsageError,
} from "./command-line.js";
import { assertNetwork } from "./proxy-choice.js";
import { ServerService } from "./service.js";
import { runServices } from "./service-run.js";
import type { Terminal } from "./terminal.js";
import { serverTlsOf, serverTlsTable } from "./tls-choice.js";

const DEFAULT_HOST = "127.0.0.1";

const OPTIONS = {
  to: listOption("HOST:PORT", "where to, repeatable: they take turns", () => {}),
  host: textOption("HOST", `where to listen (default: ${DEFAULT_HOST})`),
  port: integerOption("0: any free one (default: 0)", { min: 0, max: 65_535 }, 0),
  allow: listOption("CIDR", "clients to let in, repeatable (default: all)", assertNetwork),
  "to-tls": switchOption("TLS to the destinations, which are verified"),
  "proxy-header": integerOption(
    "tell the destinations who the client is: PROXY protocol 1 or 2",
    { min: 1, max: 2 },
    undefined,
  ),
  "proxy-header-from": listOption(
    "CIDR",
    "clients that have to begin with a PROXY header, repeatable (default: none)",
    assertNetwork,
  ),
  ...serverTlsTable(),
  engine: engineOption(),
  json: jsonOption(),
};

/** A relay that listens on one address until it is told to stop. */
export const relay: Command = {
  name: "relay",
  summary: "forwards connections to other servers",
  usage: "--to HOST:PORT [options]",
  options: OPTIONS,
  notes:
    "Prints READY with its address once it listens. A destination that can't be reached several times is\n" +
    "left out for a while. SIGINT and SIGTERM drain and end it; a second one ends it at once.",
  run,
};

async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { options } = readCommandLine(OPTIONS, argv, 0);
  const { host = DEFAULT_HOST, port, to, allow, engine, json } = options;
  if (to.length === 0) throw new UsageError("--to HOST:PORT is needed");
  const header = options["proxy-header"];
  const from = options["proxy-header-from"];
  const secured = serverTlsOf(options, options.host);
  const service = new RelayService(
    {
      to,
      ...(engine !== undefined && { engine }),
      ...(allow.length > 0 && { access: { allow } }),
      ...(options["to-tls"] && { toTls: {} }),
      ...(header !== undefined && { sendProxyHeader: header === 1 ? 1 : 2 }),
      ...(from.length > 0 && { proxyHeader: { from } }),
      ...(secured !== undefined && { tls: secured.tls }),
    },
    secured?.fingerprint,
  );
  const address = await service.listen({ host, port });
  return await runServices({
    commandName: relay.name,
    services: [service],
    json,
    terminal,
    announce: () => {
      const { engineName: used, fingerprint } = service;
      const line = `${terminal.paint.green("READY")} ${addressText(address)} engine=${used}`;
      const more = fingerprint === undefined ? "" : ` fingerprint=${fingerprint}`;
      terminal.print(
        json
          ? JSON.stringify({ event: "ready", ...address, engine: used, fingerprint })
          : line + more,
      );
    },
  });
}

/** The relay as a service of the program. */
class RelayService extends ServerService {
  readonly name: string = "relay";
  readonly fingerprint: string | undefined;
  protected readonly server: Relay;
  protected messageCount = 0;

  constructor(options: RelayOptions, fingerprint: string | undefined) {
    super();
    this.fingerprint = fingerprint;
    this.server = new Relay({
      ...options,
      onRelayed: () => {
        this.messageCount += 1;
      },
      onRefuse: (error) => {
        this.lastError = error;
      },
    });
  }
}
