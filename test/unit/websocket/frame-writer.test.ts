import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import {
  FrameWriter,
  headBytes,
  maxTextFrameBytes,
  NO_ROOM,
} from "#src/protocol/websocket/frame-writer.js";
import { firstByteOf, MessageFraming } from "#src/protocol/websocket/message-framing.js";
import { FIN, OPCODE, type Role } from "#src/protocol/websocket/opcode.js";
import { netError } from "../../support/packet-stream.js";
import { closeBody, frame, plainFrame } from "../../support/websocket-frames.js";
import { read } from "../../support/websocket-recorder.js";

const KEY = 0x3d21fa37;
const TEXT = firstByteOf({ isText: true, isCompressed: false });
const BINARY = firstByteOf({ isText: false, isCompressed: false });
const SIZES = [0, 1, 5, 24, 25, 124, 125, 126, 127, 1000, 65_535, 65_536, 70_000];
const ROLES: readonly Role[] = ["server", "client"];

function writerOf(role: Role): FrameWriter {
  return new FrameWriter(role, () => KEY);
}

/** The plain version of what a writer of this role writes. */
function plainly(role: Role, shape: Parameters<typeof frame>[0]): Buffer {
  return role === "client" ? frame(shape) : plainFrame(shape);
}

describe("frames", () => {
  for (const role of ROLES) {
    it(`of a ${role} are what the plain version writes, of any length`, () => {
      for (const size of SIZES) {
        const payload = Buffer.alloc(size, "0123456789ab");
        const expected = plainly(role, { opcode: OPCODE.binary, payload });
        const target = Buffer.alloc(expected.length + 10, 0xaa);

        const end = writerOf(role).writeFrame(target, 7, BINARY, payload);

        assert.equal(end, 7 + expected.length);
        assert.equal(writerOf(role).frameBytes(size), expected.length);
        assert.ok(target.subarray(7, end).equals(expected), `${size} bytes`);
        assert.ok(target.subarray(end).every((octet) => octet === 0xaa));
      }
    });

    it(`of a ${role} with text are what the plain version writes, of any characters`, () => {
      const texts = [
        ...SIZES.map((size) => "a".repeat(size)),
        ...["é", "é".repeat(12), `${"a".repeat(20)}😀`, "é".repeat(62), "é".repeat(63)],
        ...["日".repeat(41), "日".repeat(42), "日".repeat(125), "日".repeat(126)],
        ...["é".repeat(32_767), "é".repeat(32_768), "日".repeat(65_535), "a\ud800b", "\udc00"],
      ];
      for (const text of texts) {
        const expected = plainly(role, { payload: Buffer.from(text) });
        for (const room of [expected.length, maxTextFrameBytes(text.length)]) {
          const target = Buffer.alloc(3 + room);

          const end = writerOf(role).writeText(target, 3, TEXT, text);

          assert.equal(end, 3 + expected.length, `${text.length} of ${text.slice(0, 2)}`);
          assert.ok(target.subarray(3, end).equals(expected));
        }
        const target = Buffer.alloc(3 + expected.length);
        const byteCount = Buffer.byteLength(text);
        const measured = writerOf(role);

        const end = measured.writeMeasuredText(target, 3, TEXT, text, byteCount);

        assert.equal(end, target.length, `${text.length} of ${text.slice(0, 2)}, measured`);
        assert.ok(target.subarray(3).equals(expected));
        assert.equal(measured.writeMeasuredText(target, 4, TEXT, text, byteCount), NO_ROOM);
      }
    });

    it(`of a ${role} are not written where there is no room`, () => {
      const writer = writerOf(role);
      for (const text of ["", "a", "é", "a".repeat(30), "é".repeat(30), "é".repeat(63)]) {
        const payload = Buffer.from(text);
        const frameBytes = writer.frameBytes(payload.length);
        for (let room = 0; room < frameBytes; room += 1) {
          const target = Buffer.alloc(2 + room);

          assert.equal(writer.writeFrame(target, 2, TEXT, payload), NO_ROOM);
          assert.equal(writer.writeText(target, 2, TEXT, text), NO_ROOM);
        }
        const head = headBytes(payload.length, role === "client");
        assert.equal(writer.writeHead(Buffer.alloc(head - 1), 0, TEXT, payload.length), NO_ROOM);
      }
      assert.equal(writer.writePayload(Buffer.alloc(5), 3, Buffer.alloc(3)), NO_ROOM);
    });

    it(`of a ${role} can be written head first, and their payload in parts`, () => {
      const payload = Buffer.from("a payload that comes in parts");
      const target = Buffer.alloc(100);
      const writer = writerOf(role);

      let end = writer.writeHead(target, 0, BINARY, payload.length);
      for (const [from, to] of [
        [0, 1],
        [1, 1],
        [1, 8],
        [8, 29],
      ] as const) {
        end = writer.writePayload(target, end, payload.subarray(from, to));
      }

      assert.deepEqual(target.subarray(0, end), plainly(role, { opcode: 2, payload }));
    });

    it(`of a ${role} close, ping and pong`, () => {
      const target = Buffer.alloc(300);
      const writer = writerOf(role);

      let end = writer.writeControl(target, 0, OPCODE.ping, Buffer.from("p"));
      end = writer.writeControl(target, end, OPCODE.pong, Buffer.alloc(125));
      end = writer.writeClose(target, end, 1000, "bye");

      const expected = [
        plainly(role, { opcode: OPCODE.ping, payload: "p" }),
        plainly(role, { opcode: OPCODE.pong, payload: Buffer.alloc(125) }),
        plainly(role, { opcode: OPCODE.close, payload: closeBody(1000, "bye") }),
      ];
      assert.deepEqual(target.subarray(0, end), Buffer.concat(expected));
    });
  }

  it("refuse what no frame can carry", () => {
    const writer = writerOf("server");
    const target = Buffer.alloc(300);

    assert.throws(
      () => writer.writeControl(target, 0, OPCODE.ping, Buffer.alloc(126)),
      netError("INVALID_ARGUMENT", /at most 125 bytes, not 126 bytes/),
    );
    assert.throws(() => new FrameWriter("client"), netError("INVALID_ARGUMENT", /source of keys/));
  });

  it("have a new key each, when they are a client's", () => {
    let key = 0;
    const writer = new FrameWriter("client", () => ++key);
    const target = Buffer.alloc(32);

    const end = writer.writeFrame(target, 0, BINARY, Buffer.of(0, 0));
    writer.writeFrame(target, end, BINARY, Buffer.of(0, 0));

    assert.deepEqual(target.subarray(2, 8), Buffer.of(1, 0, 0, 0, 1, 0));
    assert.deepEqual(target.subarray(10, 16), Buffer.of(2, 0, 0, 0, 2, 0));
  });

  it("can be as long as numbers go", () => {
    const target = Buffer.alloc(14);

    const end = writerOf("server").writeHead(target, 0, BINARY, Number.MAX_SAFE_INTEGER);

    const expected = plainFrame({ opcode: 2, length: BigInt(Number.MAX_SAFE_INTEGER) });
    assert.deepEqual(target.subarray(0, end), expected);
  });
});

