/** A destination of a relay, and how it does. */
import { type HostPort, parseHostPort } from "../../address/host-port.js";
import type { FailureHandler } from "../../connection/events/handlers.js";
import { describe, invalidArgument, type NetError } from "../../errors.js";
import type { Destined, TableHandlers } from "../../pool/destination-table.js";
import { Health } from "../../pool/ejection.js";
import { MAX_DESTINATIONS } from "../../pool/pool-options.js";
import { asNetError } from "../tunnel-maker.js";

/** A destination of a relay. */
export class Destination implements Destined {
  readonly name: string;
  readonly end: HostPort;
  readonly health: Health = new Health();
  /** Clients that are joined with it, or that it is being tried for. */
  useCount = 0;

  constructor(name: string, end: HostPort) {
    this.name = name;
    this.end = end;
  }
}

/** What is told of a destination. */
export interface DestinationStats {
  /** Clients that are joined with it. */
  readonly connectionCount: number;
  /** Whether it is left out for a while. */
  readonly isEjected: boolean;
  /** Checks have found it down. */
  readonly isDown: boolean;
}

/** What is told of destinations, by relays of streams and of datagrams. */
export interface DestinationHandlers {
  /** A destination failed so often that it is not tried for `forMs`. */
  readonly onEject?: ((destination: string, forMs: number, error: NetError) => void) | undefined;
  /** It is tried again. */
  readonly onReturn?: ((destination: string) => void) | undefined;
  /** No destination is well: all are tried nevertheless. */
  readonly onPanic?: (() => void) | undefined;
  /** Checks have found a destination down, or up again. */
  readonly onCheck?:
    | ((destination: string, isUp: boolean, error: NetError | undefined) => void)
    | undefined;
}

/** The same, of destinations instead of their names. */
export function tableHandlers({
  onEject,
  onReturn,
  onPanic,
  onCheck,
  onHandlerError,
}: DestinationHandlers & FailureHandler): TableHandlers<Destination> {
  return {
    onEject: ({ name }, forMs, cause) => onEject?.(name, forMs, asNetError(cause)),
    onReturn: ({ name }) => onReturn?.(name),
    onPanic: () => onPanic?.(),
    onCheck: ({ name }, isUp, cause) =>
      onCheck?.(name, isUp, cause === undefined ? undefined : asNetError(cause)),
    onHandlerError,
  };
}

/** What is told of destinations, by their names. */
export function statsOf(all: readonly Destination[]): Record<string, DestinationStats> {
  return Object.fromEntries(
    all.map(({ name, useCount, health: { ejectedUntilMs, isDown } }) => [
      name,
      { connectionCount: useCount, isEjected: ejectedUntilMs > 0, isDown },
    ]),
  );
}

/** Throws `INVALID_ARGUMENT` unless `given`, which is called `option`, are destinations, one at least. */
export function assertRelayDestinations(
  option: string,
  given: unknown,
): asserts given is readonly string[] {
  if (!Array.isArray(given) || given.length === 0 || given.length > MAX_DESTINATIONS) {
    const form = `a list of 1 to ${MAX_DESTINATIONS} destinations`;
    throw invalidArgument(`${option} must be ${form}, not ${describe(given)}`);
  }
  for (const text of given) endOf(option, text);
}

/** The destination that is called so. */
export function destinationOf(name: string): Destination {
  return new Destination(name, endOf("to", name));
}

function endOf(option: string, text: unknown): HostPort {
  const end = typeof text === "string" ? parseHostPort(text) : undefined;
  if (end !== undefined && end.port > 0) return end;
  throw invalidArgument(`${option}: a destination must be host:port, not ${describe(text)}`);
}
