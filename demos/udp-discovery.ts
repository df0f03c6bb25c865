/**
 * Discovery on the local network: a service listens to a group and answers whoever asks by unicast; who looks
 * for it needs no address. The question has a number, so that an answer to another one is not taken for ours.
 */
import assert from "node:assert/strict";
import { UdpNode } from "hp-socket/udp";

const GROUP = "239.255.12.35";
const PORT = 20_000 + ((process.pid + 7) % 20_000);
const cast = { group: GROUP, port: PORT, interfaceHost: "127.0.0.1" };

const services = ["printer", "scanner"].map(
  (name) =>
    new UdpNode({
      onReceive(node, question, from) {
        const [verb, id] = String(question).split(" ");
        // What strangers send is data, and no more.
        if (verb === "WHO" && id !== undefined) node.send(from, `HERE ${id} ${name}`);
      },
    }),
);

const found: string[] = [];
const id = Math.random().toString(36).slice(2, 8);
let foundAll: () => void = () => undefined;
const done = new Promise<void>((resolve) => {
  foundAll = resolve;
});
const seeker = new UdpNode({
  multicastLoop: true,
  onReceive(_node, answer, from) {
    const [verb, answeredId, name] = String(answer).split(" ");
    if (verb !== "HERE" || answeredId !== id) return;
    found.push(`${name} at ${from.host}`);
    if (found.length === services.length) foundAll();
  },
});

try {
  for (const service of services) await service.open({ port: PORT, cast });
  await seeker.open({ host: "127.0.0.1", cast: { ...cast } });
} catch (error) {
  console.log(`no multicast on this machine: ${(error as Error).message}`);
  process.exit(0);
}
seeker.sendCast(`WHO ${id}`);
await done;
await Promise.all([...services, seeker].map((node) => node.stop()));

found.sort();
for (const line of found) console.log(line);
assert.deepEqual(found, ["printer at 127.0.0.1", "scanner at 127.0.0.1"]);
