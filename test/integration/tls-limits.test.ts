/** What a peer can make of a handshake, and of what comes behind: how long, how often, in how many pieces. */
import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import {
  helloMessage,
  inRecords,
  PROTOCOLS,
  protocolList,
  SERVER_NAME,
  serverNameList,
  TICKET,
  withExtension,
} from "../support/client-hello.js";
import { describeTls } from "../support/tls-certificates.js";
import { HANDSHAKE_TYPE, recordHead, recordServer } from "../support/tls-records.js";
import {
  clientHello,
  connectError,
  connected,
  plainPeer,
  type SecureServer,
  secureClient,
  secureServer,
} from "../support/tls-world.js";
import { until } from "../support/until.js";

const RECORD_BYTES = 16_384;
const CHANGE_CIPHER_TYPE = 20;
const ALERT_TYPE = 21;
/** What a server begins with that takes a hello. */
const TAKEN = HANDSHAKE_TYPE;

const WARNING = Buffer.concat([recordHead(ALERT_TYPE, 2), Buffer.of(1, 90)]);
const CHANGE_CIPHER = Buffer.concat([recordHead(CHANGE_CIPHER_TYPE, 1), Buffer.of(1)]);
const NOTHING = recordHead(HANDSHAKE_TYPE, 0);

/** A message that says to have 131,397 bytes, one more than OpenSSL takes for a hello, and goes on. */
const ENDLESS_HELLO = inRecords(
  Buffer.concat([Buffer.of(1, 0x02, 0x01, 0x45), Buffer.alloc(131_397)]),
  RECORD_BYTES,
);

function many(count: number, record: Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => record));
}

function named(message: Buffer, name: Buffer): Buffer {
  return withExtension(message, SERVER_NAME, serverNameList(name));
}

function withProtocols(message: Buffer, count: number, byteCount: number): Buffer {
  return withExtension(message, PROTOCOLS, protocolList(Buffer.alloc(byteCount, "p"), count));
}

/** Why a handshake ends with these bytes, or {@link TAKEN}. */
const HELLOS: Readonly<
  Record<string, readonly [bytes: (message: Buffer) => Buffer, outcome: string | typeof TAKEN]>
> = {
  "in records of one byte": [(message) => inRecords(message, 1), TAKEN],
  "with empty records between": [
    (message) =>
      Buffer.concat([...message].map((b) => Buffer.concat([inRecords(Buffer.of(b), 1), NOTHING]))),
    "BAD_RECORD_TYPE|RECORD_TOO_SMALL|UNEXPECTED_MESSAGE",
  ],
  "of 1,000 empty records": [() => many(1_000, NOTHING), "RECORD_TOO_SMALL"],
  "without end": [() => ENDLESS_HELLO, "EXCESSIVE_MESSAGE_SIZE"],
  "said twice": [
    (message) =>
      Buffer.concat([inRecords(message, RECORD_BYTES), inRecords(message, RECORD_BYTES)]),
    "BAD_RECORD_TYPE|UNEXPECTED_MESSAGE",
  ],
  "with 60,000 bytes that nobody knows": [
    (message) => inRecords(withExtension(message, 0xfafa, Buffer.alloc(60_000)), RECORD_BYTES),
    TAKEN,
  ],
  "with a ticket of 60,000 bytes": [
    (message) => inRecords(withExtension(message, TICKET, Buffer.alloc(60_000)), RECORD_BYTES),
    TAKEN,
  ],
  "with a server name of 255 bytes": [
    (message) => inRecords(named(message, Buffer.alloc(255, "n")), RECORD_BYTES),
    TAKEN,
  ],
  "with a server name of 256 bytes": [
    (message) => inRecords(named(message, Buffer.alloc(256, "n")), RECORD_BYTES),
    "BAD_EXTENSION",
  ],
  "with a server name with a zero": [
    (message) => inRecords(named(message, Buffer.from("localhost\0.example.com")), RECORD_BYTES),
    "BAD_EXTENSION",
  ],
  "with 250 protocols of 255 bytes": [
    (message) => inRecords(withProtocols(message, 250, 255), RECORD_BYTES),
    "NO_APPLICATION_PROTOCOL",
  ],
  "with 30,000 protocols of one byte": [
    (message) => inRecords(withProtocols(message, 30_000, 1), RECORD_BYTES),
    "NO_APPLICATION_PROTOCOL",
  ],
  "with a protocol without a name": [
    (message) => inRecords(withProtocols(message, 1, 0), RECORD_BYTES),
    "BAD_EXTENSION",
  ],
  "behind 1,000 warnings": [() => many(1_000, WARNING), "UNEXPECTED_MESSAGE"],
  "before 1,000 warnings": [
    (message) => Buffer.concat([inRecords(message, RECORD_BYTES), many(1_000, WARNING)]),
    "TOO_MANY_WARN_ALERTS",
  ],
  "before 1,000 changes of ciphers": [
    (message) => Buffer.concat([inRecords(message, RECORD_BYTES), many(1_000, CHANGE_CIPHER)]),
    "UNEXPECTED_CCS_MESSAGE",
  ],
};

/** The first byte that comes; undefined where nothing does. */
async function firstByte(
  test: TestContext,
  port: number,
  bytes: Buffer,
): Promise<number | undefined> {
  const peer = await plainPeer(test, port);
  const byte = new Promise<number | undefined>((resolve) => {
    peer.once("data", (data) => resolve(data[0]));
    peer.once("close", () => resolve(undefined));
  });
  peer.write(bytes);
  return await byte;
}

