/** RFC 7692 in its own order. The deflate that is handed in is Node's zlib, as decision 0013 has it. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { constants, deflateRawSync } from "node:zlib";
import { checkUpgradeResponse } from "#src/protocol/websocket/client-handshake.js";
import {
  acceptDeflate,
  checkDeflate,
  type DeflateAgreement,
  type DeflateWishes,
  offerDeflate,
} from "#src/protocol/websocket/deflate-agreement.js";
import { MESSAGE_TAIL, stripTail } from "#src/protocol/websocket/deflate-context.js";
import { closeCodeOfError, type FaultName } from "#src/protocol/websocket/fault.js";
import { isHandshakeFault } from "#src/protocol/websocket/handshake-fault.js";
import { parseExtensions, writeExtensions } from "#src/protocol/websocket/header-list.js";
import { createLimits } from "#src/protocol/websocket/limits.js";
import { MessageDeflater } from "#src/protocol/websocket/message-deflater.js";
import { OPCODE } from "#src/protocol/websocket/opcode.js";
import { netError } from "../support/packet-stream.js";
import { Random } from "../support/random.js";
import { frame, hex } from "../support/websocket-frames.js";
import { fieldsOf, SWITCHED, sha1 } from "../support/websocket-handshake.js";
import { type ReadOptions, read, readEveryWay } from "../support/websocket-recorder.js";
import { type ContextOptions, ZlibDeflater, ZlibInflater } from "../support/websocket-zlib.js";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const RSV1 = 4;
const HELLO = "f2 48 cd c9 c9 07 00";

const INFLATES: ReadOptions = { inflater: () => new ZlibInflater() };
const NO_TAKE_OVER: ReadOptions = { inflater: () => new ZlibInflater({ takesOver: false }) };

/** What a server agrees to, as it writes it; undefined: it declines. */
function accepted(offers: string, wishes: DeflateWishes = {}): string | undefined {
  const extensions = parseExtensions([offers]);
  assert.ok(extensions !== undefined);
  const choice = acceptDeflate(extensions, wishes);
  return choice === undefined ? undefined : writeExtensions([choice.response]);
}

function agreed(offers: string, wishes: DeflateWishes = {}): DeflateAgreement | undefined {
  return acceptDeflate(parseExtensions([offers])!, wishes)?.agreement;
}

/** What a client makes of a response. */
function checked(response: string, ...offers: DeflateWishes[]): DeflateAgreement | undefined {
  return checkDeflate(parseExtensions([response])![0]!, offers);
}

const compressed = (payload: Buffer | string): Buffer =>
  frame({ rsv: RSV1, payload: typeof payload === "string" ? hex(payload) : payload });

function refuses(
  what: string,
  frames: readonly Buffer[],
  fault: FaultName,
  options: ReadOptions = INFLATES,
): void {
  it(`refuses ${what}`, () => {
    assert.equal(readEveryWay(Buffer.concat(frames), options).fault, fault);
  });
}

