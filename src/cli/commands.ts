/** The commands of the program. Each is loaded when it is asked for: to start takes as long as what one needs. */
import type { Command } from "./command.js";

const LOADERS = {
  serve: async () => (await import("./commands/serve.js")).serve,
  echo: async () => (await import("./commands/echo.js")).echo,
  load: async () => (await import("./commands/load.js")).load,
  http: async () => (await import("./commands/http.js")).http,
  cat: async () => (await import("./commands/cat.js")).cat,
  proxy: async () => (await import("./commands/proxy.js")).proxy,
  relay: async () => (await import("./commands/relay.js")).relay,
  netstat: async () => (await import("./commands/netstat.js")).netstat,
  new: async () => (await import("./commands/new.js")).newCommand,
  doctor: async () => (await import("./commands/doctor.js")).doctor,
} as const satisfies Record<string, () => Promise<Command>>;

type CommandName = keyof typeof LOADERS;

/** Names of all commands, in the order in which they are shown. */
export const COMMAND_NAMES: readonly string[] = Object.keys(LOADERS);

const isName = (name: string): name is CommandName => Object.hasOwn(LOADERS, name);

/** The command of this name; undefined if there is none. */
export function loadCommand(name: string): Promise<Command | undefined> {
  return isName(name) ? LOADERS[name]() : Promise.resolve(undefined);
}

/** All commands. */
export function loadCommands(): Promise<Command[]> {
  return Promise.all(Object.values(LOADERS).map((load): Promise<Command> => load()));
}