function causes(world: SecureServer): string[] {
  return world.reasons.map(({ cause }) => cause?.message ?? "");
}

describeTls("a hello", ({ ca, server }) => {
  for (const [name, [bytes, outcome]] of Object.entries(HELLOS)) {
    it(`${name} is ${outcome === TAKEN ? "answered" : "refused"}`, async (test) => {
      const world = await secureServer(test, { ...server, alpnProtocols: ["x"] });
      const other = await connected(secureClient(test, { ca }), world.port);
      const sent = bytes(helloMessage(await clientHello(test)));

      const answer = await firstByte(test, world.port, sent);

      if (outcome === TAKEN) {
        assert.equal(answer, TAKEN);
      } else {
        await until(() => world.reasons.length === 1);
        assert.equal(world.reasons[0]?.code, "TLS_FAILED");
        assert.match(causes(world)[0] ?? "", new RegExp(`ERR_SSL_(${outcome})`));
      }
      assert.equal(String(await other.request("others go on")), "others go on");
    });
  }

  it("with a server name that can be no host's is not shown to the selector", async (test) => {
    const asked: string[] = [];
    const world = await secureServer(test, {
      ...server,
      selectCertificate(name) {
        asked.push(name);
        return undefined;
      },
    });
    const message = helloMessage(await clientHello(test));
    const names = ["../../etc/passwd", "..", "a b", "a\r\nlog: forged", "\x1b[2J", "a".repeat(64)];

    for (const name of [...names, "www.example.com", "münchen.example"]) {
      const hello = inRecords(named(message, Buffer.from(name)), RECORD_BYTES);
      assert.equal(await firstByte(test, world.port, hello), TAKEN);
    }

    assert.deepEqual(asked, ["www.example.com", "münchen.example"]);
  });
});

function derBytes(certificate: string): number {
  return Buffer.from(certificate.replaceAll(/-----[^-]+-----/g, ""), "base64").length;
}

describeTls("certificates of more than 102,400 bytes", ({ ca, client, server }) => {
  // Their authority again and again: a chain may have what it does not need.
  const long = ca.repeat(Math.ceil(102_400 / derBytes(ca)));

  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    it(`are not taken by a client (${maxVersion})`, async (test) => {
      const world = await secureServer(test, { ...server, cert: server.cert + long });

      const error = await connectError(secureClient(test, { ca, maxVersion }), world.port);

      assert.equal(error.code, "TLS_FAILED");
      assert.match(error.message, /EXCESSIVE_MESSAGE_SIZE/);
    });

    it(`are not taken by a server (${maxVersion})`, async (test) => {
      const world = await secureServer(test, { ...server, ca, clientCertificate: "require" });
      const cert = client.cert + long;
      const peer = secureClient(test, { ca, cert, key: client.key, maxVersion });

      await connected(peer, world.port).catch(() => {});
      await until(() => world.reasons.length === 1);

      assert.equal(world.reasons[0]?.code, "TLS_FAILED");
      assert.match(causes(world)[0] ?? "", /EXCESSIVE_MESSAGE_SIZE/);
      assert.equal(world.secured.length, 0);
    });
  }
});

/** A message of a handshake (RFC 8446 §4). */
function message(type: number, ...parts: readonly (readonly number[] | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const head = Buffer.of(type, 0, 0, 0);
  head.writeUIntBE(body.length, 1, 3);
  return Buffer.concat([head, body]);
}

function ticketMessage(byteCount: number): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(byteCount);
  const head = [0, 0, 28, 32, 1, 2, 3, 4, 1, 0];
  return message(4, head, length, Buffer.alloc(byteCount, "t"), [0, 0]);
}

describeTls("behind the handshake, a client", ({ ca, server }) => {
  const signatures = [0, 13, 0, 4, 0, 2, 4, 3];
  const wrong: Readonly<Record<string, Buffer>> = {
    "a wish for its certificate that it has not offered": message(
      13,
      [0],
      [0, signatures.length],
      signatures,
    ),
    "a ticket of 16 MB": Buffer.of(4, 0xff, 0xff, 0xff, 0),
    "a hello of a server": message(2, Buffer.alloc(70)),
    "a wish to begin anew": message(0),
    "1,000 warnings": many(1_000, Buffer.of(1, 90)),
  };

  for (const [name, bytes] of Object.entries(wrong)) {
    it(`ends with ${name}`, async (test) => {
      const { port, peer } = await recordServer(test, server);
      const client = await connected(secureClient(test, { ca }), port);
      const { record, send } = await peer.then((made) => ({
        record: made.record.bind(made),
        send: made.send.bind(made),
      }));
      const type = name === "1,000 warnings" ? ALERT_TYPE : HANDSHAKE_TYPE;
      const size = type === ALERT_TYPE ? 2 : RECORD_BYTES;

      for (let at = 0; at < bytes.length; at += size)
        send(record(type, bytes.subarray(at, at + size)));
      const reason = await client.closed();

      assert.deepEqual([reason.code, reason.operation], ["TLS_FAILED", "receive"]);
    });
  }

  it("takes a ticket of 65,535 bytes, and data behind it", async (test) => {
    const { port, peer } = await recordServer(test, server);
    const client = await connected(secureClient(test, { ca }), port);
    const made = await peer;
    const ticket = ticketMessage(65_535);

    for (let at = 0; at < ticket.length; at += RECORD_BYTES) {
      made.send(made.record(HANDSHAKE_TYPE, ticket.subarray(at, at + RECORD_BYTES)));
    }
    made.send(made.record(23, Buffer.from("data")));

    assert.equal(String(await client.read(4)), "data");
  });
});
