/**
 * One thing has one name, whichever component it is of: the rules of `docs/glossary.md`, held against the public members
 * and against an instance of each component.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as tcp from "hp-socket";
import * as arq from "hp-socket/arq";
import * as http from "hp-socket/http";
import * as pool from "hp-socket/pool";
import * as proxy from "hp-socket/proxy";
import { MemoryEngine } from "hp-socket/testing";
import * as udp from "hp-socket/udp";
import * as websocket from "hp-socket/websocket";
import { POOL_NUMBERS } from "#src/pool/pool-options.js";
import { RELAY_NUMBERS, UDP_RELAY_NUMBERS } from "#src/proxy/relay/relay-settings.js";
import { PROJECT, readProjectFile, tableRows } from "../../support/document.js";

/** What an instance has of the members that the rules are about. */
interface Component {
  stop(): Promise<unknown>;
  stopped(): Promise<void>;
  readonly connectionCount?: unknown;
  readonly [name: string]: unknown;
}

const destination = { port: 1 };

/** What a component can't be made without. */
const NEEDED: Readonly<Record<string, object>> = {
  ConnectionPool: { destinations: [destination], agent: {} },
  HttpServer: { onRequest() {} },
  Relay: { to: ["localhost:1"] },
  UdpCast: { onReceive() {} },
  UdpNode: { onReceive() {} },
  UdpRelay: { to: ["localhost:1"] },
};

/** Have a socket, and no connections. */
const CONNECTIONLESS = ["UdpCast", "UdpNode"];
/** Have one connection, and are it. */
const CLIENTS = ["TcpClient", "UdpClient", "ArqClient", "HttpClient", "WebSocketClient"];

function components(): Map<string, Component> {
  const found = new Map<string, Component>();
  const engine = new MemoryEngine();
  const entries = Object.entries({
    ...tcp,
    ...udp,
    ...arq,
    ...http,
    ...websocket,
    ...proxy,
    ...pool,
  });
  for (const [name, value] of entries) {
    const prototype = (value as { prototype?: object }).prototype ?? {};
    if (!("stop" in prototype)) continue;
    const { agent, ...needed } = (NEEDED[name] ?? {}) as { agent?: object };
    const options = agent === undefined ? { ...needed, engine } : { ...needed, agent: { engine } };
    found.set(name, new (value as unknown as new (options: object) => Component)(options));
  }
  return found;
}

/** Members of the public types, as `Type.member`. */
function publicMembers(): string[] {
  const list = readProjectFile("test/unit/docs/public-members.txt");
  return list.split("\n").flatMap((line) => {
    const [, type, members = ""] = /^ {2}(\w+)(?: \(\w+\))?: (.*)$/.exec(line) ?? [];
    return type === undefined ? [] : members.split(" ").map((member) => `${type}.${member}`);
  });
}

describe("the names of public members", () => {
  const all = components();

  it("are looked at: there are components of each kind", () => {
    assert.ok(all.size >= 17, [...all.keys()].join());
    for (const name of [...CONNECTIONLESS, ...CLIENTS]) assert.ok(all.has(name), name);
    assert.ok(publicMembers().length > 500, PROJECT);
  });

  it("are connectionCount and maxConnections for connections, whatever these are called elsewhere", () => {
    const others = publicMembers().filter((member) =>
      /\.(?:max|min)?(?:Sockets|Sessions|Clients|Peers)$|\.(?:socket|session|client|peer)Count$/.test(
        member,
      ),
    );
    // What the system has, listeners included; not connections.
    assert.deepEqual(others, ["UringOptions.maxSockets"]);

    for (const [name, component] of all) {
      if (CLIENTS.includes(name) || CONNECTIONLESS.includes(name) || name === "ConnectionPool")
        continue;
      assert.equal(component.connectionCount, 0, name);
      const byId = ["connectionIds", "connection"].map((member) => typeof component[member]);
      const isOfOthers = name.endsWith("Relay") || name === "ProxyServer";
      if (!isOfOthers) assert.deepEqual(byId, ["function", "function"], name);
    }
  });

  it("are droppedCount for what found no room", () => {
    const dropped = publicMembers().filter((member) => /\.dropped/.test(member));

    assert.deepEqual([...new Set(dropped.map((member) => member.split(".")[1]))], ["droppedCount"]);
  });

  it("end with a unit where they are a time", () => {
    const unitless = publicMembers().filter((member) =>
      /\.(?!set)\w*(?:Timeout|Interval|Deadline|Age|Delay)$/.test(member.replace("noDelay", "")),
    );

    assert.deepEqual(unitless, []);
  });

  it("are address, port, stats, stop and stopped where a component listens", () => {
    for (const [name, component] of all) {
      if (!("listen" in component)) continue;
      assert.deepEqual([component["address"], component["port"]], [undefined, 0], name);
      assert.equal(typeof component["stats"], "object", name);
      assert.equal(typeof component["stopped"], "function", name);
    }
  });

  it("are drainedCount and cutCount in what stop resolves with, where there are connections", async () => {
    for (const [name, component] of all) {
      const result = await component.stop();
      const nothing = CONNECTIONLESS.includes(name) ? undefined : { drainedCount: 0, cutCount: 0 };
      assert.deepEqual(result, nothing, name);
    }
  });

  it("are stopped for what resolves when a component has stopped", async () => {
    for (const [name, component] of components()) {
      await component.stop();
      assert.equal(await component.stopped(), undefined, name);
    }
  });

  it("have the same defaults where pools and relays choose among destinations", () => {
    for (const numbers of [RELAY_NUMBERS, UDP_RELAY_NUMBERS]) {
      for (const name of ["ejectAfter", "ejectMs", "maxEjectMs", "maxEjectedPercent"] as const) {
        assert.equal(numbers[name].standard, POOL_NUMBERS[name].standard, name);
      }
    }
  });
});

describe("the table of operations in the guide", () => {
  const all = components();
  const names = [...all.keys()];
  const groups: Readonly<Record<string, RegExp>> = {
    all: /./,
    servers: /^(?:Tcp|Udp|Arq|Http|WebSocket)Server$/,
    agents: /Agent$/,
    clients: /Client$/,
    casts: /^Udp(?:Cast|Node)$/,
    relays: /Relay$|^ProxyServer$/,
    pool: /Pool$/,
    "those of TCP": /^Tcp/,
    "those of HTTP": /^Http/,
    "those of WebSocket": /^WebSocket/,
  };
  const listed = (text: string): string[] =>
    text.split(", ").flatMap((word) => {
      const found = names.filter((name) => groups[word]?.test(name) ?? name === word);
      assert.ok(found.length > 0, `"${word}" names no component`);
      return found;
    });

  it("says which component has which operation", () => {
    const rows = tableRows("docs/guide/connections-and-events.md", "operation");
    assert.ok(rows.length > 20, String(rows.length));

    for (const [operations = "", component = "", others = ""] of rows) {
      const [having = "", lacking] = component.split(" but ");
      const without = lacking === undefined ? [] : listed(lacking);
      const expected = new Set(listed(having).filter((name) => !without.includes(name)));
      for (const operation of operations.split(", ")) {
        const found = names.filter((name) => operation in (all.get(name) ?? {}));
        assert.deepEqual(new Set(found), expected, operation);
      }
      assert.ok(expected.size === names.length || others !== "", `${operations}: why not`);
    }
  });
});
