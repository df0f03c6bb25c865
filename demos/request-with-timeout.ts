/**
 * Request and response with a time limit. A request that gets no answer in time fails by itself.
 * In order (the default) a late answer is recognised by its place and dropped; with `correlate` any
 * number are under way at once and may be answered in any order.
 */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { delimiter, type NetError, TcpClient, TcpServer } from "hp-socket";

const server = new TcpServer({
  receive: delimiter(),
  async onReceive(connection, line) {
    const [id, text] = line.toString().split(":");
    // The promise of a handler holds its own connection back, and no other.
    if (text === "slow") await delay(100);
    if (text === "later") setTimeout(() => connection.send(`${id}:answer to ${text}`), 50);
    else connection.send(`${id}:answer to ${text}`);
  },
});
const address = await server.listen({ host: "127.0.0.1" });

const inOrder = new TcpClient({ receive: delimiter(), requestTimeoutMs: 5_000 });
await inOrder.connect(address);
await assert.rejects(inOrder.request("1:slow", { timeoutMs: 20 }), (error: NetError) => {
  console.log(`${error.code}: ${error.message}`);
  return error.code === "REQUEST_TIMEOUT";
});
const second = await inOrder.request("2:quick");
console.log(`the next request gets its own answer, not the late one: ${second}`);
assert.equal(second.toString(), "2:answer to quick");

const keyed = new TcpClient({
  receive: delimiter(),
  correlate: (packet) => String.fromCharCode(packet[0] ?? 0),
});
await keyed.connect(address);
const arrived: string[] = [];
await Promise.all(
  ["a:later", "b:quick", "c:quick"].map(async (request) => {
    arrived.push((await keyed.request(request)).toString());
  }),
);
console.log(`answers by key, as they came: ${arrived.join(", ")}`);
assert.deepEqual(arrived, ["b:answer to quick", "c:answer to quick", "a:answer to later"]);

// Who does not want to wait any longer says so with a signal.
const signal = AbortSignal.timeout(20);
await assert.rejects(inOrder.request("3:slow", { signal }), { code: "ABORTED" });

await Promise.all([inOrder.stop(), keyed.stop()]);
await server.stop();
