/**
 * The `WebSocket` of browsers, rule by rule as WHATWG's "WebSockets" and Web IDL have them. What is expected here is
 * what Chromium 156 does, but where a test says otherwise.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it, type TestContext } from "node:test";
import {
  CloseEvent,
  WebSocket,
  type WebSocketConnection,
  type WebSocketServer,
} from "hp-socket/websocket";
import { scriptedServer } from "../support/http-scripted-server.js";
import { until } from "../support/until.js";
import { webSocketServer } from "../support/websocket-world.js";

/** A server that sends back what comes. */
async function echo(test: TestContext): Promise<string> {
  const { port } = await webSocketServer(test, {
    protocols: ["a", "b"],
    onMessage: (socket, data) => socket.send(data),
  });
  return `ws://127.0.0.1:${port}/`;
}

async function opened(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  await once(socket, "open");
  return socket;
}

/** What does not keep to its types, as pages may not. */
interface Loose {
  new (...given: unknown[]): Loose & WebSocket;
  send(...given: unknown[]): void;
  close(...given: unknown[]): void;
  onmessage: unknown;
  binaryType: unknown;
}

const LooseSocket = WebSocket as unknown as Loose;

function loose(socket: WebSocket): Loose {
  return socket as unknown as Loose;
}

/** Resolves with the event that ends it. */
function closed(socket: WebSocket): Promise<CloseEvent> {
  return new Promise((resolve) => {
    socket.addEventListener("close", (event) => resolve(event as CloseEvent));
  });
}

/** The texts and bytes of the next messages. */
async function next(socket: WebSocket, count: number): Promise<unknown[]> {
  const got: unknown[] = [];
  while (got.length < count) {
    const [{ data }] = (await once(socket, "message")) as [MessageEvent];
    got.push(typeof data === "string" ? data : [...new Uint8Array(data as ArrayBuffer)]);
  }
  return got;
}

/** A socket that connects to nobody: nothing listens there. */
function nowhere(...given: unknown[]): Loose & WebSocket {
  const socket = new LooseSocket("ws://127.0.0.1:1/", ...given);
  socket.close();
  return socket;
}

