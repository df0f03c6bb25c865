import { addressText } from "../../engine/address-text.js";
import type { Address, ListenOptions, NetError, StopOptions, StopResult } from "../../index.js";
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
import { ServerService, type Service, type ServiceCounts } from "../service/service.js";
import { runServices } from "../service/service-run.js";
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
  const code = await runServices({
    commandName: relay.name,
    services: [service],
    json,
    terminal,
    hasLog: format !== undefined,
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
  readonly fingerprint: string | undefined;
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
class UdpRelayService implements Service {
  readonly name: string = "relay";
  readonly fingerprint: undefined;
  lastError: NetError | undefined = undefined;
  private readonly relay: UdpRelay;

  constructor(options: UdpRelayOptions) {
    this.relay = new UdpRelay({
      ...options,
      onRefuse: (error) => {
        this.lastError = error;
      },
    });
  }

  get engineName(): string {
    return this.relay.stats.engine;
  }

  get counts(): ServiceCounts {
    const { connectionCount, openedCount, refusedCount, receivedBytes, sentBytes } =
      this.relay.stats;
    return {
      connectionCount,
      openedCount,
      refusedCount,
      messageCount: openedCount,
      receivedBytes,
      sentBytes,
    };
  }

  listen({ host, port }: ListenOptions): Promise<Address> {
    return this.relay.listen({ host, port });
  }

  stopped(): Promise<void> {
    return this.relay.stopped();
  }

  stop(options?: StopOptions): Promise<StopResult> {
    return this.relay.stop(options);
  }

  setDestinations(to: readonly string[]): void {
    this.relay.setDestinations(to);
  }
}
