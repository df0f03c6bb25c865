import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { NetError } from "hp-socket";
import type { ClientHello } from "#src/protocol/tls-hello/client-hello.js";
import { HelloReader } from "#src/protocol/tls-hello/hello-reader.js";
import { Random } from "../../support/random.js";

/** What OpenSSL sends first. */
async function realHello(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const came = new Promise<Buffer>((resolve) => {
    server.once("connection", (socket: Socket) => {
      socket.once("data", (bytes) => {
        resolve(bytes);
        socket.destroy();
      });
    });
  });
  const client = connectTls({ host: "127.0.0.1", port, ...options });
  client.on("error", () => {});
  const hello = await came;
  server.close();
  return hello;
}

const u16 = (value: number): number[] => [value >> 8, value & 255];
const u24 = (value: number): number[] => [value >> 16, (value >> 8) & 255, value & 255];
const extension = (type: number, value: readonly number[]): number[] => [
  ...u16(type),
  ...u16(value.length),
  ...value,
];
const list16 = (value: readonly number[]): number[] => [...u16(value.length), ...value];
const text = (value: string): number[] => [...Buffer.from(value, "latin1")];
const nameOf = (value: string): number[] => [0, ...list16(text(value))];
const serverName = (value: string): number[] => extension(0, list16(nameOf(value)));

interface HelloParts {
  readonly version?: readonly number[];
  readonly sessionId?: readonly number[];
  readonly ciphers?: readonly number[];
  readonly compression?: readonly number[];
  /** `null`: there are none. */
  readonly extensions?: readonly number[] | null;
  readonly behind?: readonly number[];
}

/** The message of a hello. */
function helloOf(parts: HelloParts = {}): number[] {
  const {
    version = [3, 3],
    sessionId = [],
    ciphers = [0x13, 0x01],
    compression = [0],
    extensions = serverName("example.com"),
    behind = [],
  } = parts;
  const body = [
    ...version,
    ...new Array<number>(32).fill(7),
    sessionId.length,
    ...sessionId,
    ...list16(ciphers),
    compression.length,
    ...compression,
    ...(extensions === null ? [] : list16(extensions)),
    ...behind,
  ];
  return [1, ...u24(body.length), ...body];
}

/** The message in records of so many bytes. */
function inRecords(message: readonly number[], recordBytes = 16_384): Buffer {
  const records: number[] = [];
  for (let at = 0; at < message.length; at += recordBytes) {
    const piece = message.slice(at, at + recordBytes);
    records.push(22, 3, 1, ...list16(piece));
  }
  return Buffer.from(records);
}

function read(bytes: Uint8Array, maxBytes?: number): ClientHello | undefined {
  return new HelloReader(maxBytes).feed(bytes);
}

/** Fed in pieces; the hello comes with the last one. */
function readPieces(bytes: Buffer, pieceBytes: number): ClientHello | undefined {
  const reader = new HelloReader();
  let hello: ClientHello | undefined;
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    assert.equal(hello, undefined);
    hello = reader.feed(bytes.subarray(at, at + pieceBytes));
  }
  assert.ok(reader.bytes.equals(bytes));
  return hello;
}

const FAILS = { code: "TLS_FAILED", fault: "remote" };

