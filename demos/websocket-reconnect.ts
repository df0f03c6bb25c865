/**
 * A WebSocket client that comes back by itself: its server is restarted, with Close code 1012. It subscribes on each socket
 * before anything else; code 4001, as this service has it, means that another attempt is of no use.
 */
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { WebSocketClient, WebSocketServer } from "hp-socket/websocket";

const told = new EventEmitter();
const messages: string[] = [];

async function start(port: number): Promise<WebSocketServer> {
  const server = new WebSocketServer({
    onMessage(_socket, text) {
      messages.push(String(text));
      told.emit(String(text));
    },
  });
  await server.listen({ host: "127.0.0.1", port });
  return server;
}

const client = new WebSocketClient({
  reconnect: {
    firstDelayMs: 20,
    maxDelayMs: 200,
    greeting: "subscribe prices",
    maxKeptBytes: 1_024,
    shouldReconnect: ({ closeCode }) => closeCode !== 4_001,
  },
  onReconnecting(_client, attempt, delayMs, { code, closeCode }) {
    console.log(`client: ${code} ${closeCode ?? ""}; attempt ${attempt} in ${delayMs} ms`);
    told.emit("away");
  },
  onReconnected: (_client, attempt) => console.log(`client: back after ${attempt} attempts`),
  onGiveUp: () => void told.emit("given up"),
});

let server = await start(0);
const { port } = server;
const subscribed = once(told, "subscribe prices");
await client.connect(`ws://127.0.0.1:${port}/`);
await subscribed;

const away = once(told, "away");
server.closeAll(1_012, "restart");
await server.stop();
await away;
assert.equal(client.send("alert at 100"), "slow", "kept for the next socket");
const kept = once(told, "alert at 100");
server = await start(port);
await kept;
assert.deepEqual(messages, ["subscribe prices", "subscribe prices", "alert at 100"]);

const givenUp = once(told, "given up");
server.closeAll(4_001, "the token has expired");
await givenUp;
assert.equal(client.isReconnecting, false);
await Promise.all([client.stop(), server.stop()]);
