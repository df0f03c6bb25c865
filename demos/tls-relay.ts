/**
 * A relay in front of two servers: it ends the TLS of its clients and goes by the name that they want, checks its
 * destinations, and tells them by a PROXY header who the client is.
 */
import assert from "node:assert/strict";
import { TcpClient, TcpServer } from "hp-socket";
import { Relay } from "hp-socket/proxy";
import { selfSignedCertificate } from "hp-socket/testing";

async function shop(name: string): Promise<TcpServer> {
  const server = new TcpServer({
    proxyHeader: { from: ["127.0.0.0/8"] },
    onHandshake: (connection) => {
      const wanted = connection.proxyHeader?.tlvs.find(({ type }) => type === 2)?.value;
      connection.send(`${name} for ${wanted}, port ${connection.remoteAddress?.port}\n`);
    },
  });
  await server.listen({ host: "127.0.0.1" });
  return server;
}

const [red, blue] = [await shop("red"), await shop("blue")];
const { cert, key } = selfSignedCertificate({ names: ["red.test", "blue.test"] });
const relay = new Relay({
  tls: { cert, key },
  sni: {
    routes: {
      "red.test": [`127.0.0.1:${red.port}`],
      "blue.test": [`127.0.0.1:${blue.port}`],
    },
  },
  sendProxyHeader: 2,
  healthCheck: { everyMs: 1_000 },
  onRelayed: ({ serverName, destination, toClientBytes }) =>
    console.log(`${serverName}: ${toClientBytes} bytes from ${destination}`),
});
await relay.listen();

for (const name of ["red", "blue"]) {
  const client = new TcpClient({ tls: { ca: cert, serverName: `${name}.test` } });
  await client.connect({ port: relay.port });
  const { port } = client.connection?.localAddress ?? {};
  const line = (await client.readUntil("\n")).toString();
  console.log(line.trim());
  assert.equal(line, `${name} for ${name}.test, port ${port}\n`);
  await client.stop();
}
await relay.stop();
await Promise.all([red.stop(), blue.stop()]);
