/**
 * UDP nodes: any to any, without connections. Five nodes pass a number on in a ring, each one more, until it
 * has gone round three times.
 */
import assert from "node:assert/strict";
import { type SendTarget, UdpNode } from "hp-socket/udp";

const COUNT = 5;
const LAST = 3 * COUNT;

const addresses: SendTarget[] = [];
let arrived: (number: number) => void = () => undefined;
const done = new Promise<number>((resolve) => {
  arrived = resolve;
});

const nodes = Array.from(
  { length: COUNT },
  (_, index) =>
    new UdpNode({
      onReceive(node, datagram, from) {
        const number = datagram.readUInt32BE(0) + 1;
        if (index === 0) console.log(`node 0 gets ${number - 1} from port ${from.port}`);
        if (number > LAST) arrived(number - 1);
        else node.send(addresses[(index + 1) % COUNT] as SendTarget, bytesOf(number));
      },
      onError: (_node, error) => console.log(error.message),
    }),
);
for (const node of nodes) addresses.push(await node.open({ host: "127.0.0.1" }));

nodes[0]?.send(addresses[1] as SendTarget, bytesOf(1));
assert.equal(await done, LAST);
await Promise.all(nodes.map((node) => node.stop()));
console.log(`${LAST} hops`);

function bytesOf(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number, 0);
  return bytes;
}
