import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type NetError, TcpAgent, TcpServer, type TcpServerOptions } from "hp-socket";
import { MAX_REFUSALS_TOLD } from "#src/connection/access/told-refusals.js";
import { StreamComponent, type StreamRole } from "#src/connection/component/stream-component.js";
import { Admission, type AdmissionOptions } from "#src/connection/listening/admission.js";
import type { Address, Engine, StreamSocket } from "#src/engine/engine.js";
import { FakeEngine, FakeStream } from "../../../support/fake-stream.js";
import { memoryWorld } from "../../../support/memory-world.js";
import { until } from "../../../support/until.js";

/** A stream whose peer is at `host`, which counts how often that is asked for. */
class PeerStream extends FakeStream {
  askedCount = 0;
  readonly #host: string | undefined;

  constructor(host: string | undefined) {
    super();
    this.#host = host;
  }

  override readonly remoteAddress = (): undefined => {
    this.askedCount++;
    const address = { host: this.#host, port: 1, family: "IPv4" };
    return (this.#host === undefined ? { path: "" } : address) as unknown as undefined;
  };
}

interface World {
  readonly admission: Admission;
  readonly component: StreamComponent;
  readonly engine: FakeEngine;
  /** Codes of the refusals that were told, with the host of the peer. */
  readonly refusals: [string, string | undefined][];
  accept(host: string | undefined): PeerStream;
}

function world(options: AdmissionOptions, maxConnections = 1_000): World {
  const refusals: [string, string | undefined][] = [];
  const role = {
    packetEvents: undefined,
    opened() {},
    ready() {},
    closed() {},
    prepare() {},
    refused: ({ code }: NetError, from: Address | undefined) => refusals.push([code, from?.host]),
  } as unknown as StreamRole & { prepare(): void };
  const engine = new FakeEngine();
  const given = { maxConnections };
  const component = new StreamComponent(role, engine as unknown as Engine, undefined, given);
  const admission = new Admission(component, role, options);
  const accept = (host: string | undefined): PeerStream => {
    const stream = new PeerStream(host);
    const sink = admission.accepted(stream as unknown as StreamSocket, host === undefined);
    if (sink === undefined) stream.close();
    else stream.sink = sink;
    return stream;
  };
  return { admission, component, engine, refusals, accept };
}

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const RELAY = { proxyHeader: { from: ["10.0.0.0/8"] } };

describe("Admission: addresses", () => {
  it("asks for no address where nobody looks at it", () => {
    const { accept, component } = world({});

    const stream = accept("192.0.2.1");

    assert.equal(stream.askedCount, 0);
    assert.equal(component.connectionCount, 1);
  });

  it("lets nobody in whose address is not known any more, where relays need a header", () => {
    const { admission, component, refusals } = world(RELAY);
    // On the node engine a peer that has reset its connection has no address.
    const gone = new FakeStream() as unknown as StreamSocket;

    assert.equal(admission.accepted(gone, false), undefined);

    assert.deepEqual(refusals, [["PROXY_HEADER_MALFORMED", undefined]]);
    assert.deepEqual([component.connectionCount, component.stats.refusedCount], [0, 1]);
  });

  it("refuses by the lists, tells whom, and makes no connection", () => {
    const { accept, component, refusals } = world({ access: { deny: ["192.0.2.0/24"] } });

    const [bad, good] = [accept("192.0.2.1"), accept("198.51.100.1")];

    assert.deepEqual([bad.calls, good.calls], [["close"], []]);
    assert.deepEqual(refusals, [["ACCESS_REFUSED", "192.0.2.1"]]);
    assert.equal(component.connectionCount, 1);
    assert.equal(component.stats.refusedCount, 1);
  });

  it("lets peers on a path in, which have no address", () => {
    const { accept, component } = world({ access: { allow: [] } });

    accept(undefined);
    accept("192.0.2.1");

    assert.equal(component.connectionCount, 1);
  });

  it("tells of MAX_REFUSALS_TOLD in a second, and counts the others", () => {
    const { accept, component, engine, refusals } = world({ access: { allow: [] } });

    for (let count = 0; count < MAX_REFUSALS_TOLD + 10; count++) accept("192.0.2.1");
    const told = refusals.length;
    engine.clock.advance(1_000);
    accept("192.0.2.1");

    assert.deepEqual([told, refusals.length], [MAX_REFUSALS_TOLD, MAX_REFUSALS_TOLD + 1]);
    assert.equal(component.stats.refusedCount, MAX_REFUSALS_TOLD + 11);
  });

  it("counts the connections that there are when limits of addresses are switched on", () => {
    const { accept, admission, refusals } = world({});
    accept("192.0.2.1");

    admission.configure({ access: { maxConnectionsPerAddress: 1 } }, () => {});
    accept("192.0.2.1");
    accept("192.0.2.2");
    admission.configure({ access: undefined }, () => {});
    accept("192.0.2.1");

    assert.deepEqual(refusals, [["ADDRESS_LIMIT", "192.0.2.1"]]);
  });

  it("changes nothing where the other settings can't be changed", () => {
    const { accept, admission, component } = world({});
    const refuse = (): never => {
      throw new Error("no");
    };

    assert.throws(() => admission.configure({ access: { allow: [] } }, refuse), /no/);
    accept("192.0.2.1");

    assert.equal(component.connectionCount, 1);
  });
});

describe("Admission: PROXY headers", () => {
  it("waits for the header of a relay, and believes what it names", () => {
    const { accept, component } = world(RELAY);

    const stream = accept("10.0.0.1");
    const before = component.connectionCount;
    stream.sink.streamReceived(bytes("PROXY TCP4 192.0.2.7 192.0.2.8 5000 80\r\n"));

    const [connection] = component.registry.list();
    assert.equal(before, 0);
    assert.equal(connection?.remoteAddress?.host, "192.0.2.7");
    assert.equal(connection?.proxyHeader?.version, 1);
    assert.equal(stream.sink, connection);
  });

  it("reads none from others", () => {
    const { accept, component } = world(RELAY);

    accept("192.0.2.1");

    assert.equal(component.connectionCount, 1);
  });

  it("refuses whom the header names by the lists, and resets the stream", () => {
    const { accept, component, refusals } = world({
      ...RELAY,
      access: { deny: ["192.0.2.0/24"] },
    });

    const stream = accept("10.0.0.1");
    stream.sink.streamReceived(bytes("PROXY TCP4 192.0.2.7 192.0.2.8 5000 80\r\n"));

    assert.deepEqual(stream.calls, ["reset"]);
    assert.deepEqual(refusals, [["ACCESS_REFUSED", "192.0.2.7"]]);
    assert.equal(component.connectionCount, 0);
  });

  it("counts streams that wait for their header as connections", () => {
    const { accept, refusals, component } = world(RELAY, 2);

    const waiting = accept("10.0.0.1");
    accept("192.0.2.1");
    accept("192.0.2.2");
    const full = accept("10.0.0.2");
    waiting.sink.streamReceived(bytes("PROXY TCP4 192.0.2.7 192.0.2.8 5000 80\r\n"));

    assert.deepEqual(refusals, [
      ["CONNECTION_LIMIT", "192.0.2.2"],
      ["CONNECTION_LIMIT", "10.0.0.2"],
    ]);
    assert.deepEqual([component.connectionCount, full.calls], [2, ["close"]]);
  });

  it("tells of a header that did not come, or could not be read", () => {
    const { accept, engine, refusals } = world(RELAY);

    accept("10.0.0.1").sink.streamReceived(bytes("GET / HTTP/1.1\r\n"));
    accept("10.0.0.2");
    engine.clock.advance(10_000);

    assert.deepEqual(refusals, [
      ["PROXY_HEADER_MALFORMED", "10.0.0.1"],
      ["PROXY_HEADER_TIMEOUT", "10.0.0.2"],
    ]);
  });

  it("resets the streams that wait when it is given up, and tells nobody", () => {
    const { accept, admission, engine, refusals } = world(RELAY);
    const stream = accept("10.0.0.1");

    admission.cancel();
    engine.clock.advance(10_000);

    assert.deepEqual([stream.calls, refusals], [["reset"], []]);
  });
});

describe("Admission: limits of a server", () => {
  async function serve(test: TestContext, options: TcpServerOptions): Promise<TcpAgent> {
    const { engine } = memoryWorld();
    const server = new TcpServer({ engine, onReceive() {}, ...options });
    const agent = new TcpAgent({ engine, onReceive() {} });
    test.after(() => Promise.all([agent.stop({ drainMs: 0 }), server.stop({ drainMs: 0 })]));
    await server.listen({ port: 7_000 });
    return agent;
  }

  it("refuses at maxConnections, and lets the next in when one has gone", async (test) => {
    const codes: string[] = [];
    const agent = await serve(test, {
      maxConnections: 1,
      onRefuse: ({ code }) => codes.push(code),
    });
    const first = await agent.connect({ port: 7_000 });
    const second = await agent.connect({ port: 7_000 });
    await second.closed();

    first.close();
    await first.closed();
    const third = await agent.connect({ port: 7_000 });

    assert.deepEqual(codes, ["CONNECTION_LIMIT"]);
    assert.equal(third.isOpen, true);
  });

  it("opens no connection that the context factory has ended", async (test) => {
    const events: string[] = [];
    const agent = await serve(test, {
      context: () => {
        throw new Error("no context");
      },
      onAccept: () => {
        events.push("accept");
      },
      onClose: (_, { code }) => events.push(code),
    });

    await agent.connect({ port: 7_000 });
    await until(() => events.length > 0);

    assert.deepEqual(events, ["HANDLER_FAILED"]);
  });
});