describe("the beginning of a TLS client", () => {
  it("tells the name and the protocols, however it is cut", async () => {
    const bytes = await realHello({
      servername: "WWW.Example.COM",
      ALPNProtocols: ["h2", "http/1.1"],
    });
    const expected = { serverName: "www.example.com", alpnProtocols: ["h2", "http/1.1"] };
    for (const pieceBytes of [bytes.length, 1, 2, 3, 5, 7, 64, 500]) {
      assert.deepEqual(readPieces(bytes, pieceBytes), expected);
    }
    // The same message over records of every length, each fed byte by byte.
    const message = [...bytes.subarray(5)];
    for (let recordBytes = 1; recordBytes < 300; recordBytes++) {
      const records = inRecords(message, recordBytes);
      const reader = new HelloReader();
      let hello: ClientHello | undefined;
      for (const byte of records) hello ??= reader.feed(Buffer.from([byte]));
      assert.deepEqual(hello, expected);
    }
  });

  it("of TLS 1.2 as of 1.3, with a name and without", async () => {
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const bytes = await realHello({ maxVersion, servername: "a.b" });
      assert.deepEqual(read(bytes), { serverName: "a.b", alpnProtocols: [] });
    }
    const bytes = await realHello({ servername: "" });
    assert.deepEqual(read(bytes), { serverName: undefined, alpnProtocols: [] });
    const bare = inRecords(helloOf({ extensions: null }));
    assert.deepEqual(read(bare), { serverName: undefined, alpnProtocols: [] });
  });

  it("is known to be none at its first wrong byte", () => {
    const beginnings: readonly (readonly number[])[] = [
      text("G"),
      [0x80],
      [22, 2],
      [22, 3, 1, 0, 0],
      [22, 3, 1, 0x40, 1],
      [22, 3, 1, 0, 9, 2],
      [22, 3, 1, 0, 1, 1, 23],
      [21, 3, 1, 0, 2, 2, 40],
    ];
    for (const bytes of beginnings) {
      const reader = new HelloReader();
      assert.throws(
        () => {
          bytes.forEach((byte, index) => {
            assert.equal(reader.feed(Buffer.from([byte])), undefined, `${bytes} at ${index}`);
          });
        },
        FAILS,
        `${bytes}`,
      );
    }
  });

  it("is refused where it could be read in two ways, or goes beyond its end", () => {
    const bad: readonly HelloParts[] = [
      { version: [2, 0] },
      { sessionId: new Array<number>(33).fill(1) },
      { ciphers: [] },
      { ciphers: [1] },
      { compression: [] },
      { behind: [0] },
      { extensions: [0] },
      { extensions: [0, 0, 0, 9, 0] },
      { extensions: [...serverName("a"), ...serverName("b")] },
      { extensions: extension(0, list16([...nameOf("a"), ...nameOf("b")])) },
      { extensions: extension(0, [...list16(nameOf("a")), 0]) },
      { extensions: extension(0, list16([0, 0, 5, 97])) },
      { extensions: extension(0, []) },
      { extensions: extension(0, list16([])) },
      { extensions: extension(0, list16([1, 0, 1, 97])) },
      { extensions: [...extension(21, []), ...extension(21, [])] },
      { extensions: extension(16, list16([])) },
      { extensions: extension(16, list16([0])) },
      { extensions: extension(16, list16([3, 104, 50])) },
      { extensions: extension(16, [...list16([1, 104]), 1]) },
      ...["", ".", "a..b", "-a", "a b", "a\0b", "a/b", "é", "a".repeat(254)].map((name) => ({
        extensions: serverName(name),
      })),
    ];
    for (const parts of bad) {
      assert.throws(() => read(inRecords(helloOf(parts))), FAILS, JSON.stringify(parts));
    }
    for (const name of ["a", "_dns.a-b.c", "xn--bcher-kva.example", "127.0.0.1", "example.com."]) {
      const hello = read(inRecords(helloOf({ extensions: serverName(name) })));
      assert.equal(hello?.serverName, name.replace(/\.$/, ""));
    }
  });

  it("is bounded, however long it says that it will be", () => {
    const long = helloOf({ extensions: extension(21, new Array<number>(20_000).fill(0)) });
    assert.throws(() => read(inRecords(long).subarray(0, 9)), {
      ...FAILS,
      message: /maxHelloBytes \(16384\)/,
    });
    assert.equal(read(inRecords(long), 30_000)?.serverName, undefined);
    // Records of one byte each: their heads count.
    const fine = inRecords(
      helloOf({ extensions: extension(21, new Array<number>(9_000).fill(0)) }),
      1,
    );
    const reader = new HelloReader();
    let taken = 0;
    assert.throws(() => {
      for (const byte of fine) {
        reader.feed(Buffer.from([byte]));
        taken++;
      }
    }, FAILS);
    assert.equal(taken, 16_384);
  });

  it("never makes it throw anything else, whatever is changed in it", async () => {
    const random = new Random(11);
    // A small key share: most changes hit what has a structure.
    const options = { servername: "example.com", ALPNProtocols: ["h2"], ecdhCurve: "P-256" };
    const bytes = await realHello(options);
    let refusedCount = 0;
    for (let round = 0; round < 20_000; round++) {
      const mutant = Buffer.from(bytes);
      const changes = random.integer(1, 4);
      for (let change = 0; change < changes; change++) {
        mutant[random.integer(0, mutant.length - 1)] = random.integer(0, 255);
      }
      try {
        read(mutant.subarray(0, random.integer(1, mutant.length)));
      } catch (error) {
        refusedCount++;
        assert.equal((error as NetError).code, "TLS_FAILED");
      }
    }
    assert.ok(refusedCount > 500);
  });
});
