// A relay of streams to one port: `node relay-server.mjs pipe|hp PORT`. Prints READY and its port.
// `pipe` is what one writes with node:net: two sockets that are piped into each other.
import { connect, createServer } from "node:net";
import { Relay } from "hp-socket/proxy";

process.once("SIGINT", () => process.exit(0));

const [kind, to] = process.argv.slice(2);

if (kind === "pipe") {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({
      port: Number(to),
      host: "127.0.0.1",
      allowHalfOpen: true,
      noDelay: true,
    });
    client.pipe(upstream).pipe(client);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ]) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, () =>
    console.log(`READY ${server.address().port}`),
  );
} else {
  const relay = new Relay({ to: [`127.0.0.1:${to}`] });
  const { port } = await relay.listen({ host: "127.0.0.1" });
  console.log(`READY ${port}`);
}