describe("RFC 7692 §5 negotiation", () => {
  it("goes without compression where the server does not mention it", () => {
    const lines = [
      ["Upgrade", "websocket"],
      ["Connection", "Upgrade"],
      ["Sec-WebSocket-Accept", ACCEPT],
    ] as const;

    const result = checkUpgradeResponse(
      SWITCHED,
      fieldsOf(lines),
      { key: KEY, deflate: [{}] },
      sha1,
    );

    assert.deepEqual(result, { protocol: undefined, deflate: undefined });
  });

  for (const [extensions, fault] of [
    ["permessage-deflate, permessage-deflate", "extensionSeveral"],
    ["x-webkit-deflate-frame", "extensionNotOffered"],
    ["permessage-deflate, x", "extensionNotOffered"],
    ["permessage-deflate; x", "deflateParameters"],
    ["permessage-deflate; server_max_window_bits=16", "deflateParameters"],
    ["permessage-deflate; client_max_window_bits=7", "deflateParameters"],
    ['permessage-deflate; server_max_window_bits="a b"', "extensionsMalformed"],
    ["permessage-deflate; =", "extensionsMalformed"],
  ] as const) {
    it(`fails with a response of ${extensions}`, () => {
      const lines = [
        ["Upgrade", "websocket"],
        ["Connection", "Upgrade"],
        ["Sec-WebSocket-Accept", ACCEPT],
        ["Sec-WebSocket-Extensions", extensions],
      ] as const;

      const result = checkUpgradeResponse(
        SWITCHED,
        fieldsOf(lines),
        { key: KEY, deflate: [{}] },
        sha1,
      );

      assert.ok(isHandshakeFault(result));
      assert.equal(result.fault, fault);
    });
  }

  it("fails with a response that has the field twice", () => {
    const lines = [
      ["Upgrade", "websocket"],
      ["Connection", "Upgrade"],
      ["Sec-WebSocket-Accept", ACCEPT],
      ["Sec-WebSocket-Extensions", "permessage-deflate"],
      ["Sec-WebSocket-Extensions", ""],
    ] as const;
    const offer = { key: KEY, deflate: [{}] };

    const result = checkUpgradeResponse(SWITCHED, fieldsOf(lines), offer, sha1);

    assert.ok(isHandshakeFault(result));
    assert.equal(result.fault, "extensionsRepeated");
  });

  it("takes the first offer that can be fulfilled, whatever stands before", () => {
    const offers =
      "x; y=1, permessage-deflate; unknown, permessage-deflate; server_max_window_bits=10, permessage-deflate";

    assert.equal(accepted(offers), "permessage-deflate; server_max_window_bits=10");
  });

  it("declines where there is no offer of it", () => {
    assert.equal(accepted("x-webkit-deflate-frame; no_context_takeover"), undefined);
    assert.equal(acceptDeflate([]), undefined);
  });
});

describe("RFC 7692 §6 RSV1", () => {
  refuses("RSV1 where nothing was agreed on", [compressed(HELLO)], "reservedBits", {});
  for (const rsv of [1, 2, 3, 5, 6, 7]) {
    refuses(`reserved bits ${rsv}`, [frame({ rsv })], "reservedBits");
  }
  for (const opcode of [OPCODE.ping, OPCODE.pong, OPCODE.close]) {
    refuses(`RSV1 on opcode ${opcode}`, [frame({ rsv: RSV1, opcode })], "compressedControl");
  }
  refuses(
    "RSV1 on a frame that continues a compressed message",
    [frame({ fin: false, rsv: RSV1, payload: hex("f2 48") }), frame({ rsv: RSV1, opcode: 0 })],
    "compressedContinuation",
  );
  refuses(
    "RSV1 on one that continues a plain message",
    [frame({ fin: false }), frame({ rsv: RSV1, opcode: 0 })],
    "compressedContinuation",
  );

  it("reads plain messages beside compressed ones", () => {
    const stream = [frame({ payload: "a" }), compressed(HELLO), frame({ payload: "b" })];

    const seen = readEveryWay(Buffer.concat(stream), INFLATES);

    assert.deepEqual(seen.messages, ["a", "Hello", "b"]);
  });

  it("leaves control frames between compressed fragments as they are", () => {
    const stream = [
      frame({ fin: false, rsv: RSV1, payload: hex("f2 48") }),
      frame({ opcode: OPCODE.ping, payload: hex(HELLO) }),
      frame({ opcode: 0, payload: hex("cd c9 c9 07 00") }),
    ];

    const seen = readEveryWay(Buffer.concat(stream), INFLATES);

    assert.ok(seen.events.includes("ping 0xf248cdc9c90700"));
    assert.deepEqual(seen.messages, ["Hello"]);
  });
});

