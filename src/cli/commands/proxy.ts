import type { NetError } from "../../errors.js";
import { accessLog, ProxyServer, type ProxyServerOptions } from "../../proxy/index.js";
import { assertNetwork, assertUser, usersOf } from "../choices/proxy-choice.js";
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
  readCommandLine,
  textOption,
  UsageError,
} from "../command-line.js";
import { ServerService } from "../service/service.js";
import { runService } from "../service/service-run.js";
import type { Terminal } from "../terminal/terminal.js";

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 3_128;

const OPTIONS = {
  host: textOption("HOST", `where to listen (default: ${DEFAULT_HOST})`),
  port: integerOption(
    `0: any free one (default: ${DEFAULT_PORT})`,
    { min: 0, max: 65_535 },
    DEFAULT_PORT,
  ),
  allow: listOption("CIDR", "clients to let in, repeatable (default: this machine)", assertNetwork),
  user: listOption(
    "NAME:PASSWORD",
    "who may use it, repeatable (default: anybody let in)",
    assertUser,
  ),
  "to-private": listOption(
    "CIDR|NAME",
    "private destinations that may be reached, repeatable (default: none)",
    () => {},
  ),
  "access-log": accessLogOption("each request and tunnel"),
  engine: engineOption(),
  json: jsonOption(),
};

/** A forward proxy that listens on one address until it is told to stop. */
export const proxy: Command = {
  name: "proxy",
  summary: "a forward proxy: HTTP, CONNECT, SOCKS5 and SOCKS4a on one port",
  usage: "[options]",
  options: OPTIONS,
  notes:
    "Prints READY with its address once it listens. On an address that others reach it needs --allow or\n" +
    "--user. SIGINT and SIGTERM drain and end it; a second one ends it at once.",
  run,
};

async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { options } = readCommandLine(OPTIONS, argv, 0);
  const { host = DEFAULT_HOST, port, allow, user, engine, json, "access-log": format } = options;
  const authenticate = usersOf(user);
  const service = new ProxyService({
    ...(engine !== undefined && { engine }),
    ...(allow.length > 0 && { access: { allow } }),
    ...(authenticate !== undefined && { authenticate }),
    destinations: { allow: options["to-private"] },
    ...(format !== undefined && {
      onAccess: accessLog({ format, write: (line) => void terminal.write(line) }),
    }),
  });
  const address = await service.listen({ host, port }).catch((error: NetError) => {
    const isForAnybody = allow.length === 0 && authenticate === undefined;
    if (error.code !== "INVALID_ARGUMENT" || !isForAnybody) throw error;
    throw new UsageError(
      `a proxy that listens on ${host} needs --allow or --user: it would serve anybody`,
    );
  });
  const hasLog = format !== undefined;
  return await runService(
    { commandName: proxy.name, json, terminal, hasLog },
    { service, address },
  );
}

/** The proxy as a service of the program. */
class ProxyService extends ServerService {
  readonly name: string = "proxy";
  protected readonly server: ProxyServer;

  constructor(options: ProxyServerOptions) {
    super();
    this.server = new ProxyServer({
      ...options,
      onRefuse: (error) => {
        this.lastError = error;
      },
    });
  }

  protected get messageCount(): number {
    const { requestCount, socksCount } = this.server.stats;
    return requestCount + socksCount;
  }
}
