/** Both roles against each other, over a wire that cuts at random. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import type { NetError } from "#src/errors.js";
import { createKey } from "#src/protocol/websocket/accept-key.js";
import {
  checkUpgradeResponse,
  upgradeRequestFields,
} from "#src/protocol/websocket/client-handshake.js";
import { CloseHandshake } from "#src/protocol/websocket/close-handshake.js";
import {
  acceptDeflate,
  type DeflateAgreement,
  type DeflateWishes,
} from "#src/protocol/websocket/deflate-agreement.js";
import { FrameDecoder } from "#src/protocol/websocket/frame-decoder.js";
import { FrameWriter, maxTextFrameBytes } from "#src/protocol/websocket/frame-writer.js";
import { isHandshakeFault } from "#src/protocol/websocket/handshake-fault.js";
import { MessageDeflater } from "#src/protocol/websocket/message-deflater.js";
import { MessageFraming } from "#src/protocol/websocket/message-framing.js";
import { OPCODE, type Role } from "#src/protocol/websocket/opcode.js";
import {
  parseUpgradeRequest,
  selectProtocol,
  upgradeResponseFields,
} from "#src/protocol/websocket/server-handshake.js";
import type { WebSocketSink } from "#src/protocol/websocket/websocket-sink.js";
import { randomChunks } from "../../support/every-chunking.js";
import { Random } from "../../support/random.js";
import { fieldsOf, SWITCHED, sha1 } from "../../support/websocket-handshake.js";
import { ZlibDeflater, ZlibInflater } from "../../support/websocket-zlib.js";

const CASES: readonly (readonly [string, DeflateWishes | undefined, DeflateWishes | undefined])[] =
  [
    ["no compression", undefined, undefined],
    ["an offer that is declined", {}, undefined],
    ["compression", {}, {}],
    ["no context of the server", { serverNoContextTakeover: true }, {}],
    ["no contexts", {}, { serverNoContextTakeover: true, clientNoContextTakeover: true }],
    ["small windows", { serverMaxWindowBits: 8, clientMaxWindowBits: 9 }, {}],
    ["windows that the server wishes", {}, { serverMaxWindowBits: 10, clientMaxWindowBits: 8 }],
  ];

/** One side of a WebSocket. */
class Peer implements WebSocketSink {
  readonly received: string[] = [];
  readonly closing: CloseHandshake;
  /** What it has sent and the wire has not brought. */
  readonly outgoing: Buffer[] = [];
  readonly #role: Role;
  readonly #decoder: FrameDecoder;
  readonly #writer: FrameWriter;
  readonly #framing = new MessageFraming();
  readonly #deflater: MessageDeflater | undefined;

  constructor(role: Role, deflate: DeflateAgreement | undefined, random: Random) {
    this.#role = role;
    this.closing = new CloseHandshake(role);
    this.#writer = new FrameWriter(role, () => random.integer(-(2 ** 31), 2 ** 31 - 1));
    const own = contextOf(role, deflate);
    const peers = contextOf(role === "server" ? "client" : "server", deflate);
    this.#decoder = new FrameDecoder({ role, inflater: peers && new ZlibInflater(peers) });
    this.#deflater = own && new MessageDeflater(new ZlibDeflater(own));
  }