describe("RFC 7692 §7.1 parameters of an offer", () => {
  for (const [offer, response] of [
    ["permessage-deflate", "permessage-deflate"],
    ["Permessage-Deflate", "permessage-deflate"],
    [
      "permessage-deflate; server_no_context_takeover",
      "permessage-deflate; server_no_context_takeover",
    ],
    [
      "permessage-deflate; client_no_context_takeover",
      "permessage-deflate; client_no_context_takeover",
    ],
    [
      "permessage-deflate; server_max_window_bits=8",
      "permessage-deflate; server_max_window_bits=8",
    ],
    [
      "permessage-deflate; server_max_window_bits=15",
      "permessage-deflate; server_max_window_bits=15",
    ],
    [
      'permessage-deflate; server_max_window_bits="10"',
      "permessage-deflate; server_max_window_bits=10",
    ],
    ["permessage-deflate; client_max_window_bits", "permessage-deflate"],
    ["permessage-deflate; client_max_window_bits=15", "permessage-deflate"],
    [
      "permessage-deflate; client_max_window_bits=9",
      "permessage-deflate; client_max_window_bits=9",
    ],
    [
      "permessage-deflate;client_max_window_bits ; server_max_window_bits = 12;server_no_context_takeover",
      "permessage-deflate; server_no_context_takeover; server_max_window_bits=12",
    ],
  ] as const) {
    it(`agrees to ${offer}`, () => assert.equal(accepted(offer), response));
  }

  for (const parameters of [
    "unknown",
    "unknown=1",
    "server_no_context_takeover=1",
    'server_no_context_takeover="true"',
    "client_no_context_takeover=0",
    "server_max_window_bits",
    "server_max_window_bits=7",
    "server_max_window_bits=16",
    "server_max_window_bits=08",
    "server_max_window_bits=1",
    "server_max_window_bits=-8",
    "server_max_window_bits=8.0",
    "server_max_window_bits=0x9",
    "server_max_window_bits=999999999999",
    "client_max_window_bits=7",
    "client_max_window_bits=16",
    "client_max_window_bits=010",
    "client_max_window_bits=x",
    "server_no_context_takeover; server_no_context_takeover",
    "client_no_context_takeover; client_no_context_takeover",
    "server_max_window_bits=10; server_max_window_bits=10",
    "client_max_window_bits; client_max_window_bits",
    "client_max_window_bits=10; client_max_window_bits",
    "Server_no_context_takeover",
  ]) {
    it(`declines ${parameters}`, () => {
      assert.equal(accepted(`permessage-deflate; ${parameters}`), undefined);
    });

    it(`fails with a response of ${parameters}`, () => {
      assert.equal(checked(`permessage-deflate; ${parameters}`, {}), undefined);
    });
  }

  it("§7.1.1 takes a server's wish for no take-over on either side", () => {
    assert.equal(
      accepted("permessage-deflate", {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
      }),
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    );
  });

  it("§7.1.2 takes the smaller of both windows", () => {
    const wishes = { serverMaxWindowBits: 11, clientMaxWindowBits: 10 };
    const offer = (bits: number): string =>
      `permessage-deflate; server_max_window_bits=${bits}; client_max_window_bits=${bits}`;

    assert.deepEqual(agreed(offer(9), wishes), {
      serverNoContextTakeover: false,
      clientNoContextTakeover: false,
      serverMaxWindowBits: 9,
      clientMaxWindowBits: 9,
    });
    assert.equal(agreed(offer(15), wishes)?.serverMaxWindowBits, 11);
    assert.equal(agreed(offer(15), wishes)?.clientMaxWindowBits, 10);
  });

  it("§7.1.2.2 limits no client that has not said that it can", () => {
    const wishes = { clientMaxWindowBits: 10 };

    assert.equal(accepted("permessage-deflate", wishes), "permessage-deflate");
    assert.equal(agreed("permessage-deflate", wishes)?.clientMaxWindowBits, 15);
    assert.equal(
      accepted("permessage-deflate; client_max_window_bits", wishes),
      "permessage-deflate; client_max_window_bits=10",
    );
  });

  it("offers what a client wishes, in its order", () => {
    const offers = [
      { serverMaxWindowBits: 10, clientMaxWindowBits: 9, serverNoContextTakeover: true },
      { clientNoContextTakeover: true },
    ];

    assert.equal(
      writeExtensions(offers.map(offerDeflate)),
      "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; " +
        "client_max_window_bits=9, " +
        "permessage-deflate; client_no_context_takeover; client_max_window_bits",
    );
  });

  for (const wishes of [
    { serverMaxWindowBits: 7 },
    { serverMaxWindowBits: 16 },
    { clientMaxWindowBits: 8.5 },
    { clientMaxWindowBits: "9" as unknown as number },
    { serverNoContextTakeover: 1 as unknown as boolean },
    { windowBits: 9 } as DeflateWishes,
  ]) {
    it(`refuses to wish ${JSON.stringify(wishes)}`, () => {
      assert.throws(() => offerDeflate(wishes), netError("INVALID_ARGUMENT"));
      assert.throws(() => acceptDeflate([], wishes), netError("INVALID_ARGUMENT"));
    });
  }
});

