import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ArqAgent, ArqClient } from "#src/arq/index.js";
import { CookieStore, createFetch, HttpAgent } from "#src/http/index.js";
import {
  addressText,
  formatIp,
  proxyFromEnvironment,
  proxySsl,
  proxyTlvText,
  TcpServer,
} from "#src/index.js";
import { Relay, UdpRelay } from "#src/proxy/index.js";
import { SimulatedLink } from "#src/testing/index.js";
import { UdpAgent, UdpCast, UdpClient, UdpNode } from "#src/udp/index.js";
import { WebSocketAgent, WebSocketClient } from "#src/websocket/index.js";

const INVALID = { name: "NetError", code: "INVALID_ARGUMENT" };

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
    const { sockets } = new WebSocketAgent();
    for (const topic of [undefined, null, 5, "", Symbol("topic")]) {
      const named = { ...INVALID, message: /^topic must be text/ };
      assert.throws(() => server.publish(wrong(topic), "data"), named);
      assert.throws(() => sockets.publish(wrong(topic), "data"), named);
    }
  });
});
