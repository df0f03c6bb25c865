/**
 * Template: asynchronous, long, simplex. Two connections stay, and each is used in one direction
 * only: each side sends on the one it made and receives on the one it accepted. Lost messages can't
 * be mistaken for answers, and either direction can be made again without the other.
 */
import assert from "node:assert/strict";
import { lengthPrefix, TcpClient, TcpServer } from "hp-socket";

/** Four bytes of EBCDIC digits, as a mainframe has them; the text is the application's matter. */
const receive = lengthPrefix({ format: "ebcdic", bytes: 4 });

/** One side: what it accepts comes in, what it connects goes out. */
function station(onMessage: (message: string) => void): {
  inbound: TcpServer;
  outbound: TcpClient;
} {
  const inbound = new TcpServer({
    receive,
    maxConnections: 1,
    onReceive: (_connection, message) => onMessage(message.toString()),
  });
  const outbound = new TcpClient({
    receive,
    // Nothing may come on a connection that is for sending only.
    onReceive: (self) => void self.abort(),
  });
  return { inbound, outbound };
}

const got: string[] = [];
const bank = station((message) => {
  console.log(`bank gets    ${message}`);
  bank.outbound.send(`booked: ${message}`);
});
const branch = station((message) => {
  console.log(`branch gets  ${message}`);
  if (got.push(message) === 3) void branch.outbound.stop();
});
const bankAddress = await bank.inbound.listen({ host: "127.0.0.1" });
const branchAddress = await branch.inbound.listen({ host: "127.0.0.1" });
await branch.outbound.connect(bankAddress);
await bank.outbound.connect(branchAddress);

for (const amount of [100, 200, 300]) branch.outbound.send(`${amount} to account 7`);
await branch.outbound.stopped({ timeoutMs: 10_000 });
assert.deepEqual(
  got,
  [100, 200, 300].map((amount) => `booked: ${amount} to account 7`),
);
assert.equal(branch.outbound.connectionStats?.receivedBytes, 0);
assert.equal(bank.outbound.connectionStats?.receivedBytes, 0);

await bank.outbound.stop();
await Promise.all([bank.inbound.stop(), branch.inbound.stop()]);
