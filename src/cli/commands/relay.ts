import {
  accessLog,
  type LoggedRecord,
  Relay,
  type RelayOptions,
  UdpRelay,
  type UdpRelayOptions,
} from "../../proxy/index.js";
import { assertNetwork } from "../choices/proxy-choice.js";
import {
  checkOf,
  destinationsOf,
  destinationTable,
  namesOf,
  toTlsOf,
} from "../choices/relay-choice.js";
import { serverTlsOf, serverTlsTable } from "../choices/tls-choice.js";
import {
  accessLogOption,
  type Command,
  type ExitCode,
  engineOption,
  jsonOption,
} from "../command.js";
import {
  integerOption,
  listOption,
  type OptionValues,
  readCommandLine,
  switchOption,
  textOption,
  UsageError,
} from "../command-line.js";
import { ServerService } from "../service/service.js";
import { runService } from "../service/service-run.js";
import type { Terminal } from "../terminal/terminal.js";

const DEFAULT_HOST = "127.0.0.1";

const OPTIONS = {
  ...destinationTable(),
  udp: switchOption("datagrams instead of connections"),
  host: textOption("HOST", `where to listen (default: ${DEFAULT_HOST})`),
  port: integerOption("0: any free one (default: 0)", { min: 0, max: 65_535 }, 0),
  allow: listOption("CIDR", "clients to let in, repeatable (default: all)", assertNetwork),
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
  "access-log": accessLogOption("each client"),
  engine: engineOption(),
  json: jsonOption(),
};

type RelayChoice = OptionValues<typeof OPTIONS>;

/** A relay that listens on one address until it is told to stop. */
export const relay: Command = {
  name: "relay",
  summary: "forwards connections to other servers",
  usage: "--to HOST:PORT [options]",
  options: OPTIONS,
  notes:
    "Prints READY with its address once it listens. A destination that can't be reached several times is\n" +
    "left out for a while. With --sni, other names go to those of --to, and without them are refused. SIGHUP reads\n" +
    "--to-file again, and cuts nobody. SIGINT and SIGTERM drain and end it; a second one ends it at once.",
  run,
};

async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { options } = readCommandLine(OPTIONS, argv, 0);
  const { host = DEFAULT_HOST, port, json } = options;
  const to = destinationsOf(options.to, options["to-file"]);
  if (to.length === 0 && options.sni.length === 0) throw new UsageError("--to HOST:PORT is needed");
  const format = options["access-log"];
  const log =
    format === undefined
      ? undefined
      : accessLog({ format, write: (line) => void terminal.write(line) });
  const service = options.udp
    ? new UdpRelayService({ ...udpOptions(options, to), onRelayed: log })
    : streams(options, to, log);
  const address = await service.listen({ host, port });
  const reload = (): void => {
    try {
      service.setDestinations(destinationsOf(options.to, options["to-file"]));
      terminal.complain(relay.name, "the destinations were read again");
    } catch (error) {
      terminal.complain(relay.name, `the destinations stay: ${(error as Error).message}`);
    }
  };
  const forget = options["to-file"] === undefined ? undefined : terminal.onReload(reload);
  const hasLog = format !== undefined;
  const run = { commandName: relay.name, json, terminal, hasLog };
  const code = await runService(run, { service, address });
  forget?.();
  return code;
}

/** What both kinds of relay are given. */
function shared(
  options: RelayChoice,
): Pick<UdpRelayOptions, "engine" | "balance" | "access" | "healthCheck"> {
  const { allow, engine, balance, check } = options;
  const healthCheck = checkOf(check, options["check-send"], options["check-expect"]);
  return {
    ...(engine !== undefined && { engine }),
    ...(balance !== undefined && { balance }),
    ...(allow.length > 0 && { access: { allow } }),
    ...(healthCheck !== undefined && { healthCheck }),
  };
}

function udpOptions(options: RelayChoice, to: readonly string[]): UdpRelayOptions {
  const { tls, cert, key, sni } = options;
  const of = ["client-ca", "to-tls", "to-ca", "to-name", "proxy-header"] as const;
  const given = [
    tls,
    cert,
    key,
    sni[0],
    options["proxy-header-from"][0],
    ...of.map((name) => options[name]),
  ];
  if (given.some((value) => value !== undefined && value !== false)) {
    throw new UsageError("--udp does not go with TLS and PROXY headers");
  }
  if (options.check !== undefined && options["check-send"] === undefined) {
    throw new UsageError(
      "--check with --udp needs --check-send: an open socket of UDP says nothing",
    );
  }
  return { to, ...shared(options) };
}

function streams(
  options: RelayChoice,
  to: readonly string[],
  log: ((record: LoggedRecord) => void) | undefined,
): RelayService {
  const from = options["proxy-header-from"];
  const secured = serverTlsOf(options, options.host);
  const toTls = toTlsOf(options["to-tls"], options["to-ca"], options["to-name"]);
  const sni = namesOf(options.sni, to.length > 0);
  const header = options["proxy-header"];
  return new RelayService(
    {
      ...shared(options),
      ...(to.length > 0 && { to }),
      ...(sni !== undefined && { sni }),
      ...(toTls !== undefined && { toTls }),
      ...(header !== undefined && { sendProxyHeader: header === 1 ? 1 : 2 }),
      ...(from.length > 0 && { proxyHeader: { from } }),
      ...(secured !== undefined && { tls: secured.tls }),
      onRelayed: log,
    },
    secured?.fingerprint,
  );
}

/** The relay as a service of the program. */
class RelayService extends ServerService {
  readonly name: string = "relay";
  override readonly fingerprint: string | undefined;
  protected readonly server: Relay;
  protected messageCount = 0;

  constructor(options: RelayOptions, fingerprint: string | undefined) {
    super();
    this.fingerprint = fingerprint;
    this.server = new Relay({
      ...options,
      onRelayed: (record) => {
        this.messageCount += 1;
        options.onRelayed?.(record);
      },
      onRefuse: (error) => {
        this.lastError = error;
      },
    });
  }

  setDestinations(to: readonly string[]): void {
    this.server.setDestinations(to);
  }
}

/** The same for datagrams. */
class UdpRelayService extends ServerService {
  readonly name: string = "relay";
  protected readonly server: UdpRelay;

  constructor(options: UdpRelayOptions) {
    super();
    this.server = new UdpRelay({
      ...options,
      onRefuse: (error) => {
        this.lastError = error;
      },
    });
  }

  protected get messageCount(): number {
    return this.server.stats.openedCount;
  }

  setDestinations(to: readonly string[]): void {
    this.server.setDestinations(to);
  }
}
