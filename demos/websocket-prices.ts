// Prices for many: one frame for all receivers, made once; a receiver that is too slow misses some.
import assert from "node:assert/strict";
import { WebSocketAgent, WebSocketServer } from "hp-socket/websocket";

const RECEIVERS = 200;
const TICKS = 50;

const server = new WebSocketServer({
  slowConsumer: "drop", // the next price is worth more than the last one
  maxPendingBytes: 65_536,
  onMessage(socket, symbol) {
    socket.subscribe(String(symbol));
    socket.send("subscribed");
  },
});
await server.listen({ host: "127.0.0.1" });

let receivedCount = 0;
const last = new Map<number, string>();
const agent = new WebSocketAgent({
  onOpen: (socket) => void socket.send(socket.id % 2 === 0 ? "EUR" : "CHF"),
  onMessage(socket, data) {
    if (data === "subscribed") return;
    receivedCount += 1;
    last.set(socket.id, String(data));
  },
});
const url = `ws://127.0.0.1:${server.port}/`;
await Promise.all(Array.from({ length: RECEIVERS }, () => agent.connect(url)));
const turn = () => new Promise((resolve) => setImmediate(resolve));
const subscriberCount = () => server.subscriberCount("EUR") + server.subscriberCount("CHF");
while (subscriberCount() < RECEIVERS) await turn();

let sentCount = 0;
for (let tick = 1; tick <= TICKS; tick++) {
  sentCount += server.publish("EUR", `EUR ${tick}`) + server.publish("CHF", `CHF ${tick}`);
  await turn();
}
while (receivedCount < sentCount) await turn();

console.log(
  `${TICKS} prices each of ${server.topics()} to ${RECEIVERS}: ${receivedCount} messages`,
);
assert.equal(sentCount, TICKS * RECEIVERS);
assert.deepEqual([...new Set(last.values())].sort(), [`CHF ${TICKS}`, `EUR ${TICKS}`]);

await agent.stop();
await server.stop();
