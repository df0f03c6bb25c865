/** RFC 6455 in its own order. Each stream is read whole and in every chunking, as messages and in pieces. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { createKey } from "#src/protocol/websocket/accept-key.js";
import {
  checkUpgradeResponse,
  offeredVersions,
  upgradeRequestFields,
} from "#src/protocol/websocket/client-handshake.js";
import { canTravel } from "#src/protocol/websocket/close-code.js";
import { CloseHandshake } from "#src/protocol/websocket/close-handshake.js";
import { closeCodeOfError, type FaultName } from "#src/protocol/websocket/fault.js";
import { FrameWriter } from "#src/protocol/websocket/frame-writer.js";
import {
  type HandshakeFaultName,
  isHandshakeFault,
} from "#src/protocol/websocket/handshake-fault.js";
import { createLimits } from "#src/protocol/websocket/limits.js";
import { OPCODE } from "#src/protocol/websocket/opcode.js";
import {
  parseUpgradeRequest,
  selectProtocol,
  type UpgradeRequest,
  upgradeResponseFields,
} from "#src/protocol/websocket/server-handshake.js";
import { netError } from "../support/packet-stream.js";
import { closeBody, frame, hex, plainFrame } from "../support/websocket-frames.js";
import {
  type FieldLines,
  fieldsOf,
  SWITCHED,
  sha1,
  withField,
} from "../support/websocket-handshake.js";
import { type ReadOptions, read, readEveryWay } from "../support/websocket-recorder.js";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const GET = { method: "GET", version: "HTTP/1.1" };

const REQUEST: FieldLines = [
  ["Host", "server.example.com"],
  ["Upgrade", "websocket"],
  ["Connection", "Upgrade"],
  ["Sec-WebSocket-Key", KEY],
  ["Origin", "http://example.com"],
  ["Sec-WebSocket-Protocol", "chat, superchat"],
  ["Sec-WebSocket-Version", "13"],
];

const RESPONSE: FieldLines = [
  ["Upgrade", "websocket"],
  ["Connection", "Upgrade"],
  ["Sec-WebSocket-Accept", ACCEPT],
  ["Sec-WebSocket-Protocol", "chat"],
];

const OFFER = { key: KEY, protocols: ["chat", "superchat"] };

function parsed(lines: FieldLines): UpgradeRequest {
  const request = parseUpgradeRequest(GET, fieldsOf(lines));
  assert.ok(!isHandshakeFault(request));
  return request;
}

/** A stream of a client, and what must come of it. */
function reads(what: string, frames: readonly Buffer[], messages: readonly string[]): void {
  it(what, () => {
    const seen = readEveryWay(Buffer.concat(frames));

    assert.equal(seen.fault, undefined, seen.error?.message);
    assert.deepEqual(seen.messages, messages);
  });
}

function refuses(
  what: string,
  frames: readonly Buffer[],
  fault: FaultName,
  options: ReadOptions = {},
): void {
  it(`refuses ${what}`, () => {
    const seen = readEveryWay(Buffer.concat(frames), options);

    assert.equal(seen.fault, fault);
  });
}

