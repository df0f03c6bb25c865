/**
 * Template: asynchronous, short. Who sends does not wait: a message leaves on a connection that is
 * closed at once, and its answer comes later, on a connection that the other side makes. Both sides
 * listen and connect. A message is all that came until its connection was closed.
 */
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { type Address, TcpAgent, TcpServer, untilClosed } from "hp-socket";

const receive = untilClosed({ maxPacketBytes: 10_000 });
const agent = new TcpAgent();

async function post(to: Address, text: string): Promise<void> {
  const connection = await agent.connect({ ...to, timeoutMs: 5_000 });
  connection.send(text);
  connection.close();
}

const delivered: string[] = [];
const deliveries = new EventEmitter();
const customer = new TcpServer({
  receive,
  onReceive(_connection, message) {
    console.log(`customer: ${message}`);
    delivered.push(message.toString());
    if (delivered.length === 3) deliveries.emit("complete");
  },
});
const customerAddress = await customer.listen({ host: "127.0.0.1" });

const shop = new TcpServer({
  receive,
  async onReceive(_connection, message) {
    console.log(`shop:     ${message}`);
    await post(customerAddress, message.toString().replace("order", "here is"));
  },
});
const shopAddress = await shop.listen({ host: "127.0.0.1" });

const complete = once(deliveries, "complete", { signal: AbortSignal.timeout(10_000) });
for (const goods of ["flour", "butter", "sugar"]) await post(shopAddress, `order: ${goods}`);
console.log("customer: all orders are out");
await complete;
assert.deepEqual(delivered.sort(), ["here is: butter", "here is: flour", "here is: sugar"]);

await agent.stop();
await Promise.all([shop.stop(), customer.stop()]);
assert.equal(agent.stats.openedCount, 6, "a connection for each message");