  sendText(text: string): void {
    const isCompressed = this.#deflater !== undefined;
    const first = this.#framing.whole({ isText: true, isCompressed });
    if (this.#deflater !== undefined) {
      this.#frame(first, this.#deflater.deflate(Buffer.from(text)));
      return;
    }
    const target = Buffer.alloc(maxTextFrameBytes(text.length));
    this.outgoing.push(target.subarray(0, this.#writer.writeText(target, 0, first, text)));
  }

  sendInFragments(pieces: readonly Buffer[]): void {
    const kind = { isText: false, isCompressed: this.#deflater !== undefined };
    for (const [index, piece] of pieces.entries()) {
      const isLast = index === pieces.length - 1;
      const payload = this.#deflater?.piece(piece, isLast) ?? piece;
      this.#frame(this.#framing.fragment(kind, isLast), payload);
      this.#frame(0x80 | OPCODE.ping, Buffer.of(index));
    }
  }

  close(code: number | undefined, reason = ""): void {
    const target = Buffer.alloc(150);
    this.outgoing.push(target.subarray(0, this.#writer.writeClose(target, 0, code, reason)));
    this.closing.sent();
  }

  /** What the wire has brought. */
  receive(bytes: Buffer): void {
    assert.equal(this.#decoder.feed(bytes, this), bytes.length);
    assert.equal(this.#decoder.isInflating, false);
  }

  onMessage(bytes: Buffer, isText: boolean): boolean {
    this.received.push(isText ? bytes.toString() : bytes.toString("hex"));
    return true;
  }

  onPing(bytes: Buffer): boolean {
    this.#frame(0x80 | OPCODE.pong, bytes);
    return true;
  }

  onPong(bytes: Buffer): boolean {
    this.received.push(`pong ${bytes[0]}`);
    return true;
  }

  onClose(code: number, reason: string): void {
    this.closing.received(code, reason);
    if (this.closing.state === "closeReceived") this.close(this.closing.replyCode);
  }

  onError(error: NetError): void {
    assert.fail(`${this.#role}: ${error.message}`);
  }

  #frame(first: number, payload: Buffer): void {
    const target = Buffer.alloc(this.#writer.frameBytes(payload.length));
    this.#writer.writeFrame(target, 0, first, payload);
    this.outgoing.push(target);
  }
}

function contextOf(
  role: Role,
  deflate: DeflateAgreement | undefined,
): { windowBits: number; takesOver: boolean } | undefined {
  if (deflate === undefined) return undefined;
  return role === "server"
    ? { windowBits: deflate.serverMaxWindowBits, takesOver: !deflate.serverNoContextTakeover }
    : { windowBits: deflate.clientMaxWindowBits, takesOver: !deflate.clientNoContextTakeover };
}

/** Brings what both have sent, until nobody sends any more. */
function carry(a: Peer, b: Peer, random: Random): void {
  while (a.outgoing.length + b.outgoing.length > 0) {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const bytes = Buffer.concat(from.outgoing.splice(0));
      for (const chunk of randomChunks(bytes, random)) to.receive(chunk);
    }
  }
}

/** The opening handshake; what both sides have agreed on. */
function shakeHands(
  offer: DeflateWishes | undefined,
  wishes: DeflateWishes | undefined,
): { client: DeflateAgreement | undefined; server: DeflateAgreement | undefined } {
  const asked = {
    key: createKey(new Random(1).bytes(16)),
    protocols: ["b", "a"],
    deflate: offer === undefined ? [] : [offer],
  };
  const requestFields = fieldsOf([["Host", "a"], ...upgradeRequestFields(asked)]);

  const request = parseUpgradeRequest({ method: "GET", version: "HTTP/1.1" }, requestFields);
  assert.ok(!isHandshakeFault(request));
  const accepted = wishes && acceptDeflate(request.extensions, wishes);
  const choice = {
    protocol: selectProtocol(request, ["a", "b"]),
    extensions: accepted === undefined ? [] : [accepted.response],
  };
  const responseFields = fieldsOf(upgradeResponseFields(request, choice, sha1));

  const result = checkUpgradeResponse(SWITCHED, responseFields, asked, sha1);
  assert.ok(!isHandshakeFault(result));
  assert.equal(result.protocol, "b");
  return { client: result.deflate, server: accepted?.agreement };
}

describe("a server and a client", () => {
  for (const [what, offer, wishes] of CASES) {
    it(`agree on the same: ${what}`, () => {
      const agreed = shakeHands(offer, wishes);

      assert.deepEqual(agreed.client, agreed.server);
      assert.equal(agreed.client !== undefined, offer !== undefined && wishes !== undefined);
    });

    it(`understand each other: ${what}`, () => {
      const agreed = shakeHands(offer, wishes);
      for (let seed = 1; seed <= 6; seed += 1) {
        const random = new Random(seed);
        const client = new Peer("client", agreed.client, random);
        const server = new Peer("server", agreed.server, random);
        const texts = ["", "Hello", "Grüße 😀", "x".repeat(3000), "ab".repeat(40_000)];
        const pieces = [10, 0, 700, 1].map((size) => random.bytes(size));
        const expected = [
          ...texts,
          ...texts,
          Buffer.concat(pieces).toString("hex"),
          "pong 0",
          "pong 1",
          "pong 2",
          "pong 3",
        ].sort();

        for (const peer of [client, server]) {
          for (const text of [...texts, ...texts]) peer.sendText(text);
          peer.sendInFragments(pieces);
        }
        carry(client, server, random);
        const [first, second] = random.pick([
          [client, server],
          [server, client],
        ]);
        first.close(4001, "enough");
        carry(client, server, random);

        assert.deepEqual(server.received.sort(), expected);
        assert.deepEqual(client.received.sort(), expected);
        assert.deepEqual([second.closing.code, second.closing.reason], [4001, "enough"]);
        assert.equal(first.closing.code, 4001);
        assert.deepEqual([client.closing.isClean, server.closing.isClean], [true, true]);
        assert.deepEqual([client.closing.mustEnd, server.closing.mustEnd], [false, true]);
      }
    });
  }
});

describe("a MessageDeflater", () => {
  it("gives large messages whole, and keeps nothing of one that was given up", () => {
    const context = new ZlibDeflater({ takesOver: false });
    const deflater = new MessageDeflater(context);
    const noise = new Random(1).bytes(300_000);

    const payload = deflater.deflate(noise);
    deflater.piece(noise, false);
    deflater.drop();
    const again = deflater.deflate(noise);

    assert.ok(payload.length > 300_000);
    assert.ok(again.equals(payload));
    assert.equal(context.openCount, 0);
    deflater.drop();
    assert.equal(context.openCount, 0);
  });

  it("hands out pieces that may be empty, and ends a message that was empty all along", () => {
    const deflater = new MessageDeflater(new ZlibDeflater());

    for (const _message of [1, 2]) {
      const pieces = [false, false, true].map((isLast) => deflater.piece(Buffer.alloc(0), isLast));

      assert.deepEqual(
        pieces.map((piece) => piece.toString("hex")),
        ["", "", "00"],
      );
    }
  });
});