describe("the WebSocket of browsers", () => {
  it("fails where the server takes none of its protocols", async (test) => {
    const server = await webSocketServer(test, { protocols: ["p"] });
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/`, "q");
    const told: string[] = [];
    for (const type of ["open", "error", "close"]) {
      socket.addEventListener(type, () => told.push(type));
    }
    const { code, wasClean } = await closed(socket);
    await until(() => told.length === 2);
    assert.deepEqual([told, code, wasClean], [["error", "close"], 1_006, false]);
    await until(() => server.connectionCount === 0);
  });

  it("opens, sends text, bytes and blobs in order, and tells of messages", async (test) => {
    const server = await webSocketServer(test, {
      protocols: ["p"],
      onMessage: (socket, data) => socket.send(data),
    });
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/`, "p");
    const got: unknown[] = [];
    const states = [socket.readyState];
    assert.throws(() => socket.send("early"), { name: "InvalidStateError" });

    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", (event) => got.push((event as MessageEvent).data));
    await new Promise((resolve) => {
      socket.onopen = resolve;
    });
    states.push(socket.readyState);
    socket.send("text");
    socket.send(new Blob(["blob"]));
    socket.send(new Uint8Array([1, 2]));
    socket.send(new Uint8Array([3]).buffer);
    await until(() => got.length === 4);
    socket.close(3_001, "bye");
    states.push(socket.readyState);
    const { code, reason, wasClean } = await closed(socket);
    states.push(socket.readyState);

    const bytes = (...octets: number[]): ArrayBuffer => new Uint8Array(octets).buffer;
    assert.deepEqual(got, ["text", bytes(0x62, 0x6c, 0x6f, 0x62), bytes(1, 2), bytes(3)]);
    assert.deepEqual([code, reason, wasClean], [3_001, "bye", true]);
    assert.deepEqual(states, [0, 1, 2, 3]);
    assert.equal(socket.protocol, "p");
  });

  it("gives bytes as a Blob where nobody says otherwise, and the server's code", async (test) => {
    const server = await webSocketServer(test, {
      onOpen(socket) {
        socket.send(Buffer.from("blob"));
        socket.close(4_002, "that was all");
      },
    });
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/`);
    let blob: Blob | undefined;

    socket.onmessage = ({ data }) => {
      blob = data as Blob;
    };
    const { code, reason, wasClean } = await closed(socket);

    assert.equal(await blob?.text(), "blob");
    assert.deepEqual([code, reason, wasClean], [4_002, "that was all", true]);
  });

  it("tells error and 1006 where it can't connect, or closes before it could", async (test) => {
    const { origin } = await scriptedServer(test, async (peer) => {
      await peer.request();
      peer.socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    });
    const url = `${origin.replace("http", "ws")}/`;

    for (const closes of [false, true]) {
      const socket = new WebSocket(url);
      let errors = 0;
      socket.onerror = () => {
        errors++;
      };
      if (closes) socket.close();
      const { code, wasClean } = await closed(socket);
      assert.deepEqual([errors, code, wasClean], [1, 1_006, false]);
    }
  });

  it("throws what browsers throw", () => {
    const cases: readonly (readonly [() => unknown, string])[] = [
      [() => new WebSocket("nowhere"), "SyntaxError"],
      [() => new WebSocket("ftp://h/"), "SyntaxError"],
      [() => new WebSocket("ws://h/#x"), "SyntaxError"],
      [() => new WebSocket("ws://h/", ["a", "a"]), "SyntaxError"],
      [() => new WebSocket("ws://h/", ["a b"]), "SyntaxError"],
    ];
    for (const [call, name] of cases) assert.throws(call, { name });

    const socket = new WebSocket("ws://127.0.0.1:1/");
    assert.throws(() => new LooseSocket(), { name: "TypeError" });
    assert.throws(() => loose(socket).send(), { name: "TypeError" });
    assert.throws(() => new (CloseEvent as unknown as Loose)(), { name: "TypeError" });
    assert.deepEqual([WebSocket.length, socket.send.length, socket.close.length], [1, 1, 0]);
    assert.throws(() => socket.close(1_001), { name: "InvalidAccessError" });
    assert.throws(() => socket.close(1_000, "x".repeat(124)), { name: "SyntaxError" });
    socket.close();
  });

  it("takes what becomes a URL, and refuses the others", () => {
    for (const url of ["ws://foo bar.com/", "mailto:a@b", "about:blank", "ws://h/#", undefined]) {
      assert.throws(() => new LooseSocket(url), { name: "SyntaxError" }, String(url));
    }
    assert.throws(() => new LooseSocket(Symbol("url")), TypeError);

    const urls: [unknown, string][] = [
      ["http://127.0.0.1:1/x", "ws://127.0.0.1:1/x"],
      ["HTTPS://127.0.0.1:1/é?x", "wss://127.0.0.1:1/%C3%A9?x"],
      [{ toString: () => "ws://127.0.0.1:1/o" }, "ws://127.0.0.1:1/o"],
    ];
    for (const [given, url] of urls) {
      const socket = new LooseSocket(given);
      socket.close();
      assert.equal(socket.url, url);
    }
  });

  it("takes what becomes subprotocols, and refuses the others", async (test) => {
    const bad = ["", "a b", "/echo", "é", "a,b", [""], ["a", "a"], new Set(["a b"]), "a\0"];
    for (const protocols of bad) {
      assert.throws(() => nowhere(protocols), { name: "SyntaxError" }, String(protocols));
    }
    for (const protocols of [undefined, null, 5, [], [1, 2], ["a", "A"], new Set(["a"])]) {
      nowhere(protocols);
    }
    const socket = new WebSocket(await echo(test), new Set(["x", "b"]));
    await once(socket, "open");
    assert.equal(socket.protocol, "b");
    socket.close();
  });

  it("has properties that are as in browsers, and can't be changed", () => {
    const socket = nowhere();
    const names = ["url", "readyState", "bufferedAmount", "protocol", "extensions"] as const;
    for (const name of names) {
      const before = socket[name];
      assert.throws(() => Object.assign(socket, { [name]: 5 }), TypeError, name);
      assert.deepEqual([socket[name], Object.hasOwn(socket, name)], [before, false], name);
    }
    for (const [value, name] of ["CONNECTING", "OPEN", "CLOSING", "CLOSED"].entries()) {
      for (const owner of [WebSocket, WebSocket.prototype, socket]) {
        assert.throws(() => Object.assign(owner, { [name]: 7 }), TypeError, name);
        assert.equal((owner as unknown as Record<string, number>)[name], value);
      }
    }
    const all: string[] = [];
    for (const name in socket) if (!(name in EventTarget.prototype)) all.push(name);
    assert.deepEqual(all.sort(), [
      ...["CLOSED", "CLOSING", "CONNECTING", "OPEN", "binaryType", "bufferedAmount", "close"],
      ...["extensions", "onclose", "onerror", "onmessage", "onopen", "protocol", "readyState"],
      ...["send", "url"],
    ]);
    assert.equal(String(socket), "[object WebSocket]");
    for (const type of ["arraybuffer", "other", null]) loose(socket).binaryType = type;
    assert.equal(socket.binaryType, "arraybuffer");
  });

  it("calls a handler in the place of the first one that was set, and keeps what is no function", () => {
    const socket = nowhere();
    const got: unknown[] = [];
    const tell = (): boolean => socket.dispatchEvent(new Event("message"));

    socket.addEventListener("message", () => got.push("first"));
    socket.onmessage = () => got.push("old");
    socket.addEventListener("message", () => got.push("last"));
    socket.onmessage = function (this: unknown) {
      got.push(this === socket);
    };
    tell();
    socket.onmessage = null;
    socket.onmessage = () => got.push("again");
    tell();

    assert.deepEqual(got, ["first", true, "last", "first", "last", "again"]);
    const listener = { handleEvent: () => assert.fail("an object is no handler") };
    loose(socket).onmessage = listener;
    tell();
    assert.equal(socket.onmessage, listener);
    loose(socket).onmessage = 2;
    assert.equal(socket.onmessage, null);
  });

  it("sends as text what is neither text nor bytes", async (test) => {
    const socket = await opened(await echo(test));
    const bytes = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer;
    const given: [unknown, unknown][] = [
      ...[null, undefined, 1234, {}, [1, 2], true, 5n].map((one): [unknown, string] => [
        one,
        String(one),
      ]),
      ["a\ud801b", "a\ufffdb"],
      ["", ""],
      [new ArrayBuffer(0), []],
      [new Uint16Array(bytes, 2, 2), [3, 4, 5, 6]],
      [new DataView(bytes, 1, 2), [2, 3]],
      [new Blob([]), []],
      [new Blob(["b", bytes]), [0x62, 1, 2, 3, 4, 5, 6, 7, 8]],
      ["behind", "behind"],
    ];

    for (const [data] of given) loose(socket).send(data);
    assert.throws(() => loose(socket).send(Symbol("no text")), TypeError);

    const expected = given.map(([, back]) => back);
    assert.deepEqual(await next(socket, given.length), expected);
    const moved = new ArrayBuffer(8);
    structuredClone(moved, { transfer: [moved] });
    socket.send(moved);
    assert.deepEqual(await next(socket, 1), [[]]);
    socket.close();
  });

  it("counts in bufferedAmount the bytes of messages, and what never will leave", async (test) => {
    const socket = await opened(await echo(test));
    const amounts: number[] = [];
    const send = (data: string | ArrayBuffer | Blob): void => {
      socket.send(data);
      amounts.push(socket.bufferedAmount);
    };

    send("abc");
    send("¥¥¥");
    send(new ArrayBuffer(10));
    send("x".repeat(65_000));
    send(new Blob(["1234"]));
    send("after");
    await next(socket, 6);
    amounts.push(socket.bufferedAmount);
    socket.close();
    send("late");
    await closed(socket);
    send("é");

    assert.deepEqual(amounts, [3, 9, 19, 65_019, 65_023, 65_028, 0, 4, 6]);
  });

  it("counts in bufferedAmount what had not left when the connection was lost", async (test) => {
    let peer: WebSocketConnection | undefined;
    const server = await webSocketServer(test, {
      onOpen(socket) {
        peer = socket;
        socket.pause();
      },
    });
    const socket = await opened(`ws://127.0.0.1:${server.port}/`);
    // More than the kernel takes, of bytes that can't be compressed; each is counted whole until it has left.
    const size = 4_000_000;
    const noise = new Uint32Array(size / 4).map(
      (_, at) => Math.imul(at + 1, 0x9e37_79b1) ^ (at << 7),
    );
    for (let count = 0; count < 8; count++) socket.send(noise);
    await until(() => peer !== undefined);
    const before = socket.bufferedAmount;
    peer?.abort();
    await closed(socket);

    assert.ok(before > 0 && before % size === 0, String(before));
    assert.ok(socket.bufferedAmount > 0 && socket.bufferedAmount <= before);
    assert.equal(socket.bufferedAmount % size, 0);
  });

  it("closes with the nearest code, without one where none is given", async (test) => {
    const url = await echo(test);
    const ways: [unknown[], number, string][] = [
      [[], 1_005, ""],
      [[undefined], 1_005, ""],
      [["3000"], 3_000, ""],
      [[4_998.5], 4_998, ""],
      // Chromium takes a reason without a code for code 0, and refuses it; Web IDL takes undefined as left out.
      [[undefined, "why"], 1_000, "why"],
      [[1_000, "é\ud801"], 1_000, "é\ufffd"],
      [[1_000, null], 1_000, "null"],
    ];
    for (const [given, code, reason] of ways) {
      const socket = await opened(url);
      loose(socket).close(...given);
      const end = await closed(socket);
      assert.deepEqual([end.code, end.reason, end.wasClean], [code, reason, true], String(given));
    }
  });

  it("refuses codes that are not its own, and stays open", async (test) => {
    const socket = await opened(await echo(test));
    const codes = [
      0,
      500,
      Number.NaN,
      "string",
      null,
      66_536,
      999,
      1_001,
      1_005,
      2_999,
      5_000,
      4_999.6,
    ];
    for (const code of codes) {
      assert.throws(() => loose(socket).close(code), { name: "InvalidAccessError" }, String(code));
    }
    assert.equal(socket.readyState, WebSocket.OPEN);
    socket.close();
  });

  it("takes what is sent after close, and tells of its end once, later", async (test) => {
    const socket = new WebSocket(await echo(test));
    const got: unknown[] = [];
    for (const type of ["open", "error", "close"]) {
      socket.addEventListener(type, () => got.push(type, socket.readyState));
    }
    socket.close();
    socket.close();
    socket.send("lost");
    const lost = socket.bufferedAmount;
    assert.deepEqual([got, lost], [[], 4]);

    const { code, wasClean } = await closed(socket);
    socket.close();
    socket.send("lost");

    assert.deepEqual([got, code, wasClean], [["error", 3, "close", 3], 1_006, false]);
    assert.deepEqual([socket.readyState, socket.bufferedAmount], [WebSocket.CLOSED, 8]);
  });

  it("tells of each thing in a task of its own: who awaits one hears of the next", async (test) => {
    const server = await webSocketServer(test, {
      onOpen(socket) {
        socket.send("one");
        socket.send("two");
        socket.close(4_000, "that was all");
      },
    });
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/`);

    await once(socket, "open");
    assert.equal(socket.readyState, WebSocket.OPEN);
    const got = await next(socket, 2);
    const [{ code }] = (await once(socket, "close")) as [CloseEvent];

    assert.deepEqual([got, code], [["one", "two"], 4_000]);
  });

  it("tells of no message once the page has closed", async (test) => {
    const server = await webSocketServer(test, {
      onOpen(socket) {
        for (const text of ["one", "two", "three"]) socket.send(text);
      },
    });
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/`);
    const got: unknown[] = [];
    socket.onmessage = ({ data }) => {
      got.push(data);
      socket.close();
    };
    await closed(socket);
    assert.deepEqual(got, ["one"]);
  });

  it("ends where a blob can't be read, and what was sent behind it is not", async (test) => {
    const got: unknown[] = [];
    const ends: number[] = [];
    const server: WebSocketServer = await webSocketServer(test, {
      onMessage: (_socket, data) => void got.push(data),
      onClose: (_socket, code) => void ends.push(code),
    });
    const socket = await opened(`ws://127.0.0.1:${server.port}/`);
    const blob = new Blob(["lost"]);
    blob.arrayBuffer = () => Promise.reject(new DOMException("gone", "NotReadableError"));

    socket.send(blob);
    socket.send("behind");
    const { code, wasClean } = await closed(socket);
    await until(() => ends.length === 1);

    assert.deepEqual([got, code, wasClean, ends], [[], 1_006, false, [1_006]]);
    assert.equal(socket.bufferedAmount, 10);
  });

  it("takes more than other sockets may have waiting, and larger messages", async (test) => {
    const { port } = await webSocketServer(test, {
      maxMessageBytes: 32_000_000,
      maxPendingBytes: 64_000_000,
      onMessage: (socket, data) => socket.send(data),
    });
    const socket = await opened(`ws://127.0.0.1:${port}/`);
    const sizes = [17_000_000, ...Array<number>(3).fill(1_000_000)];
    for (const size of sizes) socket.send(new Uint8Array(size));
    assert.equal(socket.bufferedAmount, 20_000_000);

    const got: number[] = [];
    socket.onmessage = ({ data }) => got.push((data as ArrayBuffer).byteLength);
    await until(() => got.length === sizes.length, 20_000);
    assert.deepEqual(got, sizes);
    socket.close();
  });

  it("has a CloseEvent that converts what it is given", () => {
    const init = { wasClean: 1, code: "65539", reason: null, cancelable: true };
    const event = new CloseEvent("close", init as object);
    const { wasClean, code, reason, cancelable } = event;
    assert.deepEqual([wasClean, code, reason, cancelable], [true, 3, "null", true]);
    const { type, code: none, bubbles } = new CloseEvent("end");
    assert.deepEqual([type, none, bubbles], ["end", 0, false]);
  });
});