describe("RFC 6455 §1.3 and §4.1 the client's handshake", () => {
  it("asks with the fields of the RFC's example", () => {
    const fields = upgradeRequestFields({ ...OFFER, origin: "http://example.com" });

    const named = withField(REQUEST, "Host");
    assert.deepEqual(Object.fromEntries(fields), Object.fromEntries(named));
  });

  it("makes a key of 16 random bytes", () => {
    assert.equal(createKey(Buffer.from("the sample nonce")), KEY);
    assert.throws(() => createKey(Buffer.alloc(15)), netError("INVALID_ARGUMENT"));
  });

  for (const protocols of [["a b"], ["chat", "chat"], [""], ["chät"], ["a,b"]]) {
    it(`offers no subprotocols ${JSON.stringify(protocols)}`, () => {
      assert.throws(
        () => upgradeRequestFields({ key: KEY, protocols }),
        netError("INVALID_ARGUMENT", /tokens, each named once/),
      );
    });
  }

  it("takes the response of the RFC's example", () => {
    const result = checkUpgradeResponse(SWITCHED, fieldsOf(RESPONSE), OFFER, sha1);

    assert.deepEqual(result, { protocol: "chat", deflate: undefined });
  });

  it("takes one without a subprotocol, and names in any case of letters", () => {
    const lines: FieldLines = [
      ["upgrade", "WebSocket"],
      ["CONNECTION", "keep-alive, UPGRADE"],
      ["sec-websocket-accept", ` ${ACCEPT}\t`],
    ];

    const result = checkUpgradeResponse(SWITCHED, fieldsOf(lines), OFFER, sha1);

    assert.deepEqual(result, { protocol: undefined, deflate: undefined });
  });

  const refused: readonly (readonly [string, number, FieldLines, HandshakeFaultName])[] = [
    ["status 200", 200, RESPONSE, "status"],
    ["status 401", 401, RESPONSE, "status"],
    ["no Upgrade", 101, withField(RESPONSE, "Upgrade"), "upgradeMissing"],
    ["another Upgrade", 101, withField(RESPONSE, "Upgrade", "h2c"), "upgradeOther"],
    [
      "two protocols in Upgrade",
      101,
      withField(RESPONSE, "Upgrade", "websocket, h2c"),
      "upgradeSeveral",
    ],
    [
      "two Upgrades",
      101,
      withField(RESPONSE, "Upgrade", "websocket", "websocket"),
      "upgradeSeveral",
    ],
    ["no Connection", 101, withField(RESPONSE, "Connection"), "connectionMissing"],
    ["another Connection", 101, withField(RESPONSE, "Connection", "close"), "connectionOther"],
    ["no Accept", 101, withField(RESPONSE, "Sec-WebSocket-Accept"), "acceptMissing"],
    [
      "two Accepts",
      101,
      withField(RESPONSE, "Sec-WebSocket-Accept", ACCEPT, ACCEPT),
      "acceptRepeated",
    ],
    ["another Accept", 101, withField(RESPONSE, "Sec-WebSocket-Accept", KEY), "acceptWrong"],
    [
      "an Accept in other letters",
      101,
      withField(RESPONSE, "Sec-WebSocket-Accept", ACCEPT.toLowerCase()),
      "acceptWrong",
    ],
    [
      "an extension without an offer",
      101,
      [...RESPONSE, ["Sec-WebSocket-Extensions", "permessage-deflate"]],
      "extensionNotOffered",
    ],
    [
      "malformed extensions",
      101,
      [...RESPONSE, ["Sec-WebSocket-Extensions", "a=b"]],
      "extensionsMalformed",
    ],
    [
      "a subprotocol without an offer",
      101,
      withField(RESPONSE, "Sec-WebSocket-Protocol", "mqtt"),
      "protocolNotOffered",
    ],
    [
      "a subprotocol in other letters",
      101,
      withField(RESPONSE, "Sec-WebSocket-Protocol", "Chat"),
      "protocolNotOffered",
    ],
    [
      "two subprotocols",
      101,
      withField(RESPONSE, "Sec-WebSocket-Protocol", "chat", "superchat"),
      "protocolSeveral",
    ],
    [
      "two subprotocols in one field",
      101,
      withField(RESPONSE, "Sec-WebSocket-Protocol", "chat, superchat"),
      "protocolNotOffered",
    ],
  ];
  for (const [what, status, lines, fault] of refused) {
    it(`refuses a response with ${what}`, () => {
      const result = checkUpgradeResponse(
        { statusCode: status, version: "HTTP/1.1" },
        fieldsOf(lines),
        OFFER,
        sha1,
      );

      assert.ok(isHandshakeFault(result));
      assert.equal(result.fault, fault);
      assert.equal(result.error.code, "WEBSOCKET_HANDSHAKE");
    });
  }

  it("refuses a response of HTTP/1.0", () => {
    const line = { statusCode: 101, version: "HTTP/1.0" };

    const result = checkUpgradeResponse(line, fieldsOf(RESPONSE), OFFER, sha1);

    assert.ok(isHandshakeFault(result));
    assert.equal(result.fault, "httpVersion");
  });

  it("refuses any subprotocol where none was offered", () => {
    const result = checkUpgradeResponse(SWITCHED, fieldsOf(RESPONSE), { key: KEY }, sha1);

    assert.ok(isHandshakeFault(result));
    assert.equal(result.fault, "protocolNotOffered");
  });
});

