import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ArqAgent, ArqClient } from "#src/arq/index.js";
import {
  CookieStore,
  createFetch,
  encodeFields,
  HttpAgent,
  HttpClient,
  HttpServer,
  HttpSyncClient,
} from "#src/http/index.js";
import { SyncFields } from "#src/http/sync/sync-response.js";
import {
  addressText,
  formatIp,
  proxyFromEnvironment,
  proxySsl,
  proxyTlvText,
  TcpClient,
  TcpServer,
} from "#src/index.js";
import { Relay, UdpRelay } from "#src/proxy/index.js";
import { MemoryEngine, SimulatedLink } from "#src/testing/index.js";
import { UdpAgent, UdpCast, UdpClient, UdpNode } from "#src/udp/index.js";
import { WebSocketAgent, WebSocketClient } from "#src/websocket/index.js";

const INVALID = { name: "NetError", code: "INVALID_ARGUMENT" };

const NAME_OF_FIELD = { ...INVALID, message: /^the name of a field must be text, not / };

function wrong(value: unknown): never {
  return value as never;
}

describe("wrong arguments", () => {
  it("take an id that is no number for an unknown one", () => {
    const server = new TcpServer();
    for (const id of [Symbol("id"), null, "1", {}, [], 1n, Number.NaN]) {
      assert.equal(server.connection(wrong(id)), undefined);
      assert.equal(server.close(wrong(id)), false);
      assert.equal(server.send(wrong(id), "data"), false);
    }
  });

  for (const Component of [UdpAgent, UdpClient, ArqAgent, ArqClient]) {
    it(`name what configure of ${Component.name} was given`, () => {
      const component = new Component({});
      for (const changes of [undefined, null, 5, "", []]) {
        assert.throws(() => component.configure(wrong(changes)), {
          ...INVALID,
          message: /^the options of configure must be an object, not /,
        });
      }
    });
  }

  it("name what functions need an object for", () => {
    for (const value of [undefined, null, 5, "", Symbol("value"), []]) {
      for (const call of [addressText, formatIp, proxySsl]) {
        assert.throws(() => call(wrong(value)), INVALID, call.name);
      }
      assert.throws(() => proxyTlvText(wrong(value), 1), INVALID);
    }
    for (const [address, message] of [
      [{}, "host of the address must be text that is not empty, not undefined"],
      [
        { host: "::1" },
        "port of the address must be a whole number from 0 to 65535, not undefined",
      ],
      [{ path: 5 }, "path of the address must be text that is not empty, not 5"],
    ] as const) {
      assert.throws(() => addressText(wrong(address)), { ...INVALID, message });
    }
    for (const value of [null, 5, ""]) {
      assert.throws(() => proxyFromEnvironment(wrong(value)), {
        ...INVALID,
        message: /^environment must be an object, not /,
      });
    }
  });

  it("name the key and the path of a cookie store", async () => {
    const store = new CookieStore();
    for (const key of [undefined, null, 5, ""]) {
      assert.throws(() => store.get(wrong(key)), { ...INVALID, message: /the key/ });
      assert.throws(() => store.delete(wrong(key)), { ...INVALID, message: /the key/ });
    }
    for (const path of [undefined, null, 5, "", Symbol("path")]) {
      const named = { ...INVALID, message: /^path must be text/ };
      await assert.rejects(store.loadFile(wrong(path)), named);
      await assert.rejects(store.saveFile(wrong(path)), named);
    }
  });

  it("name the host and the port that a node resolves", async () => {
    const node = new UdpNode();
    await assert.rejects(node.resolve(wrong(5), 1), { ...INVALID, message: /^host must/ });
    await assert.rejects(node.resolve("127.0.0.1", -1), { ...INVALID, message: /^port must/ });
    await assert.rejects(node.resolve("127.0.0.1", 1, wrong(5)), INVALID);
  });

  it("refuse what are no options of drained", async () => {
    for (const component of [new UdpNode(), new UdpCast()]) {
      for (const options of [null, 5, "", []]) {
        await assert.rejects(component.drained(wrong(options)), INVALID);
      }
    }
  });

  it("refuse what are no options of stop, and stop nothing then", async () => {
    const relay = new Relay({ to: ["127.0.0.1:1"] });
    const udpRelay = new UdpRelay({ to: ["127.0.0.1:1"] });
    const components = [
      new WebSocketAgent(),
      new WebSocketClient(),
      new HttpAgent(),
      relay,
      udpRelay,
    ];
    for (const component of components) {
      for (const options of [null, 5, "", [], { unknown: 1 }, { drainMs: Number.NaN }]) {
        await assert.rejects(component.stop(wrong(options)), INVALID);
      }
      await component.stop();
      await assert.rejects(component.stop(wrong(null)), INVALID);
    }
  });

  it("refuse bytes whose memory was transferred: they are none any more", async () => {
    const engine = new MemoryEngine();
    const server = new TcpServer({ engine });
    const client = new TcpClient({ engine });
    await client.connect(await server.listen());
    const detached = { ...INVALID, message: "the memory of data was transferred: it is detached" };
    for (const bytes of [new Uint8Array(8), Buffer.alloc(8)]) {
      structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
      assert.throws(() => client.send(bytes), detached);
      assert.throws(() => client.sendAll(["x", bytes]), detached);
      assert.throws(() => server.broadcast(bytes), detached);
      await assert.rejects(client.request(bytes), detached);
    }
    assert.equal(client.send(new Uint8Array(0)), true);
    await Promise.all([client.stop(), server.stop()]);
  });

  it("name what a group, a stream of a socket and a read are given", async () => {
    const node = new UdpNode({ engine: "node" });
    await node.open({ host: "127.0.0.1" });
    for (const call of [node.joinGroup, node.leaveGroup]) {
      for (const [membership, message] of [
        [null, /^the options of (join|leave)Group must be an object, not null/],
        [{}, /^group must be a group's address, in 224.0.0.0\/4 or ff00::\/8, not undefined/],
        [{ grop: "239.1.2.3" }, /Group has no option "grop"/],
      ] as const) {
        assert.throws(() => call.call(node, wrong(membership)), { ...INVALID, message });
      }
    }
    await node.stop();
    const engine = new MemoryEngine();
    const server = new TcpServer({ engine, onHandshake: (connection) => connection.send("rest") });
    const client = new TcpClient({ engine });
    await client.connect(await server.listen());
    await client.read(1);
    client.abort();
    await client.closed();
    await server.stop();
    await assert.rejects(client.read(Number.NaN), { ...INVALID, message: /^byteCount must be/ });
    await client.stop();
  });

  it("take bytes for no options, whatever names they have", async () => {
    const server = new TcpServer();
    assert.throws(() => server.broadcast("x", wrong(new Uint8Array(1))), {
      ...INVALID,
      message: "the options of broadcast must be an object, not 1 bytes",
    });
    await assert.rejects(server.request(wrong(Symbol("id")), "x"), {
      code: "CONNECTION_CLOSED",
      message: "there is no connection Symbol(id)",
    });
  });

  it("refuse what are no options of a link", () => {
    for (const options of [null, 5, ""]) {
      assert.throws(() => new SimulatedLink(wrong(options)), INVALID);
    }
  });

  it("refuse to make a fetch of what is no agent", () => {
    for (const agent of [undefined, null, 5, {}]) {
      assert.throws(() => createFetch(wrong(agent)), { ...INVALID, message: /an HttpAgent, not / });
    }
  });

  it("refuse to publish to what is no topic", () => {
    const server = new TcpServer();
    const sockets = new WebSocketAgent();
    for (const topic of [undefined, null, 5, "", Symbol("topic")]) {
      const named = { ...INVALID, message: /^topic must be text/ };
      assert.throws(() => server.publish(wrong(topic), "data"), named);
      assert.throws(() => sockets.publish(wrong(topic), "data"), named);
    }
  });

  it("name what the fields and the change of a response are given", async () => {
    const engine = new MemoryEngine();
    const server = new HttpServer({
      engine,
      onRequest: (exchange) => {
        for (const call of ["get", "getAll", "has"] as const) {
          assert.throws(() => exchange.headers[call](wrong(null)), NAME_OF_FIELD);
        }
        exchange.respond(200, {}, "content");
      },
    });
    const { port } = await server.listen();
    const agent = new HttpAgent({ engine });
    const response = await agent.request({ url: `http://127.0.0.1:${port}/` });
    assert.equal(response.status, 200);

    for (const fields of [response.headers, new SyncFields([["a", "b"]])]) {
      for (const name of [undefined, null, 5, {}, ["date"], new Uint8Array(4), Symbol("date")]) {
        for (const call of ["get", "getAll", "has"] as const) {
          assert.throws(() => fields[call](wrong(name)), NAME_OF_FIELD);
        }
      }
    }
    for (const [change, message] of [
      [undefined, /^the change of a response must be an object, not undefined/],
      [null, /^the change of a response must be an object, not null/],
      [{ body: "text" }, /^body must be the body of a response, not "text"/],
      [{ redirected: 1 }, /^redirected must be true or false, not 1/],
    ] as const) {
      assert.throws(() => response.with(wrong(change)), { ...INVALID, message });
    }
    assert.equal(await response.with({ redirected: true }).text(), "content");
    await Promise.all([agent.stop(), server.stop()]);
  });

  it("take bytes for no fields, also where their memory was transferred", () => {
    const detached = new Uint8Array(8);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    for (const headers of [detached, new Uint8Array(2), new DataView(new ArrayBuffer(1))]) {
      const named = { ...INVALID, message: /yield pairs/ };
      assert.throws(() => encodeFields(wrong(headers)), named);
      for (const Client of [HttpAgent, HttpClient]) {
        assert.throws(() => new Client({ headers: wrong(headers) }), named);
      }
    }
  });

  it("name the URL that a client that waits upgrades to", () => {
    const client = new HttpSyncClient();
    for (const url of [undefined, null, 5, Object.create(null), Symbol("url"), "ftp://host"]) {
      assert.throws(() => client.upgrade(wrong(url)), {
        ...INVALID,
        message: /^url must begin with ws: or wss:, not /,
      });
    }
  });
});
