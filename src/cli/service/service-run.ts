/** How `echo` and `serve` run: until a signal comes, with live counters, and with a summary. */
import { addressText } from "../../engine/address-text.js";
import type { Address } from "../../index.js";
import { byteText, connectionsText, countText } from "../choices/quantity.js";
import type { ExitCode } from "../command.js";
import { LiveLine } from "../terminal/live-line.js";
import type { Paint } from "../terminal/paint.js";
import type { Terminal } from "../terminal/terminal.js";
import { type Service, sumOfCounts } from "./service.js";

/** A service that listens. */
export interface ListeningService {
  readonly service: Service;
  readonly address: Address;
  /** Which of several it is. */
  readonly row?: { readonly name: string };
  /** How its messages come, where that is not said by the command. */
  readonly receive?: string;
}

/** That it is ready, for JSON. */
export function readyFigures({ service, address, row, receive }: ListeningService): object {
  const { engineName: engine, fingerprint } = service;
  return { service: row?.name, ...address, engine, receive, fingerprint };
}

/** That it is ready: one line. */
export function readyText(
  { service, address, row, receive }: ListeningService,
  paint: Paint,
): string {
  const { engineName: engine, fingerprint } = service;
  const traits = Object.entries({ service: row?.name, engine, receive, fingerprint });
  const known = traits.filter(([, value]) => value !== undefined);
  const words = known.map(([name, value]) => `${name}=${value}`);
  return [paint.green("READY"), addressText(address), ...words].join(" ");
}

/** Runs one service, as {@link runServices} does, and says that it is ready. */
export function runService(
  run: Omit<ServiceRun, "services" | "announce">,
  listening: ListeningService,
): Promise<ExitCode> {
  const { json, terminal } = run;
  const announce = (): void => {
    const { paint } = terminal;
    terminal.print(
      json
        ? JSON.stringify({ event: "ready", ...readyFigures(listening) })
        : readyText(listening, paint),
    );
  };
  return runServices({ ...run, services: [listening.service], announce });
}

/** What to run, and how to speak of it. */
export interface ServiceRun {
  /** For messages. */
  readonly commandName: string;
  /** They listen already. */
  readonly services: readonly Service[];
  readonly json: boolean;
  readonly terminal: Terminal;
  /** Lines of a log are printed: live counters would be in their way. */
  readonly hasLog?: boolean;
  /** Says that the program is ready. Called when it can be stopped. */
  announce(): void;
}

/**
 * Runs until the first SIGINT or SIGTERM, then drains; returns 0. Where a service stops by itself the
 * others are stopped too; returns 1.
 */
export async function runServices(run: ServiceRun): Promise<ExitCode> {
  const { commandName, services, terminal } = run;
  const stopSignal = signalled(terminal);
  const liveLine = liveCounters(services, terminal);
  run.announce();
  if (run.hasLog !== true) liveLine.start();
  const broken = await Promise.race([stopSignal.promise, ...services.map(whenStopped)]);
  liveLine.stop();
  if (broken !== undefined) {
    const why = broken.lastError?.message ?? "nobody asked it to";
    terminal.complain(commandName, `${broken.name} stopped: ${why}`);
  }
  await drain(run);
  stopSignal.release();
  return broken === undefined ? 0 : 1;
}

async function drain({ commandName, services, json, terminal }: ServiceRun): Promise<void> {
  const { connectionCount } = sumOfCounts(services);
  if (connectionCount > 0) {
    const waiting = connectionsText(connectionCount);
    terminal.complain(commandName, `draining ${waiting}; a second signal ends at once`);
  }
  const results = await Promise.all(services.map((service) => service.stop()));
  const cutCount = results.reduce((sum, result) => sum + result.cutCount, 0);
  terminal.print(json ? summaryJson(services, cutCount) : summaryText(services, cutCount));
}

/** The first line is the one of the original's performance test. */
function summaryText(services: readonly Service[], cutCount: number): string {
  const counts = sumOfCounts(services);
  return [
    `Summary: send - ${counts.sentBytes}, recv - ${counts.receivedBytes}`,
    `connections - ${counts.openedCount} (refused ${counts.refusedCount}, cut ${cutCount}), ` +
      `messages - ${counts.messageCount}`,
  ].join("\n");
}

function summaryJson(services: readonly Service[], cutCount: number): string {
  const { connectionCount: _, ...counts } = sumOfCounts(services);
  return JSON.stringify({ event: "summary", ...counts, cutCount });
}

async function whenStopped(service: Service): Promise<Service> {
  await service.stopped();
  return service;
}

interface StopSignal {
  readonly promise: Promise<undefined>;
  readonly release: () => void;
}

function signalled(terminal: Terminal): StopSignal {
  let release = (): void => {};
  const promise = new Promise<undefined>((resolve) => {
    release = terminal.onStopSignal(() => resolve(undefined));
  });
  return { promise, release };
}

/** Connections, messages and bytes of the last second. */
function liveCounters(services: readonly Service[], terminal: Terminal): LiveLine {
  let before = sumOfCounts(services);
  return new LiveLine(terminal, (seconds) => {
    const now = sumOfCounts(services);
    const rates = [
      connectionsText(now.connectionCount),
      `${countText((now.messageCount - before.messageCount) / seconds)} messages/s`,
      `${byteText((now.receivedBytes - before.receivedBytes) / seconds)}/s in`,
      `${byteText((now.sentBytes - before.sentBytes) / seconds)}/s out`,
    ];
    before = now;
    return rates.join(" · ");
  });
}
