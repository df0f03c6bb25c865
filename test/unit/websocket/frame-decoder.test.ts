import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import type { NetError } from "#src/errors.js";
import { FrameDecoder } from "#src/protocol/websocket/frame-decoder.js";
import { createLimits } from "#src/protocol/websocket/limits.js";
import { MessageDeflater } from "#src/protocol/websocket/message-deflater.js";
import { OPCODE } from "#src/protocol/websocket/opcode.js";
import { DELIVERY, type WebSocketSink } from "#src/protocol/websocket/websocket-sink.js";
import { closeBody, frame, plainFrame } from "../../support/websocket-frames.js";
import { read } from "../../support/websocket-recorder.js";
import { ZlibDeflater, ZlibInflater } from "../../support/websocket-zlib.js";

type Calls = Partial<WebSocketSink>;

const MIB = 1_048_576;

/** A sink that does what is given, and else nothing. */
function sinkWith(calls: Calls): WebSocketSink {
  return {
    onMessage: () => true,
    onPing: () => true,
    onPong: () => true,
    onClose: () => undefined,
    onError: (error: NetError) => {
      throw error;
    },
    ...calls,
  };
}

function compressedFrame(message: Buffer, opcode: number = OPCODE.binary): Buffer {
  const deflater = new MessageDeflater(new ZlibDeflater({ takesOver: false }));
  return frame({ rsv: 4, opcode, payload: deflater.deflate(message) });
}

describe("memory", () => {
  it("hands out a message that lies whole in the fed bytes where it lies", () => {
    const bytes = frame({ opcode: OPCODE.binary, payload: Buffer.alloc(1000, "a") });
    const decoder = new FrameDecoder({ role: "server" });
    let seen: Buffer | undefined;

    decoder.feed(
      bytes,
      sinkWith({
        onMessage: (message, isText, isOwn) => {
          assert.deepEqual([isText, isOwn], [false, false]);
          seen = message;
          return true;
        },
      }),
    );

    assert.equal(seen?.buffer, bytes.buffer);
    assert.equal(seen?.byteOffset, bytes.byteOffset + 8);
    assert.equal(decoder.heldBytes, 0);
  });

  it("hands out one that was cut in memory of its own, of its length", () => {
    const bytes = frame({ opcode: OPCODE.binary, payload: Buffer.alloc(1000, "a") });
    const decoder = new FrameDecoder({ role: "server" });
    let seen: Buffer | undefined;
    const sink = sinkWith({
      onMessage: (message, _isText, isOwn) => {
        assert.equal(isOwn, true);
        seen = message;
        return true;
      },
    });

    decoder.feed(bytes.subarray(0, 600), sink);
    decoder.feed(bytes.subarray(600), sink);

    assert.equal(seen?.length, 1000);
    assert.equal(seen?.buffer.byteLength, 1000);
    assert.equal(decoder.heldBytes, 0);
  });

  it("holds at most twice the bytes of tiny fragments, on the wire and in all", () => {
    const decoder = new FrameDecoder({ role: "client" });
    const sink = sinkWith({});
    const first = plainFrame({ fin: false, opcode: OPCODE.binary, payload: "a" });
    const next = plainFrame({ fin: false, opcode: OPCODE.continuation, payload: "a" });
    decoder.feed(first, sink);

    for (let count = 2; count <= 100_000; count += 1) {
      decoder.feed(Buffer.from(next), sink);
      assert.ok(decoder.heldBytes <= Math.max(64, count * 2), `${decoder.heldBytes}`);
    }
  });

  it("holds nothing for empty fragments, nor for a length that is only announced", () => {
    const decoder = new FrameDecoder({ role: "client" });
    const sink = sinkWith({});
    decoder.feed(plainFrame({ fin: false }), sink);
    for (let count = 0; count < 1000; count += 1) {
      decoder.feed(plainFrame({ fin: false, opcode: OPCODE.continuation }), sink);
    }
    assert.equal(decoder.heldBytes, 0);

    decoder.feed(plainFrame({ opcode: OPCODE.continuation, length: 10_000_000 }), sink);
    assert.equal(decoder.heldBytes, 0);
    decoder.feed(Buffer.alloc(10), sink);
    assert.equal(decoder.heldBytes, 64);
  });

  it("holds no more of a ping that is cut than came of it", () => {
    const decoder = new FrameDecoder({ role: "client" });
    const ping = plainFrame({ opcode: OPCODE.ping, payload: Buffer.alloc(100) });

    decoder.feed(ping.subarray(0, 12), sinkWith({}));
    assert.equal(decoder.heldBytes, 64);
    decoder.feed(ping.subarray(12), sinkWith({}));

    assert.equal(decoder.heldBytes, 0);
  });

  it("holds nothing of a message in pieces, nor does it need a sink that wants them", () => {
    const decoder = new FrameDecoder({ role: "client" });
    let ends = 0;
    const sink = sinkWith({
      onMessageBegin: () => DELIVERY.pieces,
      onMessageEnd: () => ++ends > 0,
    });
    const bytes = plainFrame({ payload: Buffer.alloc(1000, "a") });

    decoder.feed(bytes.subarray(0, 500), sink);
    assert.equal(decoder.heldBytes, 0);
    decoder.feed(bytes.subarray(500), sink);

    assert.equal(ends, 1);
  });

  it("holds a compressed message as it travels, not as what it inflates to", () => {
    const stream = compressedFrame(Buffer.alloc(5_000_000));
    const decoder = new FrameDecoder({ role: "server", inflater: new ZlibInflater() });

    decoder.feed(stream.subarray(0, stream.length - 1), sinkWith({}));

    assert.ok(decoder.heldBytes <= 2 * stream.length);
  });

  it("takes a message in many pieces in linear time", () => {
    const piece = Buffer.alloc(100, "a");
    const decoder = new FrameDecoder({
      role: "client",
      limits: createLimits({ maxFragments: 1_000_000 }),
    });
    let bytes = 0;
    const sink = sinkWith({
      onMessage: (message) => {
        bytes = message.length;
        return true;
      },
    });
    const next = plainFrame({ fin: false, opcode: OPCODE.continuation, payload: piece });
    const before = process.cpuUsage();

    decoder.feed(plainFrame({ fin: false, opcode: OPCODE.binary, payload: piece }), sink);
    for (let count = 0; count < 100_000; count += 1) decoder.feed(next, sink);
    decoder.feed(plainFrame({ opcode: OPCODE.continuation }), sink);
    while (decoder.isInflating) decoder.feed(Buffer.alloc(0), sink);

    const { user } = process.cpuUsage(before);
    assert.equal(bytes, 10_000_100);
    assert.ok(user < 3_000_000, `${user} µs`);
  });
});