describe("RFC 7692 §7.1 parameters of a response", () => {
  it("means the defaults where it has none", () => {
    assert.deepEqual(checked("permessage-deflate", {}), {
      serverNoContextTakeover: false,
      clientNoContextTakeover: false,
      serverMaxWindowBits: 15,
      clientMaxWindowBits: 15,
    });
  });

  it("may say what the client has not asked for", () => {
    assert.deepEqual(
      checked(
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=10",
        {},
      ),
      {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        serverMaxWindowBits: 9,
        clientMaxWindowBits: 10,
      },
    );
  });

  it("§7.1.1.1 must grant server_no_context_takeover where it was asked for", () => {
    const wishes = { serverNoContextTakeover: true };

    assert.equal(checked("permessage-deflate", wishes), undefined);
    assert.ok(checked("permessage-deflate; server_no_context_takeover", wishes));
  });

  it("§7.1.1.2 leaves it to the client to do without its context", () => {
    const agreement = checked("permessage-deflate", { clientNoContextTakeover: true });

    assert.equal(agreement?.clientNoContextTakeover, true);
  });

  it("§7.1.2.1 must grant server_max_window_bits, or less", () => {
    const wishes = { serverMaxWindowBits: 10 };

    assert.equal(checked("permessage-deflate", wishes), undefined);
    assert.equal(checked("permessage-deflate; server_max_window_bits=11", wishes), undefined);
    assert.ok(checked("permessage-deflate; server_max_window_bits=10", wishes));
    assert.ok(checked("permessage-deflate; server_max_window_bits=8", wishes));
  });

  it("§7.1.2.2 must give client_max_window_bits a value, and the client keeps to the smaller", () => {
    assert.equal(checked("permessage-deflate; client_max_window_bits", {}), undefined);
    const agreement = checked("permessage-deflate; client_max_window_bits=12", {
      clientMaxWindowBits: 10,
    });
    assert.equal(agreement?.clientMaxWindowBits, 10);
  });

  it("may answer any of several offers", () => {
    const offers = [{ serverMaxWindowBits: 9 }, { serverNoContextTakeover: true }, {}];

    assert.equal(checked("permessage-deflate", ...offers)?.serverMaxWindowBits, 15);
    assert.equal(checked("permessage-deflate", ...offers.slice(0, 2)), undefined);
  });
});

