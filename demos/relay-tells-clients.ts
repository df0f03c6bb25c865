/**
 * A server behind a relay knows its clients: the relay tells by a PROXY header whose connection it passes on, and the server's
 * limits go by that address. Nobody else may come in, and nobody can claim to be somebody else.
 */
import assert from "node:assert/strict";
import { TcpClient, TcpServer } from "hp-socket";
import { Relay } from "hp-socket/proxy";

const seen: string[] = [];
const refused: string[] = [];
const server = new TcpServer({
  // The relay is at this address: what comes from there begins with a header. From others none is read.
  proxyHeader: { from: ["127.0.0.1"] },
  access: { allow: ["127.0.0.0/8"], deny: ["127.0.0.66"], maxConnectionsPerAddress: 2 },
  onAccept(connection) {
    const { proxyHeader, remoteAddress } = connection;
    const host = remoteAddress?.host ?? "";
    console.log(`server: ${host} is there, by ${proxyHeader ? "the relay" : "itself"}`);
    seen.push(host);
  },
  onRefuse(error, remoteAddress) {
    console.log(`server: ${remoteAddress?.host} is not let in: ${error.code}`);
    refused.push(`${remoteAddress?.host} ${error.code}`);
  },
  onReceive: (connection, data) => void connection.send(data),
});
const { port } = await server.listen({ host: "127.0.0.1" });
const relay = new Relay({ to: [`127.0.0.1:${port}`], sendProxyHeader: 2 });
const { port: relayPort } = await relay.listen({ host: "127.0.0.1" });

async function hello(localHost: string, to: number): Promise<TcpClient> {
  const client = new TcpClient();
  await client.connect({ host: "127.0.0.1", port: to, localHost });
  client.send("hello");
  await client.read(5, { timeoutMs: 2_000 }).catch(() => {});
  return client;
}

const clients = [
  await hello("127.0.0.5", relayPort), // by the relay, twice: known by its own address
  await hello("127.0.0.5", relayPort),
  await hello("127.0.0.5", relayPort), // one too many of this address, though the relay is allowed to come
  await hello("127.0.0.66", relayPort), // on the list of those who may not, behind the relay too
  await hello("127.0.0.7", port), // itself: no header is read from it
];
await Promise.all(clients.map((client) => client.stop({ drainMs: 0 })));
await Promise.all([relay.stop(), server.stop()]);
assert.deepEqual(seen, ["127.0.0.5", "127.0.0.5", "127.0.0.7"]);
assert.deepEqual(refused, ["127.0.0.5 ADDRESS_LIMIT", "127.0.0.66 ACCESS_REFUSED"]);
