import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NetError } from "hp-socket";
import {
  Socks4Client,
  Socks5Client,
  type SocksCredentials,
} from "#src/protocol/socks/socks-client.js";
import { REPLY } from "#src/protocol/socks/socks-reply.js";
import {
  type SocksRequest,
  SocksServer,
  type SocksServerSink,
} from "#src/protocol/socks/socks-server.js";
import {
  encodeUdpHeader,
  MAX_UDP_HEADER_BYTES,
  readUdpDatagram,
} from "#src/protocol/socks/udp-header.js";
import { everyChunking } from "../../support/every-chunking.js";
import { Random } from "../../support/random.js";

/** Decides at once: asks for a password where `wants` is set. */
class Decider implements SocksServerSink {
  readonly server = new SocksServer();
  readonly sent: string[] = [];
  readonly wants: boolean;
  methods: readonly number[] = [];
  credentials: SocksCredentials | undefined;
  request: SocksRequest | undefined;
  error: NetError | undefined;
  reply: Buffer | undefined;

  constructor(wants = false) {
    this.wants = wants;
  }

  /** Feeds all, and answers what was not taken. */
  feed(bytes: Buffer): Buffer {
    return bytes.subarray(this.server.feed(bytes, this));
  }

  socksMethods(methods: readonly number[]): void {
    this.methods = methods;
    this.sent.push(this.server.chooseMethod(this.wants ? "password" : "none").toString("hex"));
  }

  socksCredentials(credentials: SocksCredentials): void {
    this.credentials = credentials;
    this.sent.push(this.server.answerCredentials(credentials.password === "it").toString("hex"));
  }

  socksRequest(request: SocksRequest): void {
    this.request = request;
  }

