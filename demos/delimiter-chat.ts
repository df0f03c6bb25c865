/**
 * A chat in lines. A packet ends with a line feed, which is put on and taken off for you. The first
 * line of a connection is its user's name; what follows goes to everybody else.
 */
import assert from "node:assert/strict";
import { type Connection, delimiter, TcpClient, TcpServer } from "hp-socket";

interface User {
  name: string | undefined;
}

const room = new TcpServer<Buffer, User>({
  receive: delimiter({ maxPacketBytes: 1_000 }),
  context: () => ({ name: undefined }),
  onReceive(connection, line) {
    const user = connection.context;
    if (user.name === undefined) {
      user.name = line.toString();
      tellOthers(connection, `* ${user.name} has joined`);
      connection.send("* welcome");
    } else {
      tellOthers(connection, `${user.name}: ${line}`);
    }
  },
  onClose: (connection) => tellOthers(connection, `* ${connection.context.name} has left`),
});

function tellOthers(speaker: Connection<User>, line: string): void {
  room.broadcast(line, { except: speaker, filter: ({ context }) => context.name !== undefined });
}

const address = await room.listen({ host: "127.0.0.1" });

async function join(name: string): Promise<TcpClient> {
  const client = new TcpClient({ receive: delimiter() });
  await client.connect(address);
  client.send(name);
  assert.equal((await client.read()).toString(), "* welcome");
  return client;
}

const ann = await join("Ann");
const ben = await join("Ben");
const cem = await join("Cem");
ann.send("Does anybody read this?");
const heard = [await ben.read(), await ben.read()].map(String);
assert.deepEqual(heard, ["* Cem has joined", "Ann: Does anybody read this?"]);
ben.send("I do.");

for (const expected of ["* Ben has joined", "* Cem has joined", "Ben: I do."]) {
  const line = (await ann.read()).toString();
  console.log(`Ann reads  ${line}`);
  assert.equal(line, expected);
}
await cem.stop();
assert.equal((await ann.read({ timeoutMs: 5_000 })).toString(), "* Cem has left");
await Promise.all([ann.stop(), ben.stop(), room.stop()]);
