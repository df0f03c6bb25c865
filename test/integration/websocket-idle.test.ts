/** An idle WebSocket owns nothing that only moving frames need. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineName } from "hp-socket";
import { type Message, WebSocketAgent, type WebSocketConnection } from "hp-socket/websocket";
import { OPCODE } from "#src/protocol/websocket/opcode.js";
import { availableEngines } from "../support/engine-list.js";
import { until } from "../support/until.js";
import { frame } from "../support/websocket-frames.js";
import { framePeer, socketsOf, webSocketServer } from "../support/websocket-world.js";

/** The parts that are made when they are needed, by name: those that are there. */
function partsOf(socket: WebSocketConnection): string[] {
  interface Session {
    readonly connection: object;
  }
  const { session } = socket as unknown as { readonly session: Session };
  const names = ["decoding", "sending", "ownInbox", "ending", "inbound", "outbound"];
  return names.filter((name) => {
    const owner = name.endsWith("bound") ? session.connection : session;
    return (owner as Record<string, unknown>)[name] !== undefined;
  });
}

for (const engine of availableEngines()) {
  describe(`an idle WebSocket on ${engine}`, () => idle(engine));
}

function idle(engine: EngineName): void {
  it("has no way in or out, and nothing that decodes or sends", async (test) => {
    const server = await webSocketServer(test, {
      engine,
      onOpen: (socket) => socket.subscribe("all"),
      onMessage: (socket, data) => socket.send(data),
    });
    const peer = await framePeer(test, server.port);
    const [socket] = socketsOf(server);
    assert.ok(socket !== undefined);

    peer.send("text", { opcode: OPCODE.ping, payload: "ping" });
    await until(() => peer.events.includes("pong 0x70696e67"));
    const whole = frame({ payload: Buffer.alloc(40_000, "x") });
    peer.send(whole.subarray(0, 3));
    await until(() => partsOf(socket).includes("decoding"));
    assert.equal(socket.isInMessage, false);
    peer.send(whole.subarray(3, 20_000));
    await until(() => socket.isInMessage);
    assert.equal(socket.frame.payloadBytes, 40_000);
    peer.send(whole.subarray(20_000));
    await until(() => peer.recorder.messages.length === 2);
    server.publish("all", "news");
    await until(() => peer.recorder.messages.length === 3);

    await until(() => partsOf(socket).length === 0);
    assert.equal(socket.isInMessage, false);
    assert.equal(socket.pendingBytes, 0);
    assert.deepEqual(socket.stats.sentMessages, 3);
    const { opcode, isFinal, isMasked, maskKey, payloadBytes, remainingBytes } = socket.frame;
    assert.deepEqual(
      { opcode, isFinal, isMasked, maskKey, payloadBytes, remainingBytes },
      {
        opcode: OPCODE.text,
        isFinal: true,
        isMasked: true,
        maskKey: undefined,
        payloadBytes: 40_000,
        remainingBytes: 0,
      },
    );
  });

  it("keeps what decodes and sends while a message is under way in either direction", async (test) => {
    const server = await webSocketServer(test, { engine, onMessage() {} });
    const peer = await framePeer(test, server.port);
    const [socket] = socketsOf(server);
    assert.ok(socket !== undefined);

    socket.send("be", { isLast: false });
    peer.send({ payload: "fore", fin: false });
    await until(() => socket.isInMessage && peer.socket.bytesRead > peer.head.length + 4);
    await until(() => socket.pendingBytes === 0);
    assert.ok(partsOf(socket).includes("decoding"));
    assert.ok(partsOf(socket).includes("sending"));

    socket.send("gin", { isLast: true });
    peer.send({ opcode: OPCODE.continuation, payload: "" });
    await until(() => partsOf(socket).length === 0);
    await until(() => peer.recorder.messages.length === 1);
  });

  it("hears a silent peer's next message, its end, and the stop of the server", async (test) => {
    const server = await webSocketServer(test, {
      engine,
      onMessage: (socket, data) => socket.send(data),
    });
    const peers = [await framePeer(test, server.port), await framePeer(test, server.port)];
    const sockets = socketsOf(server);
    await until(() => sockets.every((socket) => partsOf(socket).length === 0));

    peers[0]?.send("again");
    await until(() => peers[0]?.recorder.messages.length === 1);
    sockets[1]?.pause();
    sockets[1]?.resume();
    const closed = sockets[1]?.closed();
    peers[1]?.socket.end();
    assert.equal((await closed)?.code, 1_006);
    const stopped = server.stop({ drainMs: 1_000 });
    await until(() => peers[0]?.events.some((event) => event.startsWith("close 1001")) === true);
    peers[0]?.close(1_001);
    await stopped;
    assert.equal(server.connectionCount, 0);
  });

  it("of a client is as light", async (test) => {
    const server = await webSocketServer(test, {
      engine,
      onMessage: (socket, data) => socket.send(data),
    });
    const heard: Message[] = [];
    const agent = new WebSocketAgent({
      engine,
      onMessage: (_socket, data) => void heard.push(data),
    });
    test.after(() => agent.stop());
    const socket = await agent.connect(`ws://127.0.0.1:${server.port}/`);
    socket.send("there and back");
    await until(() => heard.length === 1);
    await until(() => partsOf(socket).length === 0);
  });
}
