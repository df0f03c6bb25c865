/**
 * UDP cast: what is sent to a multicast group is heard by all who have joined it, here on this machine.
 */
import assert from "node:assert/strict";
import { UdpCast } from "hp-socket/udp";

const GROUP = "239.255.12.34";
const PORT = 20_000 + (process.pid % 20_000);
const target = { group: GROUP, port: PORT, interfaceHost: "127.0.0.1" };

const heard: string[] = [];
let allHeard: () => void = () => undefined;
const casts = ["ann", "bob", "eve"].map(
  (name) =>
    new UdpCast({
      multicastLoop: true,
      onReceive(_cast, datagram) {
        heard.push(`${name} hears ${datagram}`);
        if (heard.length === 3) allHeard();
      },
    }),
);

try {
  for (const cast of casts) await cast.open(target);
} catch (error) {
  console.log(`no multicast on this machine: ${(error as Error).message}`);
  process.exit(0);
}
const done = new Promise<void>((resolve) => {
  allHeard = resolve;
});
casts[0]?.send("hello");
await done;
await Promise.all(casts.map((cast) => cast.stop()));

heard.sort();
for (const line of heard) console.log(line);
assert.deepEqual(heard, ["ann hears hello", "bob hears hello", "eve hears hello"]);