describe("RFC 6455 §4.2 the server's handshake", () => {
  it("reads the request of the RFC's example", () => {
    assert.deepEqual(parsed(REQUEST), {
      key: KEY,
      host: "server.example.com",
      origin: "http://example.com",
      protocols: ["chat", "superchat"],
      extensions: [],
    });
  });

  it("reads a request without subprotocols", () => {
    const lines = withField(REQUEST, "Sec-WebSocket-Protocol");

    assert.deepEqual(parsed(lines).protocols, []);
  });

  it("reads lists over several fields, in any case of letters, with anything beside", () => {
    const lines: FieldLines = [
      ["host", "a"],
      ["UPGRADE", "h2c, WebSocket"],
      ["connection", "keep-alive"],
      ["connection", "upgrade,,"],
      ["sec-websocket-key", KEY],
      ["sec-websocket-version", "13"],
      ["sec-websocket-protocol", "a"],
      ["sec-websocket-protocol", "b ,c"],
      ["sec-websocket-extensions", "x; y"],
      ["sec-websocket-extensions", 'z; w="1"'],
    ];

    const { protocols, extensions, origin } = parsed(lines);

    assert.deepEqual(protocols, ["a", "b", "c"]);
    assert.equal(origin, undefined);
    assert.deepEqual(extensions, [
      { name: "x", parameters: [["y", undefined]] },
      { name: "z", parameters: [["w", "1"]] },
    ]);
  });

  const lineFaults: readonly (readonly [string, string, HandshakeFaultName, number])[] = [
    ["POST", "HTTP/1.1", "method", 405],
    ["get", "HTTP/1.1", "method", 405],
    ["GET", "HTTP/1.0", "httpVersion", 400],
    ["GET", "HTTP/0.9", "httpVersion", 400],
  ];
  for (const [method, version, fault, status] of lineFaults) {
    it(`answers ${status} to ${method} ${version}`, () => {
      const result = parseUpgradeRequest({ method, version }, fieldsOf(REQUEST));

      assert.ok(isHandshakeFault(result));
      assert.deepEqual([result.fault, result.status], [fault, status]);
    });
  }

  it("answers 400 to a request with content", () => {
    const result = parseUpgradeRequest({ ...GET, hasBody: true }, fieldsOf(REQUEST));

    assert.ok(isHandshakeFault(result));
    assert.deepEqual([result.fault, result.status], ["content", 400]);
  });

  const KEY_FIELD = "Sec-WebSocket-Key";
  const VERSION = "Sec-WebSocket-Version";
  const PROTOCOL = "Sec-WebSocket-Protocol";
  const EXTENSIONS = "Sec-WebSocket-Extensions";
  const fieldFaults: readonly (readonly [string, FieldLines, HandshakeFaultName, number])[] = [
    ["no Host", withField(REQUEST, "Host"), "hostMissing", 400],
    ["no Upgrade", withField(REQUEST, "Upgrade"), "upgradeMissing", 426],
    ["Upgrade: websockets", withField(REQUEST, "Upgrade", "websockets"), "upgradeOther", 426],
    ["no Connection", withField(REQUEST, "Connection"), "connectionMissing", 400],
    [
      "Connection: keep-alive",
      withField(REQUEST, "Connection", "keep-alive"),
      "connectionOther",
      400,
    ],
    ["no key", withField(REQUEST, KEY_FIELD), "keyMissing", 400],
    ["two keys", withField(REQUEST, KEY_FIELD, KEY, KEY), "keyRepeated", 400],
    ["an empty key", withField(REQUEST, KEY_FIELD, ""), "keyMalformed", 400],
    ["a key of 15 bytes", withField(REQUEST, KEY_FIELD, "A".repeat(20)), "keyMalformed", 400],
    ["a key of 17 bytes", withField(REQUEST, KEY_FIELD, `${"A".repeat(23)}=`), "keyMalformed", 400],
    [
      "a key with stray bits",
      withField(REQUEST, KEY_FIELD, KEY.replace("Q==", "R==")),
      "keyMalformed",
      400,
    ],
    [
      "a key that is no base64",
      withField(REQUEST, KEY_FIELD, KEY.replace("d", "-")),
      "keyMalformed",
      400,
    ],
    ["no version", withField(REQUEST, VERSION), "versionMissing", 400],
    ["two versions", withField(REQUEST, VERSION, "13", "13"), "versionRepeated", 400],
    ["version 8", withField(REQUEST, VERSION, "8"), "versionUnsupported", 426],
    ["version 013", withField(REQUEST, VERSION, "013"), "versionUnsupported", 426],
    ["no subprotocol in the field", withField(REQUEST, PROTOCOL, ""), "protocolMalformed", 400],
    ["a subprotocol with a blank", withField(REQUEST, PROTOCOL, "a b"), "protocolMalformed", 400],
    ["a subprotocol twice", withField(REQUEST, PROTOCOL, "a", "b, a"), "protocolRepeated", 400],
    ["no extension in the field", withField(REQUEST, EXTENSIONS, ""), "extensionsMalformed", 400],
    ["half an extension", withField(REQUEST, EXTENSIONS, "a; b="), "extensionsMalformed", 400],
  ];
  for (const [what, lines, fault, status] of fieldFaults) {
    it(`answers ${status} to a request with ${what}`, () => {
      const result = parseUpgradeRequest(GET, fieldsOf(lines));

      assert.ok(isHandshakeFault(result));
      assert.deepEqual([result.fault, result.status], [fault, status]);
      assert.equal(result.error.code, "WEBSOCKET_HANDSHAKE");
    });
  }

  it("answers with the fields of the RFC's example", () => {
    const request = parsed(REQUEST);
    const protocol = selectProtocol(request, ["superchat", "chat"]);

    assert.deepEqual(upgradeResponseFields(request, { protocol }, sha1), RESPONSE);
  });

  it("selects the first of the client's subprotocols that it knows, or none", () => {
    assert.equal(selectProtocol(parsed(REQUEST), ["superchat"]), "superchat");
    assert.equal(selectProtocol(parsed(REQUEST), ["mqtt"]), undefined);
    assert.equal(selectProtocol(parsed(REQUEST), []), undefined);
  });

  it("agrees to nothing that was not offered", () => {
    const request = parsed(REQUEST);

    assert.throws(
      () => upgradeResponseFields(request, { protocol: "mqtt" }, sha1),
      netError("INVALID_ARGUMENT", /subprotocol "mqtt"/),
    );
    assert.throws(
      () => upgradeResponseFields(request, { extensions: [{ name: "x", parameters: [] }] }, sha1),
      netError("INVALID_ARGUMENT", /extension "x"/),
    );
  });
});