  socksFailed(error: NetError, reply: Buffer | undefined): void {
    this.error = error;
    this.reply = reply;
  }
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

describe("SocksServer", () => {
  const login = "05 02 00 02  01 02 6d65 02 6974  05 01 00 03 01 78 0050  6869";
  for (const { title, chunks } of everyChunking(hex(login), 5)) {
    it(`reads a handshake of SOCKS 5 with a password, and no more: ${title}`, () => {
      const decider = new Decider(true);
      let rest = "";
      for (const chunk of chunks) rest += decider.feed(chunk).toString("hex");
      assert.deepEqual(decider.credentials, { username: "me", password: "it" });
      assert.deepEqual(decider.request, {
        version: 5,
        command: 1,
        target: { host: "x", port: 80 },
        user: "",
      });
      assert.deepEqual(decider.sent, ["0502", "0100"]);
      assert.equal(rest, "6869");
    });
  }

  const four = hex("04 01 0050 00000001 6d6500 7800 6869");
  for (const { title, chunks } of everyChunking(four, 6)) {
    it(`reads a request of SOCKS 4a, and no more: ${title}`, () => {
      const decider = new Decider();
      let rest = "";
      for (const chunk of chunks) rest += decider.feed(chunk).toString("hex");
      assert.deepEqual(decider.request, {
        version: 4,
        command: 1,
        target: { host: "x", port: 80 },
        user: "me",
      });
      assert.equal(rest, "6869");
    });
  }

  it("reads nothing before it is answered", () => {
    const server = new SocksServer();
    const asked: string[] = [];
    const sink: SocksServerSink = {
      socksMethods: () => asked.push("methods"),
      socksCredentials: () => asked.push("credentials"),
      socksRequest: () => asked.push("request"),
      socksFailed: () => asked.push("failed"),
    };
    const all = hex("050100 05010003017800 50");

    assert.equal(server.feed(all, sink), 3);
    assert.equal(server.feed(all.subarray(3), sink), 0);
    server.chooseMethod("none");
    assert.equal(server.feed(all.subarray(3), sink), all.length - 3);
    assert.equal(server.feed(all, sink), 0);
    assert.deepEqual(asked, ["methods", "request"]);
  });

  it("reads nothing of who was turned away", () => {
    const decider = new Decider(true);
    const rest = decider.feed(hex("050102 01 01 61 01 62 050100"));
    assert.deepEqual(decider.sent, ["0502", "0101"]);
    assert.equal(rest.toString("hex"), "050100");
  });

  for (const [name, bytes, message, reply] of [
    ["another version", "16", /version 22/, undefined],
    ["credentials of another version", "050102 02", /version 2/, undefined],
    ["a request of another version", "050100 04", /version 4/, undefined],
    ["an unknown type of address", "050100 050100 05", /type 5/, "0508000100000000 0000"],
    ["an empty name", "050100 050100 03 00", /without a name/, "05080001000000000000"],
    ["an empty name of 4a", "0401005000000001 00 00", /without a name/, "005b000000000000"],
    [
      "a user without end",
      `0401005000000001 ${"61".repeat(1_100)}`,
      /1024 bytes/,
      "005b000000000000",
    ],
    [
      "a name of 4a that is too long",
      `0401005000000001 00 ${"61".repeat(300)}00`,
      /name/,
      "005b000000000000",
    ],
  ] as const) {
    it(`refuses ${name}`, () => {
      const decider = new Decider(bytes.startsWith("050102"));
      decider.feed(hex(bytes));
      assert.equal(decider.error?.code, "PROXY_MALFORMED");
      assert.match(decider.error?.message ?? "", message);
      assert.equal(decider.reply?.toString("hex"), reply?.replaceAll(" ", ""));
      assert.equal(decider.request, undefined);
      assert.equal(decider.feed(hex("050100")).length, 3);
    });
  }

  it("replies in the version that was asked in, with what is bound", () => {
    const bound = { host: "192.0.2.1", port: 256 };
    const five = new Decider();
    five.feed(hex("050100 050100 03 01 78 0050"));
    assert.equal(
      five.server.replyBytes(REPLY.succeeded, bound).toString("hex"),
      "05000001c00002010100",
    );
    const old = new Decider();
    old.feed(four);
    assert.equal(old.server.replyBytes(REPLY.succeeded, bound).toString("hex"), "005a0100c0000201");
    assert.equal(old.server.replyBytes(REPLY.hostUnreachable).toString("hex"), "005b000000000000");
    const wide = { host: "2001:db8::1", port: 1 };
    assert.equal(old.server.replyBytes(REPLY.succeeded, wide).toString("hex"), "005a000100000000");
  });

  it("understands what our clients send, whatever the target", () => {
    for (const host of ["a.example", "192.0.2.1", "2001:db8::1", "x".repeat(255)]) {
      const target = { host, port: 65_535 };
      const decider = new Decider(true);
      const client = new Socks5Client(target, { username: "me", password: "it" });
      const exchange = {
        handshakeSends: (bytes: Buffer) => void decider.feed(bytes),
        handshakeDone: () => {},
        handshakeFailed: (error: NetError) => assert.fail(error),
      };
      decider.feed(client.begin());
      // It grows while the client answers.
      for (const sent of decider.sent) client.feed(hex(sent), exchange);
      assert.deepEqual(decider.request?.target, target);

      const old = new Decider();
      old.feed(new Socks4Client(target, "me").begin());
      assert.deepEqual(old.request?.target, target);
    }
  });

  it("stays within its bounds for whatever is sent", () => {
    const random = new Random(77);
    const seeds = [hex(login), four, hex("050100 050100 04 20010db8000000000000000000000001 0050")];
    for (let round = 0; round < 30_000; round++) {
      const bytes = Buffer.from(random.pick(seeds));
      for (let edit = random.integer(1, 4); edit > 0; edit--) {
        bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
      }
      const decider = new Decider(random.next() < 0.5);
      for (let at = 0; at < bytes.length; ) {
        const chunk = bytes.subarray(at, at + random.integer(1, 9));
        at += chunk.length;
        const rest = decider.feed(chunk);
        assert.ok(rest.length <= chunk.length);
        if (rest.length > 0) break;
      }
    }
  });
});

describe("the head of a datagram", () => {
  it("is read as it was written", () => {
    for (const host of ["192.0.2.1", "2001:db8::1", "a.example", "x".repeat(255)]) {
      const header = encodeUdpHeader({ host, port: 53 });
      const read = readUdpDatagram(Buffer.concat([header, Buffer.from("data")]));
      assert.deepEqual(read?.address, { host, port: 53 });
      assert.equal(read?.data.toString(), "data");
      assert.ok(header.length <= MAX_UDP_HEADER_BYTES);
    }
  });

  it("is none for fragments, other bits and what is cut off", () => {
    const good = encodeUdpHeader({ host: "192.0.2.1", port: 53 });
    for (let length = 0; length < good.length; length++) {
      assert.equal(readUdpDatagram(good.subarray(0, length)), undefined);
    }
    for (const at of [0, 1, 2]) {
      const bad = Buffer.from(good);
      bad[at] = 1;
      assert.equal(readUdpDatagram(bad), undefined);
    }
    assert.equal(readUdpDatagram(hex("000000 09 00")), undefined);
  });
});