describe("texts that are cut", () => {
  it("lie in memory that is used again where the sink makes strings of them, and else in their own", () => {
    const memories: ArrayBufferLike[] = [];
    const texts: string[] = [];
    const sink = sinkWith({
      onTextMessage: (bytes, start, end) => {
        memories.push(bytes.buffer);
        texts.push(bytes.toString("utf8", start, end));
        return true;
      },
    });
    const own: Buffer[] = [];
    const keeper = sinkWith({
      onMessage: (bytes) => {
        own.push(bytes);
        return true;
      },
    });
    const feed = (payload: string, to: WebSocketSink): void => {
      const decoder = new FrameDecoder({ role: "server" });
      const cut = frame({ payload });
      decoder.feed(cut.subarray(0, 100), to);
      decoder.feed(cut.subarray(100), to);
    };

    for (const letter of ["a", "b", "é"])
      feed(letter.repeat(letter === "é" ? 5_000 : 10_000), sink);
    for (const letter of ["c", "d"]) feed(letter.repeat(10_000), keeper);
    feed("e".repeat(10_000), sink);

    assert.equal(new Set(memories).size <= 2, true);
    assert.equal(memories[1], memories[0]);
    assert.deepEqual(texts, [
      "a".repeat(10_000),
      "b".repeat(10_000),
      "é".repeat(5_000),
      "e".repeat(10_000),
    ]);
    assert.deepEqual(own.map(String), ["c".repeat(10_000), "d".repeat(10_000)]);
    assert.notEqual(own[0]?.buffer, own[1]?.buffer);
  });
});

describe("texts", () => {
  it("are handed out as places to a sink that wants them so, told whether they are ASCII", () => {
    const texts: unknown[] = [];
    const decoder = new FrameDecoder({ role: "server" });
    const sink = sinkWith({
      onTextMessage: (bytes, start, end, isAscii) => {
        texts.push([bytes.toString("utf8", start, end), isAscii]);
        return true;
      },
      onMessage: (bytes, isText) => {
        texts.push([bytes.toString(), isText]);
        return true;
      },
    });
    const long = "x".repeat(3000);

    for (const payload of ["plain", "ünï", long, ""]) decoder.feed(frame({ payload }), sink);
    const cut = frame({ payload: "cut" });
    decoder.feed(cut.subarray(0, 7), sink);
    decoder.feed(cut.subarray(7), sink);

    assert.deepEqual(texts, [
      ["plain", true],
      ["ünï", false],
      [long, true],
      ["", true],
      ["cut", false],
    ]);
  });
});