describe("RFC 6455 §4.4 versions", () => {
  it("a server names the one it speaks", () => {
    const result = parseUpgradeRequest(
      GET,
      fieldsOf(withField(REQUEST, "Sec-WebSocket-Version", "25")),
    );

    assert.ok(isHandshakeFault(result));
    assert.deepEqual(result.fields, [
      ["Upgrade", "websocket"],
      ["Connection", "Upgrade"],
      ["Sec-WebSocket-Version", "13"],
    ]);
  });

  it("a client reads those that a server names, over several fields", () => {
    const lines: FieldLines = [
      ["Sec-WebSocket-Version", "13"],
      ["Sec-WebSocket-Version", "8, 7"],
    ];

    assert.deepEqual(offeredVersions(fieldsOf(lines)), ["13", "8", "7"]);
  });
});

describe("RFC 6455 §5.1 masking rules", () => {
  refuses("a client's frame without mask", [plainFrame({ payload: "Hello" })], "maskMissing");
  refuses("an empty one too", [plainFrame()], "maskMissing");
  refuses("a ping without mask", [plainFrame({ opcode: OPCODE.ping })], "maskMissing");

  it("refuses a server's frame with a mask", () => {
    const seen = readEveryWay(frame({ payload: "Hello" }), { role: "client" });

    assert.equal(seen.fault, "maskForbidden");
  });

  it("takes a key of zeros for a mask", () => {
    assert.deepEqual(readEveryWay(frame({ key: "00000000", payload: "Hello" })).messages, [
      "Hello",
    ]);
  });
});

describe("RFC 6455 §5.2 the base framing", () => {
  for (const rsv of [1, 2, 3, 4, 5, 6, 7]) {
    for (const opcode of [OPCODE.text, OPCODE.binary, OPCODE.ping, OPCODE.close]) {
      it(`refuses reserved bits ${rsv} on opcode ${opcode}, behind a sound message`, () => {
        const bytes = Buffer.concat([frame({ payload: "a" }), frame({ rsv, opcode })]);

        const seen = readEveryWay(bytes);

        assert.deepEqual(seen.messages, ["a"]);
        assert.equal(seen.fault, "reservedBits");
        assert.equal(closeCodeOfError(seen.error!), 1002);
      });
    }
  }

  for (const opcode of [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf]) {
    refuses(`opcode ${opcode}`, [frame({ opcode })], "opcodeReserved");
    refuses(
      `opcode ${opcode} inside a message`,
      [frame({ fin: false, payload: "a" }), frame({ opcode, payload: "b" })],
      "opcodeReserved",
    );
  }

  for (const bytes of [0, 1, 125, 126, 127, 128, 300]) {
    const payload = "*".repeat(bytes);
    reads(`a text of ${bytes} bytes`, [frame({ payload })], [payload]);
  }

  for (const bytes of [65_535, 65_536, 65_537]) {
    for (const opcode of [OPCODE.text, OPCODE.binary]) {
      it(`reads ${bytes} bytes with opcode ${opcode}, whole and in chops of 997`, () => {
        const payload = Buffer.alloc(bytes, "*0123456");
        const stream = frame({ opcode, payload });
        const chops = Array.from({ length: Math.ceil(stream.length / 997) }, (_, index) =>
          stream.subarray(index * 997, (index + 1) * 997),
        );

        const whole = read([stream]);
        const chopped = read(chops);

        const text = opcode === OPCODE.text ? String(payload) : `0x${payload.toString("hex")}`;
        assert.equal(whole.messages[0] === text, true);
        assert.equal(chopped.messages[0] === text, true);
      });
    }
  }

  const shortest: readonly (readonly [number, 2 | 8])[] = [
    [0, 2],
    [125, 2],
    [0, 8],
    [125, 8],
    [126, 8],
    [65_535, 8],
  ];
  for (const [length, lengthBytes] of shortest) {
    refuses(
      `a length of ${length} in ${lengthBytes} bytes`,
      [frame({ length, lengthBytes })],
      "lengthNotMinimal",
    );
  }

  refuses("a length of 2^63", [frame({ length: 2n ** 63n })], "lengthSign");
  refuses("a length of 2^64 − 1", [frame({ length: 2n ** 64n - 1n })], "lengthSign");
  refuses("a length of 2^63 − 1", [frame({ length: 2n ** 63n - 1n })], "frameTooLong");
  refuses("a length of 2^53", [frame({ length: 2n ** 53n })], "frameTooLong");
  refuses("a length of 2^53 − 1", [frame({ length: 2n ** 53n - 1n })], "messageTooLong");
});

