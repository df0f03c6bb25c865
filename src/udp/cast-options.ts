/** Where casts and nodes are opened. */
import { parseIp } from "../bytes/ip-bytes.js";
import {
  DATAGRAM_LISTEN_OPTIONS,
  type DatagramListenOptions,
} from "../datagram/datagram-options.js";
import { anyAddress, listenTarget, ownSocket } from "../datagram/resolve-peer.js";
import { bufferSizes } from "../datagram/session-listening.js";
import type { DatagramTarget, Engine, GroupMembership } from "../engine/engine.js";
import { assertText, describe, invalidArgument } from "../errors.js";
import {
  assertOptions,
  type CallTable,
  checked,
  count,
  flag,
  type OptionRule,
  optional,
} from "../options.js";
import type { CastSettings } from "./cast-settings.js";

/** A group, or a broadcast. */
export interface CastTarget {
  /** Address of a multicast group, IPv4 or IPv6. */
  readonly group?: string | undefined;
  /** Broadcast: `true` for 255.255.255.255 (HP §2.11), or the broadcast address of one network. IPv4 only. */
  readonly broadcast?: true | string | undefined;
  /**
   * The interface that a group is joined on, and sent by: its IPv4 address, or for IPv6 `::%` and its name. Left
   * out: the system's choice.
   */
  readonly interfaceHost?: string | undefined;
  /** Only datagrams of these senders are wanted (source-specific multicast, RFC 3678). Left out: everybody's. */
  readonly sources?: readonly string[] | undefined;
}

/** Options of `UdpCast.open`. */
export interface CastOpenOptions extends CastTarget {
  /** Port of all who take part, 1 to 65535. */
  readonly port: number;
  /** Others on this host may take part too (`SO_REUSEADDR`). Default true. */
  readonly reuseAddress?: boolean | undefined;
}

/** Options of `UdpNode.open`. */
export interface NodeOpenOptions extends DatagramListenOptions {
  /** `SO_REUSEADDR`. Default false; true where there is a `cast`. */
  readonly reuseAddress?: boolean | undefined;
  /** The group or network that `sendCast` sends to, and that is listened to. */
  readonly cast?:
    | (CastTarget & {
        /** Port of all who take part. Default: that of the node. */
        readonly port?: number | undefined;
      })
    | undefined;
}

const assertBroadcast = (name: string, value: unknown): void => {
  if (value !== true) assertText(name, value);
};
const assertGroup = (name: string, value: unknown): void => {
  const ip = typeof value === "string" ? parseIp(value.replace(/%.*$/, "")) : undefined;
  const [first = 0] = ip ?? [];
  if (ip?.length === 4 ? (first & 0xf0) === 0xe0 : first === 0xff) return;
  const groups = "a group's address, in 224.0.0.0/4 or ff00::/8";
  throw invalidArgument(`${name} must be ${groups}, not ${describe(value)}`);
};
const assertTexts = (name: string, value: unknown): void => {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_SOURCES) {
    throw invalidArgument(`${name} must be 1 to ${MAX_SOURCES} addresses, not ${describe(value)}`);
  }
  for (const one of value) assertText(name, one);
};

/** Sources of one group: what Linux allows a socket without being told (`igmp_max_msf`). */
export const MAX_SOURCES = 10;

const TARGET: CallTable<CastTarget> = {
  group: optional(assertGroup),
  broadcast: optional(assertBroadcast),
  interfaceHost: optional(assertText),
  sources: optional(assertTexts),
};
const port: OptionRule<undefined> = optional(count(0, "port", { min: 1, max: 65_535 }));

const CAST_OPEN: CallTable<CastOpenOptions> = {
  ...TARGET,
  port,
  reuseAddress: optional(flag(true)),
};

const NODE_CAST: CallTable<NonNullable<NodeOpenOptions["cast"]>> = { ...TARGET, port };

const NODE_OPEN: CallTable<NodeOpenOptions> = {
  ...DATAGRAM_LISTEN_OPTIONS,
  cast: optional(
    checked(undefined, (_, value) => {
      assertOptions("cast", NODE_CAST, value);
      assertOneTarget("cast", value as CastTarget);
    }),
  ),
};

const MEMBERSHIP: CallTable<GroupMembership> = {
  group: optional(assertGroup),
  interfaceHost: optional(assertText),
  source: optional(assertText),
};

/** Throws `INVALID_ARGUMENT` for what is no membership. */
export function assertMembership(call: string, membership: GroupMembership): void {
  assertOptions<GroupMembership>(call, MEMBERSHIP, membership);
  if (membership.group === undefined) assertGroup("group", membership.group);
}

function assertOneTarget(name: string, { group, broadcast, sources }: CastTarget): void {
  if ((group === undefined) === (broadcast === undefined)) {
    const found = group === undefined ? "neither" : "both";
    throw invalidArgument(`${name} takes either a group or broadcast, not ${found}`);
  }
  if (broadcast !== undefined && sources !== undefined) {
    throw invalidArgument("sources have a meaning with a group only");
  }
}

/** Throws `INVALID_ARGUMENT` for invalid options. */
export function assertCastOpen(options: CastOpenOptions): void {
  assertOptions<CastOpenOptions>("open", CAST_OPEN, options);
  if (options.port === undefined) throw invalidArgument("open needs the port of the cast");
  assertOneTarget("open", options);
}

/** Throws `INVALID_ARGUMENT` for invalid options. */
export function assertNodeOpen(options: NodeOpenOptions): void {
  assertOptions<NodeOpenOptions>("open", NODE_OPEN, options);
}

/** Whom a cast reaches. */
export function castHost({ group, broadcast }: CastTarget): string {
  if (group !== undefined) return group;
  return broadcast === true || broadcast === undefined ? "255.255.255.255" : broadcast;
}

/** What is joined for it. */
export function memberships({ group, interfaceHost, sources }: CastTarget): GroupMembership[] {
  if (group === undefined) return [];
  const one = { group, interfaceHost };
  return sources === undefined ? [one] : sources.map((source) => ({ ...one, source }));
}

/** The socket of a cast: on any address, so that what is sent to the group or network comes in. */
export function castTarget(options: CastOpenOptions, settings: CastSettings): DatagramTarget {
  const { reuseAddress = true, port, broadcast } = options;
  const family = castHost(options).includes(":") ? "IPv6" : "IPv4";
  return {
    ...ownSocket(anyAddress(family, port)),
    reuseAddress,
    broadcast: broadcast !== undefined,
    ...bufferSizes(settings),
  };
}

/** The socket of a node. */
export async function nodeTarget(
  engine: Engine,
  options: NodeOpenOptions,
  settings: CastSettings,
): Promise<DatagramTarget> {
  const { cast, reuseAddress = cast !== undefined } = options;
  const usualHost = cast?.group?.includes(":") === true ? "::" : "0.0.0.0";
  const target = await listenTarget(engine, { ...options, reuseAddress }, usualHost);
  return { ...target, broadcast: cast?.broadcast !== undefined, ...bufferSizes(settings) };
}