describe("the frame that is being read", () => {
  it("can be looked at, as HP-Socket's state of the current message", () => {
    const decoder = new FrameDecoder({ role: "server" });
    const bytes = frame({ fin: false, opcode: OPCODE.binary, payload: Buffer.alloc(10) });

    decoder.feed(bytes.subarray(0, 9), sinkWith({}));

    const { isFinal, reservedBits, opcode, maskKey, payloadBytes, remainingBytes } = decoder.frame;
    assert.deepEqual(
      { isFinal, reservedBits, opcode, maskKey, payloadBytes, remainingBytes },
      {
        isFinal: false,
        reservedBits: 0,
        opcode: OPCODE.binary,
        maskKey: Buffer.from("37fa213d", "hex"),
        payloadBytes: 10,
        remainingBytes: 7,
      },
    );
    assert.equal(decoder.isInMessage, true);
  });

  it("has no key of a server's frame", () => {
    const decoder = new FrameDecoder({ role: "client" });

    decoder.feed(plainFrame({ payload: "a" }), sinkWith({}));

    assert.equal(decoder.frame.maskKey, undefined);
    assert.equal(decoder.isInMessage, false);
  });
});

describe("the end", () => {
  it("comes once: what follows a fault or a Close frame is taken and thrown away", () => {
    for (const last of [
      frame({ opcode: 3 }),
      frame({ opcode: OPCODE.close, payload: closeBody(1000) }),
    ]) {
      const decoder = new FrameDecoder({ role: "server" });
      let ends = 0;
      const sink = sinkWith({ onClose: () => ends++, onError: () => ends++ });
      const bytes = Buffer.concat([last, frame({ payload: "a" })]);

      assert.equal(decoder.feed(bytes, sink), bytes.length);
      assert.equal(decoder.feed(frame({ opcode: 4 }), sink), 6);
      decoder.end(sink);

      assert.equal(decoder.isDone, true);
      assert.equal(ends, 1);
    }
  });

  it("passes on what a sink throws", () => {
    const decoder = new FrameDecoder({ role: "server" });
    const sink = sinkWith({
      onMessage: () => {
        throw new RangeError("mine");
      },
    });

    assert.throws(() => decoder.feed(frame(), sink), RangeError);
  });

  const piecewise: Calls = { onMessageBegin: () => DELIVERY.pieces };
  const places: readonly (keyof WebSocketSink)[] = [
    "onFrameHead",
    "onFramePayload",
    "onFrameEnd",
    "onMessageBegin",
    "onMessage",
    "onMessagePiece",
    "onMessageEnd",
    "onPing",
  ];
  for (const place of places) {
    for (const isCompressed of [false, true]) {
      it(`can come from a sink that drops everything in ${place}, compressed: ${isCompressed}`, () => {
        const inflater = new ZlibInflater();
        const decoder = new FrameDecoder({ role: "server", inflater });
        const later: string[] = [];
        let isDropped = false;
        const note = (name: string): void => {
          if (isDropped) later.push(name);
          if (name !== place) return;
          decoder.drop();
          isDropped = true;
        };
        const wantsPieces = place.startsWith("onMessage") && place !== "onMessage";
        const sink = sinkWith({
          ...(wantsPieces ? piecewise : {}),
          ...Object.fromEntries(
            places
              .filter((name) => name !== "onMessageBegin" || wantsPieces)
              .map((name) => [
                name,
                () => {
                  note(name);
                  return name === "onMessageBegin" ? DELIVERY.pieces : true;
                },
              ]),
          ),
        });
        const payload = Buffer.alloc(100_000, "a");
        const message = isCompressed
          ? compressedFrame(payload)
          : frame({ opcode: OPCODE.binary, payload });
        const stream = Buffer.concat([frame({ opcode: OPCODE.ping }), message, message]);

        const taken = decoder.feed(stream, sink);

        assert.equal(isDropped, true);
        assert.equal(taken, stream.length);
        assert.deepEqual(later, []);
        assert.equal(inflater.openCount, 0);
        assert.deepEqual([decoder.isDone, decoder.isInflating], [true, false]);
      });
    }
  }
});

