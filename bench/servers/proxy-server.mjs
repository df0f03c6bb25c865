// A forward proxy by hp-socket: `proxy-server.mjs ENGINE`. Prints `READY PORT`.
import { ProxyServer } from "hp-socket/proxy";

const [engine = "node"] = process.argv.slice(2);
const proxy = new ProxyServer({
  engine,
  destinations: { allow: ["127.0.0.0/8"] },
  keepAliveTimeoutMs: 600_000,
});
const { port } = await proxy.listen();
console.log(`READY ${port}`);
