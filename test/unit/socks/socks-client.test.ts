import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NetError } from "hp-socket";
import type { SocksAddress } from "#src/protocol/socks/socks-address.js";
import {
  associate,
  Socks4Client,
  Socks5Client,
  type SocksClientSink,
} from "#src/protocol/socks/socks-client.js";
import { everyChunking } from "../../support/every-chunking.js";

class Recorder implements SocksClientSink {
  readonly sent: string[] = [];
  bound: SocksAddress | undefined;
  error: NetError | undefined;

  handshakeSends(bytes: Buffer): void {
    this.sent.push(bytes.toString("hex"));
  }

  handshakeDone(bound: SocksAddress): void {
    this.bound = bound;
  }

  handshakeFailed(error: NetError): void {
    this.error = error;
  }
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const TARGET = { host: "a.example", port: 443 };
const NAME_REQUEST = `050100 03 09 ${Buffer.from("a.example").toString("hex")} 01bb`.replaceAll(
  " ",
  "",
);

describe("Socks5Client", () => {
  for (const { title, chunks } of everyChunking(hex("0502 0100 050000 01 7f000001 1f90 6162"), 1)) {
    it(`logs in and leaves what follows the reply: ${title}`, () => {
      const client = new Socks5Client(TARGET, { username: "me", password: "it" });
      const sink = new Recorder();

      let rest = "";
      for (const chunk of chunks) rest += chunk.toString("hex", client.feed(chunk, sink));

      assert.equal(client.begin().toString("hex"), "05020002");
      assert.deepEqual(sink.sent, ["01026d65026974", NAME_REQUEST]);
      assert.deepEqual(sink.bound, { host: "127.0.0.1", port: 8_080 });
      assert.equal(rest, "6162");
    });
  }

  it("asks without credentials for none, and by address for addresses", () => {
    for (const [host, bytes] of [
      ["192.0.2.1", "01 c0000201"],
      ["2001:db8::1", "04 20010db8000000000000000000000001"],
    ] as const) {
      const client = new Socks5Client({ host, port: 80 });
      const sink = new Recorder();

      client.feed(hex("0500"), sink);

      assert.equal(client.begin().toString("hex"), "050100");
      assert.equal(sink.sent[0], `050100${bytes}0050`.replaceAll(" ", ""));
    }
  });

  it("reads names and IPv6 addresses of the proxy's own end", () => {
    for (const [reply, host] of [
      ["050000 03 01 78 0001", "x"],
      ["050000 04 20010db8000000000000000000000001 0001", "2001:db8::1"],
    ] as const) {
      const sink = new Recorder();
      new Socks5Client(TARGET).feed(hex(`0500${reply}`), sink);
      assert.deepEqual(sink.bound, { host, port: 1 });
    }
  });

  for (const [name, bytes, code, message] of [
    ["another version", "0400", "PROXY_MALFORMED", /version 4, not SOCKS 5/],
    ["HTTP", Buffer.from("HTTP/1.1 400").toString("hex"), "PROXY_MALFORMED", /version 72/],
    ["credentials wanted, none given", "05ff", "PROXY_AUTHENTICATION", /wants a name/],
    ["a method that was not offered", "0501", "PROXY_MALFORMED", /method 1, which was not offered/],
    ["password chosen, none offered", "0502", "PROXY_MALFORMED", /method 2/],
    ["a general failure", "0500 050100", "PROXY_REFUSED", /general failure/],
    ["its rules", "0500 0502", "PROXY_REFUSED", /not allowed/],
    ["network unreachable", "0500 0503", "PROXY_DESTINATION", /network/],
    ["host unreachable", "0500 0504", "PROXY_DESTINATION", /host/],
    ["refused", "0500 050500 01", "PROXY_DESTINATION", /refused/],
    ["expired", "0500 0506", "PROXY_DESTINATION", /time to live/],
    ["command", "0500 0507", "PROXY_REFUSED", /command/],
    ["address type", "0500 0508", "PROXY_REFUSED", /type of address/],
    ["an unknown reply", "0500 05aa", "PROXY_REFUSED", /reply 170/],
    ["a reply of another version", "0500 0000", "PROXY_MALFORMED", /version 0/],
    ["an unknown type of address", "0500 050000 02", "PROXY_MALFORMED", /type 2/],
  ] as const) {
    it(`tells ${name} as ${code}`, () => {
      const sink = new Recorder();
      const all = hex(bytes);

      const taken = new Socks5Client(TARGET).feed(all, sink);

      assert.equal(sink.error?.code, code);
      assert.match(sink.error?.message ?? "", message);
      assert.equal(sink.bound, undefined);
      assert.ok(taken <= all.length);
    });
  }

  it("tells credentials that were not accepted, and not which", () => {
    for (const [bytes, code] of [
      ["0502 0101", "PROXY_AUTHENTICATION"],
      ["0502 0500", "PROXY_MALFORMED"],
      ["05ff", "PROXY_AUTHENTICATION"],
    ] as const) {
      const sink = new Recorder();
      const client = new Socks5Client(TARGET, { username: "secret", password: "hidden" });
      client.feed(hex(bytes), sink);
      assert.equal(sink.error?.code, code);
      assert.doesNotMatch(String(sink.error?.stack), /secret|hidden/);
    }
  });

  it("refuses what can't be sent", () => {
    const bad = { code: "INVALID_ARGUMENT" };
    assert.throws(() => new Socks5Client({ host: "", port: 1 }), bad);
    assert.throws(() => new Socks5Client({ host: "a\0b", port: 1 }), bad);
    assert.throws(() => new Socks5Client({ host: "x".repeat(256), port: 1 }), bad);
    assert.throws(() => new Socks5Client(TARGET, { username: "", password: "x" }), bad);
    assert.throws(() => new Socks5Client(TARGET, { username: "x", password: "" }), bad);
    const long = "ü".repeat(128);
    assert.throws(
      () => new Socks5Client(TARGET, { username: long, password: "x" }),
      (error) => {
        assert.match(String(error), /255 bytes, not 256/);
        return true;
      },
    );
  });

  it("associates for UDP", () => {
    const sink = new Recorder();
    associate().feed(hex("0500"), sink);
    assert.equal(sink.sent[0], "05030001000000000000");
  });
});

describe("Socks4Client", () => {
  it("asks for an address by SOCKS 4, for all else by 4a", () => {
    const request = (host: string, user?: string): string =>
      new Socks4Client({ host, port: 80 }, user).begin().toString("hex");
    assert.equal(request("192.0.2.1", "me"), "04010050c00002016d6500");
    assert.equal(request("a.b"), "04010050000000010061 2e6200".replaceAll(" ", ""));
    assert.match(request("::1"), /^0401005000000001003a3a3100$/);
    assert.throws(() => request("x", "a\0b"), { code: "INVALID_ARGUMENT" });
    assert.throws(() => request("x", "y".repeat(256)), { code: "INVALID_ARGUMENT" });
  });

  for (const { title, chunks } of everyChunking(hex("005a 0050 c0000201 6162"), 2)) {
    it(`leaves what follows the reply: ${title}`, () => {
      const client = new Socks4Client(TARGET);
      const sink = new Recorder();
      let rest = "";
      for (const chunk of chunks) rest += chunk.toString("hex", client.feed(chunk, sink));
      assert.deepEqual(sink.bound, { host: "192.0.2.1", port: 80 });
      assert.equal(rest, "6162");
    });
  }

  for (const [bytes, code] of [
    ["005b", "PROXY_REFUSED"],
    ["005c", "PROXY_AUTHENTICATION"],
    ["005d", "PROXY_AUTHENTICATION"],
    ["0001", "PROXY_REFUSED"],
    ["045a", "PROXY_MALFORMED"],
  ] as const) {
    it(`tells ${bytes} as ${code}`, () => {
      const sink = new Recorder();
      new Socks4Client(TARGET).feed(hex(bytes), sink);
      assert.equal(sink.error?.code, code);
    });
  }
});
