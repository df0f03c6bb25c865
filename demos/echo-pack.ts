/**
 * Pack, HP-Socket's own packets: each `send` arrives as one `onReceive`, however TCP cuts the
 * stream. Both ends use the flag 0x169; a peer with another flag is not understood and is cut off.
 */
import assert from "node:assert/strict";
import { type CloseReason, pack, TcpAgent, TcpServer } from "hp-socket";

const reasons: CloseReason[] = [];
const server = new TcpServer({
  receive: pack({ flag: 0x169, maxPacketBytes: 0x7ff }),
  onReceive(connection, packet) {
    connection.send(packet);
  },
  onClose: (_connection, reason) => {
    reasons.push(reason);
    console.log(`server: ${reason.cause?.message ?? "closed in good order"}`);
  },
});
const address = await server.listen({ host: "127.0.0.1" });

const agent = new TcpAgent({ receive: pack({ flag: 0x169, maxPacketBytes: 0x7ff }) });
const friend = await agent.connect(address);
friend.send("one");
friend.sendAll(["two ", "pieces, ", "one packet"]);
friend.send("x".repeat(0x7ff));

const lengths: number[] = [];
for await (const packet of friend) {
  console.log(`client: a packet of ${packet.length} bytes, ${packet.toString("utf8", 0, 24)}`);
  if (lengths.push(packet.length) === 3) break;
}
assert.deepEqual(lengths, [3, 22, 0x7ff]);
assert.throws(() => friend.send("y".repeat(0x800)), { code: "PACKET_INVALID" });
assert.equal(friend.stats.sentBytes, 3 * 4 + 3 + 22 + 0x7ff, "each packet has a head of 4 bytes");

const stranger = await agent.connect(address);
stranger.receive = pack({ flag: 1 });
stranger.send("hello?");
await assert.rejects(stranger.read(), { code: "CONNECTION_CLOSED" });
assert.equal(reasons[0]?.code, "PACKET_MALFORMED");

await agent.stop();
await server.stop();
