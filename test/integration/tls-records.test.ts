/** Records of TLS 1.3 that no library sends. Others go on. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { describeTls } from "../support/tls-certificates.js";
import {
  ALERT_TYPE,
  DATA_TYPE,
  HANDSHAKE_TYPE,
  recordHead,
  recordPeer,
} from "../support/tls-records.js";
import {
  clientHello,
  connected,
  plainPeer,
  secureClient,
  secureServer,
} from "../support/tls-world.js";
import { until } from "../support/until.js";

const RECORD_BYTES = 16_384;
const NOTHING = Buffer.alloc(0);

describeTls("records that a peer makes itself", ({ ca, server }, engine) => {
  it("bring their data, however small and padded they are", async (test) => {
    const received: Buffer[] = [];
    const world = await secureServer(test, server, {
      onReceive: (_connection, bytes) => void received.push(Buffer.from(bytes)),
    });
    const peer = await recordPeer(test, world.port);
    const records: Buffer[] = [];

    for (let index = 0; index < 3_000; index++) {
      records.push(peer.record(DATA_TYPE, Buffer.of(index), index % 300));
      if (index % 20 === 0) records.push(peer.record(DATA_TYPE, NOTHING, index % 300));
    }
    peer.send(Buffer.concat(records));
    await until(() => received.reduce((sum, { length }) => sum + length, 0) === 3_000);

    assert.deepEqual(
      Buffer.concat(received),
      Buffer.from(Array.from({ length: 3_000 }, (_, index) => index)),
    );
    assert.equal(world.reasons.length, 0);
  });

  const wrong: readonly [
    name: string,
    make: (peer: Awaited<ReturnType<typeof recordPeer>>) => Buffer,
  ][] = [
    [
      "are empty, without end",
      (peer) => Buffer.concat(Array.from({ length: 200 }, () => peer.record(DATA_TYPE, NOTHING))),
    ],
    [
      "are nothing but padding, without end",
      (peer) =>
        Buffer.concat(Array.from({ length: 200 }, () => peer.record(DATA_TYPE, NOTHING, 10_000))),
    ],
    [
      "have more data than RFC 8446 §5.1 allows",
      (peer) => peer.record(DATA_TYPE, Buffer.alloc(RECORD_BYTES + 1)),
    ],
    ["are longer than RFC 8446 §5.2 allows", () => recordHead(DATA_TYPE, RECORD_BYTES + 257)],
    ["have no type", (peer) => peer.record(0, Buffer.alloc(100))],
    ["say hello again", (peer) => peer.record(HANDSHAKE_TYPE, Buffer.of(1, 0, 0, 4, 3, 3, 0, 0))],
    [
      "begin a message of 16 MB",
      (peer) => peer.record(HANDSHAKE_TYPE, Buffer.of(4, 0xff, 0xff, 0xff, 0)),
    ],
    ["are not ciphered", () => Buffer.concat([recordHead(DATA_TYPE, 100), Buffer.alloc(100)])],
  ];
  for (const [name, make] of wrong) {
    it(`end the connection when they ${name}`, async (test) => {
      const world = await secureServer(test, server);
      const other = await connected(secureClient(test, { ca }), world.port);
      const peer = await recordPeer(test, world.port);

      peer.send(make(peer));
      await until(() => world.reasons.length === 1);

      assert.deepEqual(
        [world.reasons[0]?.code, world.reasons[0]?.operation],
        ["TLS_FAILED", "receive"],
      );
      assert.equal(String(await other.request("others go on")), "others go on");
    });
  }

  it("end the connection when they are an alert that nobody knows, which is told by its number", {
    skip: engine === "uring" ? false : "Node tells nobody of such an alert",
  }, async (test) => {
    const world = await secureServer(test, server);
    const peer = await recordPeer(test, world.port);

    peer.send(peer.record(ALERT_TYPE, Buffer.of(2, 200)));
    await until(() => world.reasons.length === 1);

    assert.equal(world.reasons[0]?.code, "TLS_FAILED");
    assert.match(world.reasons[0]?.cause?.message ?? "", /alert number 200/);
  });

  it("end a handshake when they bring data before it is done", async (test) => {
    const world = await secureServer(test, server);
    const early = await plainPeer(test, world.port);

    early.write(await clientHello(test));
    early.write(Buffer.concat([recordHead(DATA_TYPE, 100), Buffer.alloc(100)]));
    await until(() => world.reasons.length === 1);

    assert.deepEqual(
      [world.reasons[0]?.code, world.reasons[0]?.operation],
      ["TLS_FAILED", "handshake"],
    );
    assert.equal(world.secured.length, 0);
  });
});
