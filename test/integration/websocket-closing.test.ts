import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Message, WebSocketConnection, WebSocketEnd } from "hp-socket/websocket";
import { OPCODE } from "#src/protocol/websocket/opcode.js";
import { availableEngines } from "../support/engine-list.js";
import { until } from "../support/until.js";
import { framePeer, webSocketServer } from "../support/websocket-world.js";

/** Longer than any test may take: none of these ends by it. */
const NEVER_MS = 600_000;

/** A handler's promise, which is settled from outside. */
class Busy {
  settle: (() => void) | undefined;

  begin(): Promise<void> {
    return new Promise((resolve) => {
      this.settle = resolve;
    });
  }
}

for (const engine of availableEngines()) {
  describe(`WebSockets that close while nobody reads, on ${engine}`, () => {
    it("end a handler's wait for the end of its own socket", async (test) => {
      const ends: WebSocketEnd[] = [];
      const server = await webSocketServer(test, {
        engine,
        closeFrameTimeoutMs: NEVER_MS,
        async onMessage(socket) {
          socket.close(4_000, "enough");
          ends.push(await socket.closed());
        },
      });
      const peer = await framePeer(test, server.port);

      peer.send("first", "second");
      await peer.saw("close 4000 enough");
      peer.close(4_000, "enough");
      await peer.ended();
      await until(() => ends.length === 1);

      assert.deepEqual([ends[0]?.code, ends[0]?.isClean], [4_000, true]);
    });

    it("end a busy handler's wait for the peer's end, without a message more to it", async (test) => {
      const seen: string[] = [];
      const server = await webSocketServer(test, {
        engine,
        async onMessage(socket, data) {
          seen.push(String(data));
          const { code } = await socket.closed();
          seen.push(`end ${code}`);
        },
      });
      const peer = await framePeer(test, server.port);

      peer.send("first", "second");
      peer.close(3_001);
      await peer.ended();
      await until(() => seen.length >= 2);

      assert.deepEqual(seen, ["first", "end 3001"]);
    });

    it("give a handler that reads on what it reads", async (test) => {
      const seen: Message[] = [];
      const server = await webSocketServer(test, {
        engine,
        async onMessage(socket, data) {
          seen.push(data, await socket.read(), await socket.read());
          socket.close(4_002);
        },
      });
      const peer = await framePeer(test, server.port);

      peer.send("one", "two");
      peer.send("three");
      await peer.saw("close 4002 ");

      assert.deepEqual(seen, ["one", "two", "three"]);
    });

    it("give a busy handler what came meanwhile, in order, when it has settled", async (test) => {
      const seen: string[] = [];
      let socket: WebSocketConnection | undefined;
      const busy = new Busy();
      const server = await webSocketServer(test, {
        engine,
        closeFrameTimeoutMs: NEVER_MS,
        onOpen(one) {
          socket = one;
        },
        onMessage(_socket, data) {
          seen.push(String(data));
          if (data !== "wait" && data !== "again") return undefined;
          return busy.begin();
        },
      });
      const peer = await framePeer(test, server.port);

      peer.send("wait", "one", "two", "again", "three");
      await until(() => busy.settle !== undefined);
      socket?.close(4_001);
      await until(() => socket?.stats.receivedMessages === 5);
      const whileBusy = [...seen];
      busy.settle?.();
      await until(() => seen.length === 4);
      const whileBusyAgain = [...seen];
      busy.settle?.();
      await until(() => seen.length === 5);
      peer.close();
      await peer.ended();

      assert.deepEqual(whileBusy, ["wait"]);
      assert.deepEqual(whileBusyAgain, ["wait", "one", "two", "again"]);
      assert.deepEqual(seen, ["wait", "one", "two", "again", "three"]);
    });

    it("find the peer's Close frame behind what nobody reads, and keep what there is room for", async (test) => {
      let socket: WebSocketConnection | undefined;
      const server = await webSocketServer(test, {
        engine,
        maxUnreadBytes: 1_000,
        closeFrameTimeoutMs: NEVER_MS,
        onOpen(one) {
          socket = one;
        },
      });
      const peer = await framePeer(test, server.port);

      peer.send(...Array.from({ length: 3_000 }, (_, index) => `message ${index}`));
      peer.send({ opcode: OPCODE.binary, payload: Buffer.alloc(200_000) });
      await until(() => socket?.stats.receivedMessages === 8);
      socket?.close(4_001);
      await peer.saw("close 4001 ");
      peer.close();
      const end = await socket?.closed();
      const read: Message[] = [];
      for await (const message of socket ?? []) read.push(message);

      assert.equal(end?.isClean, true);
      assert.deepEqual(
        read,
        Array.from({ length: 8 }, (_, index) => `message ${index}`),
      );
    });

    it("hand out no piece behind one that a busy handler went without", async (test) => {
      const seen: string[] = [];
      let socket: WebSocketConnection | undefined;
      const busy = new Busy();
      const server = await webSocketServer(test, {
        engine,
        closeFrameTimeoutMs: NEVER_MS,
        onOpen(one) {
          socket = one;
        },
        onMessageBegin: () => "pieces",
        onMessagePiece(_socket, bytes) {
          seen.push(`piece ${bytes}`);
          return busy.begin();
        },
        onMessageEnd: () => void seen.push("end"),
        onPing: () => void seen.push("ping"),
      });
      const peer = await framePeer(test, server.port);

      peer.send({ payload: "one", fin: false });
      await until(() => busy.settle !== undefined);
      peer.send({ opcode: OPCODE.continuation, payload: "two", fin: false });
      socket?.close(4_001);
      await peer.saw("close 4001 ");
      peer.send({ opcode: OPCODE.continuation, payload: "three", fin: true }, "more");
      busy.settle?.();
      peer.close();
      await peer.ended();

      assert.deepEqual(seen, ["piece one"]);
    });
  });
}
