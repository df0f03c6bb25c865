/**
 * A file over a link that loses a fifth of all packets, doubles some and lets others be overtaken: it arrives as it
 * was. The link is simulated, in time that is moved by hand, so this takes no longer than the computing.
 */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { ArqClient, ArqServer } from "hp-socket/arq";
import { ManualClock, MemoryEngine, SimulatedLink } from "hp-socket/testing";

const PIECE_BYTES = 16_384;
const file = randomBytes(1_000_000);
const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

const clock = new ManualClock();
const options = { lossRate: 0.2, lossBurst: 2, delayMs: 25, jitterMs: 10, reorderRate: 0.05 };
const link = { ...options, duplicateRate: 0.02, bytesPerSecond: 500_000 };
const there = new SimulatedLink({ ...link, seed: 1 });
const back = new SimulatedLink({ ...link, seed: 2 });
const isThere = (port: number | undefined): boolean => port === 5_555;
const engine = new MemoryEngine({
  clock,
  link: ({ to }) => (isThere(to.port) ? there : back),
});

const pieces: Buffer[] = [];
const server = new ArqServer({ engine, onReceive: (_, piece) => void pieces.push(piece) });
const listening = server.listen({ host: "127.0.0.1", port: 5_555 });
await engine.settle();
await listening;

const client = new ArqClient({ engine, deadLinkMs: 60_000, maxPendingBytes: 2_000_000 });
const connecting = client.connect({ port: 5_555 });
await engine.advance(2_000);
await connecting;

const startMs = clock.now();
for (let at = 0; at < file.length; at += PIECE_BYTES) {
  client.send(file.subarray(at, at + PIECE_BYTES));
}
while (client.pendingBytes > 0) await engine.advance(100);

const seconds = (clock.now() - startMs) / 1_000;
const { lostCount, droppedCount, sentCount } = there.counts;
const arrived = Buffer.concat(pieces);
console.log(`${arrived.length} bytes in ${seconds.toFixed(1)} s of the link's time`);
console.log(`${sentCount} packets sent: ${lostCount} lost, ${droppedCount} found no room`);
console.log(`round trip ${client.linkStats?.roundTripMs} ms`);
assert.equal(digest(arrived), digest(file));
console.log("and the file is the same");

await Promise.all([client.stop(), engine.advance(6_000)]);
await Promise.all([server.stop({ drainMs: 0 }), engine.advance(1_000)]);