describe("inflating", () => {
  const limits = createLimits({ maxInflatedBytesPerTurn: 100_000, maxMessageBytes: 50_000_000 });

  it("stops where the turn's bytes are used up, and goes on in the next", () => {
    const stream = Buffer.concat([compressedFrame(Buffer.alloc(1_000_000)), frame()]);
    const decoder = new FrameDecoder({ role: "server", limits, inflater: new ZlibInflater() });
    let messages = 0;
    const sink = sinkWith({ onMessage: () => ++messages > 0 });

    let taken = decoder.feed(stream, sink);
    assert.equal(taken, stream.length - 6);
    let turns = 1;
    for (; decoder.isInflating; turns += 1) {
      assert.equal(messages, 0);
      taken += decoder.feed(stream.subarray(taken), sink);
    }

    assert.ok(turns >= 10 && turns <= 14, `${turns} turns`);
    assert.equal(messages, 2);
    assert.equal(taken, stream.length);
  });

  it("goes on without new bytes", () => {
    const decoder = new FrameDecoder({ role: "server", limits, inflater: new ZlibInflater() });
    let bytes = 0;
    const sink = sinkWith({
      ...{ onMessageBegin: () => DELIVERY.pieces },
      onMessagePiece: (piece) => {
        bytes += piece.length;
        return true;
      },
    });

    decoder.feed(compressedFrame(Buffer.alloc(350_000)), sink);
    while (decoder.isInflating) assert.equal(decoder.feed(Buffer.alloc(0), sink), 0);

    assert.equal(bytes, 350_000);
    assert.equal(decoder.isInMessage, false);
  });

  for (const isCompressed of [false, true]) {
    it(`puts a large message that is ${isCompressed ? "inflated" : "cut"} together in turns`, () => {
      const message = Buffer.alloc(5 * MIB, "five MiB ");
      const stream = isCompressed
        ? compressedFrame(message)
        : frame({ opcode: OPCODE.binary, payload: message });
      const inflater = isCompressed ? new ZlibInflater() : undefined;
      // All is inflated in one turn, so that those that follow are of joining alone.
      const all = createLimits({ maxInflatedBytesPerTurn: 2 ** 32, maxInflateRatio: 10_000 });
      const decoder = new FrameDecoder({ role: "server", limits: all, inflater });
      let seen: Buffer | undefined;
      const sink = sinkWith({
        onMessage: (whole) => {
          seen = Buffer.from(whole);
          return true;
        },
      });

      for (let at = 0; at < stream.length; at += 65_536) {
        const chunk = Buffer.from(stream.subarray(at, at + 65_536));
        assert.equal(decoder.feed(chunk, sink), chunk.length);
      }
      let turns = 1;
      for (; decoder.isInflating; turns++) decoder.feed(Buffer.alloc(0), sink);

      assert.equal(turns, 10);
      assert.ok(seen?.equals(message));
    });
  }

  it("stops behind each piece where the sink says so", () => {
    const decoder = new FrameDecoder({ role: "server", inflater: new ZlibInflater() });
    let pieces = 0;
    let isEnded = false;
    const sink = sinkWith({
      onMessageBegin: () => DELIVERY.pieces,
      onMessagePiece: () => {
        pieces += 1;
        return false;
      },
      onMessageEnd: () => {
        isEnded = true;
        return true;
      },
    });
    const stream = compressedFrame(Buffer.alloc(50_000));

    const taken = decoder.feed(stream, sink);
    assert.equal(pieces, 1);
    while (decoder.isInflating) decoder.feed(stream.subarray(taken), sink);

    assert.ok(pieces >= 4);
    assert.equal(isEnded, true);
  });

  it("counts steps that yield nothing to the turn too", () => {
    // Final blocks, each empty: two bytes that make zlib begin anew.
    const payload = Buffer.alloc(20_000, Buffer.of(0x03, 0x00));
    const stream = frame({ rsv: 4, opcode: OPCODE.binary, payload });
    const inflater = new ZlibInflater();
    const decoder = new FrameDecoder({ role: "server", limits, inflater });
    const sink = sinkWith({});

    decoder.feed(stream, sink);
    assert.ok(inflater.stepCount < 500, `${inflater.stepCount} steps`);
    while (decoder.isInflating) decoder.feed(Buffer.alloc(0), sink);

    assert.ok(inflater.stepCount >= 10_000);
  });

  it("ends a bomb at the limit of messages, in bounded turns", () => {
    const bomb = compressedFrame(Buffer.alloc(60_000_000));
    const inflater = new ZlibInflater();
    const seen = read([bomb], { inflater: () => inflater, limits });

    assert.equal(seen.fault, "messageTooLong");
    assert.ok(seen.extraTurns >= 490, `${seen.extraTurns} turns`);
    assert.equal(inflater.openCount, 0);
  });

  it("needs one step for a message of the usual size", () => {
    const inflater = new ZlibInflater();

    const seen = read([compressedFrame(Buffer.alloc(1000, "abc"))], { inflater: () => inflater });

    assert.equal(seen.messages.length, 1);
    assert.equal(inflater.stepCount, 1);
  });

  it("compares the size of a compressed message with what it may inflate to, and a little more", () => {
    const small = createLimits({ maxMessageBytes: 1000 });
    const inflater = () => new ZlibInflater();
    const stored = (bytes: number): Buffer => {
      const deflater = new MessageDeflater(new ZlibDeflater({ level: 0 }));
      return frame({ rsv: 4, opcode: 2, payload: deflater.deflate(Buffer.alloc(bytes)) });
    };

    assert.equal(read([stored(1000)], { inflater, limits: small }).fault, undefined);
    const head = frame({ rsv: 4, opcode: 2, length: 2200 });
    assert.equal(read([head], { inflater, limits: small }).fault, "messageTooLong");
  });
});
