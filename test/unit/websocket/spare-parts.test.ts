import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FrameOutput, type SendingSocket } from "#src/websocket/frame-output.js";
import {
  type SessionParts,
  SocketSession,
  type SocketShare,
} from "#src/websocket/socket-session.js";
import {
  type WebSocketConfiguration,
  webSocketConfiguration,
} from "#src/websocket/websocket-settings.js";

/** The limits of the table. */
const MAX_SPARES = 8_192;
const MAX_SPARE_DECODERS = 64;

describe("what serves WebSockets while they are busy", () => {
  it("keeps what sends for the next socket, MAX_SPARES at the most", () => {
    const socket = {} as SendingSocket;
    const busy = Array.from({ length: MAX_SPARES + 5 }, () => FrameOutput.for(socket));
    for (const output of busy) assert.equal(output.leave(), true);

    const again = Array.from({ length: MAX_SPARES + 5 }, () => FrameOutput.for(socket));
    const used = new Set(busy);
    const reused = again.filter((output) => used.has(output));

    assert.equal(new Set(again).size, MAX_SPARES + 5);
    assert.equal(reused.length, MAX_SPARES);
  });

  it("keeps decoders for the next socket, MAX_SPARE_DECODERS at the most", () => {
    const configuration = webSocketConfiguration({});
    const { decoders } = configuration;
    const share = shareOf(configuration);
    const sockets = Array.from({ length: MAX_SPARE_DECODERS + 5 }, () => socketOf(share));
    // A pong of one byte, masked, in two parts: each socket has a decoder in between.
    for (const socket of sockets) socket.received(Buffer.of(0x8a, 0x81, 1, 2));
    assert.equal(decoders.length, 0);
    for (const socket of sockets) socket.received(Buffer.of(3, 4, 5));

    assert.equal(decoders.length, MAX_SPARE_DECODERS);
    assert.equal(new Set(decoders).size, MAX_SPARE_DECODERS);
  });
});

function shareOf(configuration: WebSocketConfiguration): SocketShare {
  return {
    role: "server",
    configuration,
    heartbeat: undefined,
    calls: { hasFrameHandlers: false, ponged: () => undefined },
    group: {},
  } as unknown as SocketShare;
}

function socketOf(share: SocketShare): SocketSession {
  const parts = {
    connection: { isOpen: true, isDelivering: () => true },
    protocol: "",
    context: undefined,
  };
  return new SocketSession(share, parts as unknown as SessionParts);
}