describe("RFC 6455 §5.4 fragmentation", () => {
  const first = (payload: string): Buffer => frame({ fin: false, payload });
  const next = (payload: string): Buffer => frame({ fin: false, opcode: 0, payload });
  const last = (payload: string): Buffer => frame({ opcode: 0, payload });
  const ping = frame({ opcode: OPCODE.ping, payload: "p" });

  reads("a message in two frames", [first("frag"), last("ment")], ["fragment"]);
  reads("a message in many", [first("a"), next("b"), next("c"), last("d")], ["abcd"]);
  reads("empty frames", [first(""), next(""), last("")], [""]);
  reads("an empty frame at the end", [first("a"), next(""), last("")], ["a"]);
  reads("an empty frame at the beginning", [first(""), next("a"), last("b")], ["ab"]);
  reads(
    "binary fragments",
    [frame({ fin: false, opcode: OPCODE.binary, payload: "a" }), last("b")],
    ["0x6162"],
  );
  reads("several messages", [first("a"), last("b"), frame({ payload: "c" })], ["ab", "c"]);

  it("reads control frames between fragments, and tells them at once", () => {
    const seen = readEveryWay(Buffer.concat([first("a"), ping, next("b"), ping, ping, last("c")]));

    assert.deepEqual(
      seen.events.filter((event) => !/^head|^payload/.test(event)),
      ["begin text", "ping 0x70", "ping 0x70", "ping 0x70", "text abc"],
    );
  });

  refuses("a continuation of nothing", [last("a")], "noMessage");
  refuses("a continuation of nothing that is not final", [next("a")], "noMessage");
  refuses("a continuation behind a whole message", [frame(), last("a")], "noMessage");
  refuses("a continuation behind the last one", [first("a"), last("b"), last("c")], "noMessage");
  refuses("a text inside a message", [first("a"), frame({ payload: "b" })], "messageInMessage");
  refuses("a first fragment inside a message", [first("a"), first("b")], "messageInMessage");
  refuses(
    "a binary message inside a text",
    [first("a"), ping, frame({ opcode: OPCODE.binary })],
    "messageInMessage",
  );
});

describe("RFC 6455 §5.5 control frames", () => {
  for (const opcode of [OPCODE.close, OPCODE.ping, OPCODE.pong]) {
    refuses(`opcode ${opcode} in fragments`, [frame({ opcode, fin: false })], "controlFragmented");
    refuses(
      `opcode ${opcode} with 126 bytes`,
      [frame({ opcode, payload: Buffer.alloc(126) })],
      "controlTooLong",
    );
    refuses(
      `opcode ${opcode} with a length in 2 bytes`,
      [frame({ opcode, length: 5, lengthBytes: 2 })],
      "controlTooLong",
    );
    refuses(
      `opcode ${opcode} with a length in 8 bytes`,
      [frame({ opcode, length: 70_000 })],
      "controlTooLong",
    );
  }

  for (const opcode of [OPCODE.ping, OPCODE.pong]) {
    for (const bytes of [0, 1, 125]) {
      it(`reads opcode ${opcode} with ${bytes} bytes`, () => {
        const payload = Buffer.alloc(bytes, 0xfe);

        const seen = readEveryWay(frame({ opcode, payload }));

        const name = opcode === OPCODE.ping ? "ping" : "pong";
        assert.equal(seen.events.at(-1), `${name} 0x${payload.toString("hex")}`);
      });
    }
  }

  it("tells ten pings in their order", () => {
    const pings = Array.from({ length: 10 }, (_, index) =>
      frame({ opcode: OPCODE.ping, payload: String(index) }),
    );

    const seen = readEveryWay(Buffer.concat(pings));

    assert.deepEqual(
      seen.events.filter((event) => event.startsWith("ping")),
      pings.map((_, index) => `ping 0x3${index}`),
    );
  });
});

