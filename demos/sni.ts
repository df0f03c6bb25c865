/**
 * One server, many names (SNI): a table with exact and wildcard names, a function for the rest, and
 * the main certificate for whoever names none of them. A certificate is exchanged while it runs.
 */
import assert from "node:assert/strict";
import { TcpAgent, TcpServer } from "hp-socket";
import { selfSignedCertificate } from "hp-socket/testing";

const main = selfSignedCertificate({ names: ["main.example"] });
const shop = selfSignedCertificate({ names: ["shop.example"] });
const tenants = selfSignedCertificate({ names: ["*.tenants.example"] });
const late = selfSignedCertificate({ names: ["late.example"] });

const tls = {
  ...{ cert: main.cert, key: main.key },
  serverNames: {
    "shop.example": { cert: shop.cert, key: shop.key },
    "*.tenants.example": { cert: tenants.cert, key: tenants.key },
  },
  async selectCertificate(serverName: string) {
    console.log("server: asked for", serverName);
    return serverName === "late.example" ? { cert: late.cert, key: late.key } : undefined;
  },
};
const server = new TcpServer({ tls });
await server.listen({ host: "127.0.0.1" });

async function shownFor(serverName: string): Promise<string | undefined> {
  const agent = new TcpAgent({ tls: { serverName, verify: "none" } });
  const connection = await agent.connect({ host: "127.0.0.1", port: server.port });
  const subject = connection.tls?.peerCertificate?.subject;
  console.log(`client: ${serverName} shows ${subject}`);
  await agent.stop();
  return subject;
}

assert.equal(await shownFor("shop.example"), "CN=shop.example");
assert.equal(await shownFor("one.tenants.example"), "CN=*.tenants.example");
assert.equal(await shownFor("late.example"), "CN=late.example");
assert.equal(await shownFor("unknown.example"), "CN=main.example");

const renewed = selfSignedCertificate({ names: ["renewed.example"] });
server.configure({ tls: { ...tls, cert: renewed.cert, key: renewed.key } });
assert.equal(await shownFor("unknown.example"), "CN=renewed.example");

await server.stop();