describe("RFC 7692 §7.2 messages", () => {
  it("§7.2.1 and §7.2.2 leave off a tail, and put it back", () => {
    const bytes = Buffer.concat([hex(HELLO), MESSAGE_TAIL]);

    assert.deepEqual(stripTail(bytes), hex(HELLO));
    assert.deepEqual(Buffer.concat([hex(HELLO), MESSAGE_TAIL]), bytes);
  });

  it("§7.2.3.1 reads a message compressed in one block, in one frame and in two", () => {
    const fragments = [
      frame({ fin: false, rsv: RSV1, payload: hex("f2 48 cd") }),
      frame({ opcode: 0, payload: hex("c9 c9 07 00") }),
    ];

    const seen = readEveryWay(Buffer.concat([compressed(HELLO), ...fragments]), INFLATES);

    assert.deepEqual(seen.messages, ["Hello", "Hello"]);
  });

  it("§7.2.3.2 reads a message that refers to the one before", () => {
    const stream = Buffer.concat([compressed(HELLO), compressed("f2 00 11 00 00")]);

    assert.deepEqual(readEveryWay(stream, INFLATES).messages, ["Hello", "Hello"]);
  });

  it("§7.2.3.2 refuses it where no context was to be taken over", () => {
    const stream = Buffer.concat([compressed(HELLO), compressed("f2 00 11 00 00")]);

    const seen = readEveryWay(stream, NO_TAKE_OVER);

    assert.deepEqual(seen.messages, ["Hello"]);
    assert.equal(seen.fault, "content");
    assert.equal(closeCodeOfError(seen.error!), 1007);
  });

  for (const [section, digits, text] of [
    ["§7.2.3.3 a block without compression", "00 05 00 fa ff 48 65 6c 6c 6f 00", "Hello"],
    ["§7.2.3.4 a final block", "f3 48 cd c9 c9 07 00 00", "Hello"],
    ["a final block that owes the empty one", "f3 48 cd c9 c9 07 00", "Hello"],
    [
      "final blocks one behind the other",
      "f3 48 cd c9 c9 07 00 f3 48 cd c9 c9 07 00 00",
      "HelloHello",
    ],
    ["§7.2.3.5 two blocks", "f2 48 05 00 00 00 ff ff ca c9 c9 07 00", "Hello"],
    ["§7.2.3.6 an empty message", "00", ""],
    ["an empty message of two blocks", "02 00", ""],
  ] as const) {
    it(`reads ${section}, and goes on behind it`, () => {
      const stream = Buffer.concat([compressed(digits), compressed(digits), compressed(HELLO)]);

      for (const options of [INFLATES, NO_TAKE_OVER]) {
        assert.deepEqual(readEveryWay(stream, options).messages, [text, text, "Hello"]);
      }
    });
  }

  refuses("a block of no type", [compressed("07 00")], "content");
  refuses("a stored block whose length is wrong", [compressed("00 05 00 00 00 00")], "content");
  refuses("a distance further back than the beginning", [compressed("02 02 00")], "content");
  refuses("noise", [compressed("ff ff ff ff ff")], "content");
  refuses("a stored block that is cut", [compressed("00 64 00 9b ff 61 62 63")], "content");
  refuses("the head of a stored block alone", [compressed("00 64 00 9b ff")], "content");
  refuses("the tail alone", [compressed("00 00 ff ff")], "content");
  refuses("a final block that is cut", [compressed("f3 48 cd c9 c9 07")], "content");
  refuses("a final block, and noise", [compressed("f3 48 cd c9 c9 07 00 02")], "content");

  for (const [kind, strategy] of [
    ["fixed", constants.Z_FIXED],
    ["dynamic", constants.Z_DEFAULT_STRATEGY],
  ] as const) {
    it(`refuses a block of ${kind} codes that is cut anywhere`, () => {
      const bytes = Buffer.from(Array.from({ length: 300 }, (_, at) => (at * 7_919) % 61));
      const whole = stripTail(
        deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, strategy }),
      );

      for (const options of [INFLATES, NO_TAKE_OVER]) {
        for (let length = 1; length < whole.length; length++) {
          const payload = whole.subarray(0, length);

          const seen = read([frame({ rsv: RSV1, opcode: OPCODE.binary, payload })], options);

          assert.deepEqual([seen.messages, seen.fault], [[], "content"], `${length} bytes`);
        }
      }
    });
  }

  it("takes a message without any bytes for an empty one, and goes on behind it", () => {
    const stream = Buffer.concat([compressed(""), compressed(HELLO), compressed("f2 00 11 00 00")]);

    assert.deepEqual(readEveryWay(stream, INFLATES).messages, ["", "Hello", "Hello"]);
  });
  refuses(
    "text that is no UTF-8, compressed",
    [compressed(stripTail(deflated(hex("61 f4 90"))))],
    "text",
  );
  refuses(
    "text that is cut, compressed",
    [compressed(stripTail(deflated(hex("61 f0 9f"))))],
    "textCut",
  );

  it("refuses a message that refers further back than the window that was agreed on", () => {
    const deflater = new MessageDeflater(new ZlibDeflater());
    const noise = new Random(3).bytes(600);
    const stream = [whole(deflater, noise), whole(deflater, noise)];

    assert.equal(read(stream, INFLATES).fault, undefined);
    const small = { inflater: () => new ZlibInflater({ windowBits: 9 }) };
    const seen = read(stream, small);
    assert.equal(seen.messages.length, 1);
    assert.equal(seen.fault, "content");
  });
});

