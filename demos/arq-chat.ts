/**
 * A chat over reliable UDP: lines arrive once, whole and in order, as over TCP. Those who are "typing" say so in
 * messages that are worth nothing when late: `expiresMs`.
 */
import assert from "node:assert/strict";
import { ArqClient, ArqServer } from "hp-socket/arq";

const server = new ArqServer<string>({
  context: () => "somebody",
  onReceive(connection, message) {
    const [kind, text = ""] = String(message).split(/:(.*)/);
    if (kind === "name") {
      connection.context = text;
      connection.subscribe("room");
    } else if (kind === "line") connection.publish("room", `${connection.context}: ${text}`);
    else connection.publish("room", `(${connection.context} is typing)`);
  },
});
const { port } = await server.listen({ host: "127.0.0.1" });

const heard: Record<string, string[]> = { ann: [], bob: [] };
async function join(name: string): Promise<ArqClient> {
  const client = new ArqClient({
    onReceive: (_, message) => {
      console.log(`${name} hears: ${message}`);
      heard[name]?.push(String(message));
    },
  });
  await client.connect({ port });
  client.send(`name:${name}`);
  return client;
}

const ann = await join("ann");
const bob = await join("bob");
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
while (server.subscriberCount("room") < 2) await nextTurn();

ann.send("typing:", { expiresMs: 500 });
ann.send("line:hello, bob");
while ((heard["bob"]?.length ?? 0) < 2) await nextTurn();
bob.send("line:hello, ann");
while (!heard["ann"]?.includes("bob: hello, ann")) await nextTurn();

assert.ok(heard["bob"]?.includes("ann: hello, bob"));
await Promise.all([ann.stop(), bob.stop()]);
await server.stop();
console.log("and all have left");