describe("RFC 6455 §5.5.1 Close", () => {
  const close = (payload: Buffer | string): Buffer => frame({ opcode: OPCODE.close, payload });

  for (const [what, payload, event] of [
    ["no body", "", "close 1005 "],
    ["a code", closeBody(1000), "close 1000 "],
    ["a code and a reason", closeBody(1000, "bye ü"), "close 1000 bye ü"],
    ["the longest reason", closeBody(4999, "r".repeat(123)), `close 4999 ${"r".repeat(123)}`],
  ] as const) {
    it(`reads ${what}, and nothing behind it`, () => {
      const stream = Buffer.concat([
        close(payload),
        frame({ payload: "a" }),
        close(payload),
        Buffer.of(0xff),
      ]);

      const seen = readEveryWay(stream, { ends: true });

      assert.equal(seen.events.at(-1), event);
      assert.equal(seen.fault, undefined);
    });
  }

  it("gives up a message that has begun", () => {
    const stream = Buffer.concat([frame({ fin: false, payload: "a" }), close("")]);

    const seen = readEveryWay(stream);

    assert.deepEqual(seen.messages, []);
    assert.equal(seen.events.at(-1), "close 1005 ");
  });

  refuses("a body of one byte", [close("x")], "closeTooShort");
  refuses(
    "a reason that is no UTF-8",
    [close(closeBody(1000, hex("ceba ed a080")))],
    "closeReason",
  );
  refuses("a reason that is cut", [close(closeBody(1000, hex("ceba f0 90 80")))], "closeReason");
  refuses("a reason of 124 bytes", [close(closeBody(1000, "r".repeat(124)))], "controlTooLong");
});

describe("RFC 6455 §5.7 examples", () => {
  const toServer = { role: "server" } as const;
  const toClient = { role: "client" } as const;
  for (const [what, digits, options, event] of [
    ["an unmasked text", "81 05 48 65 6c 6c 6f", toClient, "text Hello"],
    ["a masked text", "81 85 37 fa 21 3d 7f 9f 4d 51 58", toServer, "text Hello"],
    ["an unmasked text in fragments", "01 03 48 65 6c 80 02 6c 6f", toClient, "text Hello"],
    ["an unmasked ping", "89 05 48 65 6c 6c 6f", toClient, "ping 0x48656c6c6f"],
    ["a masked pong", "8a 85 37 fa 21 3d 7f 9f 4d 51 58", toServer, "pong 0x48656c6c6f"],
    ["256 bytes", `82 7e 01 00 ${"61".repeat(256)}`, toClient, `binary 0x${"61".repeat(256)}`],
  ] as const) {
    it(`reads ${what}`, () => {
      assert.equal(readEveryWay(hex(digits), options).events.at(-1), event);
    });
  }

  it("writes the same", () => {
    const target = Buffer.alloc(32);
    const server = new FrameWriter("server");
    const client = new FrameWriter("client", () => 0x3d21fa37);

    const plain = server.writeText(target, 0, 0x81, "Hello");
    const masked = client.writeText(target, plain, 0x81, "Hello");

    assert.deepEqual(target.subarray(0, plain), hex("81 05 48 65 6c 6c 6f"));
    assert.deepEqual(target.subarray(plain, masked), hex("81 85 37fa213d 7f 9f 4d 51 58"));
  });
});

describe("RFC 6455 §7.1 closing", () => {
  it("is clean when both Close frames were exchanged, and the server ends the connection", () => {
    const server = new CloseHandshake("server");
    const client = new CloseHandshake("client");

    client.sent();
    server.received(1000, "done");
    assert.equal(server.replyCode, 1000);
    assert.equal(server.canReceive, false);
    server.sent();
    client.received(1000, "");

    assert.deepEqual([server.isClean, client.isClean], [true, true]);
    assert.deepEqual([server.mustEnd, client.mustEnd], [true, false]);
    assert.deepEqual([server.code, server.reason], [1000, "done"]);
  });

  it("has code 1005 for a Close frame without one, which is replied to in kind (§7.1.5)", () => {
    const server = new CloseHandshake("server");

    server.received(1005, "");

    assert.equal(server.code, 1005);
    assert.equal(server.replyCode, undefined);
  });

  it("has code 1006 where no Close frame came (§7.1.5)", () => {
    const client = new CloseHandshake("client");

    client.sent();
    client.ended();

    assert.deepEqual([client.code, client.isClean], [1006, false]);
  });

  it("fails without waiting for the peer (§7.1.7)", () => {
    for (const role of ["server", "client"] as const) {
      const closing = new CloseHandshake(role);

      closing.fail();

      assert.deepEqual(
        [closing.mustEnd, closing.canSend, closing.canReceive],
        [true, false, false],
      );
    }
  });

  refuses("a peer that finishes without Close frame", [frame()], "truncated", { ends: true });
  refuses(
    "one that finishes inside a frame",
    [frame({ payload: "abc" }).subarray(0, 8)],
    "truncated",
    { ends: true },
  );
});