describe("RFC 7692 §7 both sides", () => {
  const sizes = [0, 1, 16, 64, 256, 1024, 4096, 8192, 32_768, 131_072];
  const kinds: readonly (readonly [string, ContextOptions])[] = [
    ["take-over", {}],
    ["no take-over", { takesOver: false }],
    ["8 bits", { windowBits: 8 }],
    ["9 bits, little memory", { windowBits: 9, memLevel: 1 }],
    ["11 bits, no take-over", { windowBits: 11, memLevel: 4, takesOver: false }],
    ["level 0", { level: 0 }],
    ["level 1", { level: 1 }],
    ["level 9", { level: 9 }],
  ];
  for (const [what, context] of kinds) {
    for (const inFragments of [false, true]) {
      it(`inflates what it has deflated: ${what}, in fragments: ${inFragments}`, () => {
        const random = new Random(5);
        const deflater = new MessageDeflater(new ZlibDeflater(context));
        const messages = sizes.flatMap((size) => [likeJson(random, size), random.bytes(size)]);
        const stream = messages.flatMap((message) =>
          inFragments ? fragments(deflater, message) : [whole(deflater, message)],
        );

        const chunks = cutInto(Buffer.concat(stream), 60_000);
        const options = { inflater: () => new ZlibInflater(context), pieces: inFragments };
        const seen = read(chunks, options);

        assert.equal(seen.fault, undefined);
        const expected = messages.map((message) => `0x${message.toString("hex")}`);
        assert.equal(seen.messages.length, expected.length);
        assert.ok(seen.messages.every((message, index) => message === expected[index]));
      });
    }
  }

  it("sends a repeated message in a few bytes with take-over, and without it in as many", () => {
    const message = likeJson(new Random(1), 1000);
    const sizesOf = (takesOver: boolean): number[] => {
      const deflater = new MessageDeflater(new ZlibDeflater({ takesOver }));
      return [1, 2, 3].map(() => deflater.deflate(message).length);
    };

    const [first, second] = sizesOf(true);
    const [alone, again] = sizesOf(false);

    assert.ok(second! < first! / 10);
    assert.equal(again, alone);
  });

  it("keeps a compressed text message within the length of a string, unless it comes in pieces", () => {
    const deflater = new MessageDeflater(new ZlibDeflater({ takesOver: false }));
    const payload = deflater.deflate(Buffer.alloc(200_000, "a"));
    const faultOf = (opcode: number, maxTextBytes: number, pieces = false) =>
      read([frame({ rsv: RSV1, opcode, payload })], {
        ...INFLATES,
        pieces,
        limits: createLimits({ maxTextBytes }),
      }).fault;

    assert.equal(faultOf(OPCODE.text, 200_000), undefined);
    assert.equal(faultOf(OPCODE.text, 199_999), "textTooLong");
    assert.equal(faultOf(OPCODE.text, 199_999, true), undefined);
    assert.equal(faultOf(OPCODE.binary, 199_999), undefined);
  });

  it("keeps a compressed message within its limits, told by size and by ratio", () => {
    const deflater = new MessageDeflater(new ZlibDeflater({ takesOver: false }));
    const stream = whole(deflater, Buffer.alloc(3_000_000));
    const readWith = (options: object) =>
      read([stream], { ...INFLATES, limits: createLimits(options) });

    assert.equal(readWith({ maxMessageBytes: 3_000_000 }).fault, undefined);
    assert.equal(readWith({ maxMessageBytes: 2_999_999 }).fault, "messageTooLong");
    assert.equal(readWith({ maxInflateRatio: 500 }).fault, "inflateRatio");
    assert.equal(readWith({}).fault, undefined);
  });
});

function deflated(bytes: Buffer): Buffer {
  return deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
}

function whole(deflater: MessageDeflater, message: Buffer): Buffer {
  return frame({ rsv: RSV1, opcode: OPCODE.binary, payload: deflater.deflate(message) });
}

function fragments(deflater: MessageDeflater, message: Buffer): Buffer[] {
  const pieces = cutInto(message, Math.max(1, Math.ceil(message.length / 3)));
  return pieces.map((piece, index) => {
    const isLast = index === pieces.length - 1;
    return frame({
      fin: isLast,
      rsv: index === 0 ? RSV1 : 0,
      opcode: index === 0 ? OPCODE.binary : OPCODE.continuation,
      payload: deflater.piece(piece, isLast),
    });
  });
}

function cutInto(bytes: Buffer, size: number): Buffer[] {
  const count = Math.max(1, Math.ceil(bytes.length / size));
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

function likeJson(random: Random, size: number): Buffer {
  let text = "";
  while (text.length < size) {
    text += JSON.stringify({ id: random.integer(0, 9999), name: random.pick(["ann", "bob"]) });
  }
  return Buffer.from(text.slice(0, size));
}