describe("the framing of messages", () => {
  const text = { isText: true, isCompressed: false };
  const binary = { isText: false, isCompressed: true };

  it("puts opcode and RSV1 on the first frame, and FIN on the last", () => {
    const framing = new MessageFraming();

    assert.equal(framing.whole(text), FIN | OPCODE.text);
    assert.equal(framing.whole(binary), 0xc2);
    assert.equal(framing.fragment(binary, false), 0x42);
    assert.equal(framing.isInMessage, true);
    assert.equal(framing.fragment(binary, false), 0x00);
    assert.equal(framing.fragment(binary, true), 0x80);
    assert.equal(framing.isInMessage, false);
    assert.equal(framing.fragment(text, true), 0x81);
    assert.equal(framing.whole(text), 0x81);
  });

  it("lets no message begin inside another", () => {
    const framing = new MessageFraming();
    framing.fragment(text, false);

    assert.throws(() => framing.whole(text), netError("INVALID_STATE"));
    assert.throws(() => framing.fragment(binary, true), netError("INVALID_STATE", /another kind/));
    assert.equal(framing.fragment(text, true), 0x80);
  });
});

describe("what is written", () => {
  it("is read by the other role", () => {
    for (const role of ROLES) {
      const writer = writerOf(role);
      const framing = new MessageFraming();
      const target = Buffer.alloc(1000);
      const kind = { isText: true, isCompressed: false };
      let end = writer.writeText(target, 0, framing.fragment(kind, false), "Grü");
      end = writer.writeControl(target, end, OPCODE.ping, Buffer.alloc(0));
      end = writer.writeText(target, end, framing.fragment(kind, true), "ße");
      end = writer.writeClose(target, end, undefined);

      const seen = read([target.subarray(0, end)], {
        role: role === "server" ? "client" : "server",
      });

      assert.deepEqual(seen.events, ["begin text", "ping 0x", "text Grüße", "close 1005 "]);
    }
  });
});