describe("RFC 6455 §7.4 status codes", () => {
  const close = (code: number): Buffer => frame({ opcode: OPCODE.close, payload: closeBody(code) });
  const valid = [
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3003, 3999, 4000,
    4999,
  ];
  for (const code of valid) {
    it(`takes ${code}`, () => {
      assert.equal(readEveryWay(close(code)).events.at(-1), `close ${code} `);
      assert.equal(canTravel(code), true);
    });
  }

  const invalid = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 32_768, 65_535];
  for (const code of invalid) {
    refuses(`${code}`, [close(code)], "closeCode");

    it(`does not send ${code}`, () => {
      const writer = new FrameWriter("server");

      assert.throws(
        () => writer.writeClose(Buffer.alloc(200), 0, code),
        netError("INVALID_ARGUMENT"),
      );
    });
  }
});

describe("RFC 6455 §8.1 text is UTF-8", () => {
  const valid: readonly (readonly [string, string])[] = [
    ["the greatest word", "cebae1bdb9cf83cebcceb5"],
    ["one octet", "00"],
    ["the first of two octets", "c280"],
    ["the first of three", "e0a080"],
    ["the first of four", "f0908080"],
    ["the last of one", "7f"],
    ["the last of two", "dfbf"],
    ["the last of three", "efbfbf"],
    ["the last of all", "f48fbfbf"],
    ["U+D7FF", "ed9fbf"],
    ["U+E000", "ee8080"],
    ["U+FFFD", "efbfbd"],
    ["U+FFFE, which is no character but may travel", "efbfbe"],
    ["U+1FFFE", "f09fbfbe"],
  ];
  for (const [what, digits] of valid) {
    it(`takes ${what}`, () => {
      const payload = hex(digits);

      const seen = readEveryWay(
        Buffer.concat([frame({ payload }), plainText(payload), ...eachOctet(payload)]),
      );

      assert.deepEqual(seen.messages, [String(payload), String(payload), String(payload)]);
    });
  }

  const invalid: readonly (readonly [string, string])[] = [
    ["a continuation octet alone", "80"],
    ["the last continuation octet alone", "bf"],
    ["two of them", "80bf"],
    ["first octets of two with blanks", "c020c120"],
    ["a first octet of three, and a blank", "e220"],
    ["an octet too few of four", "f0808020"],
    ["FE", "fe"],
    ["FF", "ff"],
    ["five octets", "f888808080"],
    ["six octets", "fc8480808080"],
    ["an overlong slash in two", "c0af"],
    ["an overlong slash in three", "e080af"],
    ["an overlong slash in four", "f08080af"],
    ["an overlong NUL", "c080"],
    ["the longest overlong of two", "c1bf"],
    ["the longest overlong of three", "e09fbf"],
    ["the longest overlong of four", "f08fbfbf"],
    ["a surrogate", "eda080"],
    ["the last surrogate", "edbfbf"],
    ["a pair of surrogates", "eda080edb080"],
    ["a character above U+10FFFF", "f4908080"],
    ["one far above", "f5808080"],
  ];
  for (const [what, digits] of invalid) {
    refuses(`${what}`, [frame({ payload: hex(`616263${digits}`) })], "text");
    it(`refuses ${what} behind a long text, over fragments`, () => {
      const payload = Buffer.concat([Buffer.alloc(300, "x"), hex(digits)]);

      assert.equal(read([frame({ payload })]).fault, "text");
      assert.equal(read([Buffer.concat(eachOctet(payload))]).fault, "text");
    });
  }

  for (const [what, digits] of [
    ["one octet of two", "c2"],
    ["one of three", "e2"],
    ["two of three", "e282"],
    ["three of four", "f09f98"],
  ] as const) {
    refuses(`a text that ends with ${what}`, [frame({ payload: hex(`61${digits}`) })], "textCut");
  }

  it("joins characters that are cut by fragments, and by control frames", () => {
    const stream = [
      frame({ fin: false, payload: hex("f0 9f") }),
      frame({ opcode: OPCODE.ping }),
      frame({ fin: false, opcode: 0, payload: hex("98") }),
      frame({ opcode: 0, payload: hex("80") }),
    ];

    assert.deepEqual(readEveryWay(Buffer.concat(stream)).messages, ["😀"]);
  });

  it("takes any bytes in binary messages", () => {
    const stream = frame({ opcode: OPCODE.binary, payload: hex("ff fe 80 c0") });

    assert.deepEqual(readEveryWay(stream).messages, ["0xfffe80c0"]);
  });

  it("begins anew with each message", () => {
    const stream = [
      frame({ opcode: OPCODE.binary, payload: hex("f0 9f") }),
      frame({ payload: "a" }),
    ];

    assert.deepEqual(readEveryWay(Buffer.concat(stream)).messages, ["0xf09f", "a"]);
  });

  const early: readonly (readonly [string, readonly Buffer[]])[] = [
    ["in a fragment, before the next", [frame({ fin: false, payload: hex("cebaf4908080") })]],
    ["with its second octet, in a fragment", [frame({ fin: false, payload: hex("cebaf490") })]],
    ["in a frame that is not complete", [frame({ payload: hex("cebaf4908080 656469746564") })]],
  ];
  for (const [what, frames] of early) {
    it(`ends at once with an octet that can't be: ${what}`, () => {
      const stream = Buffer.concat(frames);
      const end = 6 + 4;

      const before = read([stream.subarray(0, end - 1)]);
      const behind = read([stream.subarray(0, end)]);

      assert.equal(before.fault, undefined);
      assert.equal(behind.fault, "text");
      assert.equal(closeCodeOfError(behind.error!), 1007);
    });
  }
});

describe("RFC 6455 §10.4 limits", () => {
  const limits = createLimits({
    maxFrameBytes: 20,
    maxMessageBytes: 30,
    maxFragments: 4,
    maxControlFrames: 3,
  });
  const part = (bytes: number, opcode: number, fin = false): Buffer =>
    frame({ fin, opcode, payload: Buffer.alloc(bytes, "a") });
  const ping = frame({ opcode: OPCODE.ping });

  it("takes what is just as long", () => {
    const frames = [part(20, 1), part(6, 0), part(4, 0), part(0, 0, true), part(20, 2, true)];

    const seen = readEveryWay(Buffer.concat(frames), { limits });

    assert.equal(seen.fault, undefined);
    assert.equal(seen.messages.length, 2);
  });

  for (const [what, frames, fault, code] of [
    ["a frame of one byte more", [part(21, 1, true)], "frameTooLong", 1009],
    ["a message of one byte more", [part(20, 1), part(11, 0)], "messageTooLong", 1009],
    [
      "a frame more",
      [part(0, 1), part(0, 0), part(0, 0), part(0, 0), part(0, 0)],
      "tooManyFragments",
      1008,
    ],
    ["a ping more inside a message", [part(1, 1), ping, ping, ping, ping], "tooManyControls", 1008],
  ] as const) {
    it(`refuses ${what}`, () => {
      const seen = readEveryWay(Buffer.concat(frames), { limits });

      assert.equal(seen.fault, fault);
      assert.equal(closeCodeOfError(seen.error!), code);
    });
  }

  it("refuses text that is longer than a string with the head of its frame, unless it comes in pieces", () => {
    const short = createLimits({ maxTextBytes: 30 });
    const head = (opcode: number, length: number): Buffer => frame({ fin: false, opcode, length });
    const faultOf = (frames: readonly Buffer[], pieces = false) =>
      read(frames, { limits: short, pieces }).fault;

    assert.equal(faultOf([part(20, 1), part(10, 0, true)]), undefined);
    assert.equal(faultOf([head(1, 31)]), "textTooLong");
    assert.equal(faultOf([part(20, 1), head(0, 11)]), "textTooLong");
    assert.equal(faultOf([part(20, 1), part(20, 0, true)], true), undefined);
    assert.equal(faultOf([part(31, 2, true)]), undefined);
  });

  it("refuses a frame of 1 GiB with its head, before a byte of it comes", () => {
    const head = frame({ opcode: OPCODE.binary, length: 2 ** 30 });

    assert.equal(read([head]).fault, "messageTooLong");
  });

  it("counts control frames anew with each fragment, and never between messages", () => {
    const frames = [ping, ping, ping, ping, part(1, 1), ping, ping, part(1, 0), ping, ping, ping];

    assert.equal(readEveryWay(Buffer.concat(frames), { limits }).fault, undefined);
  });
});

/** A text whose octets are masked with zeros. */
function plainText(payload: Buffer): Buffer {
  return frame({ key: "00000000", payload });
}

/** A text with a frame for each octet. */
function eachOctet(payload: Buffer): Buffer[] {
  return Array.from(payload, (octet, index) =>
    frame({
      fin: index === payload.length - 1,
      opcode: index === 0 ? OPCODE.text : OPCODE.continuation,
      payload: Buffer.of(octet),
    }),
  );
}
