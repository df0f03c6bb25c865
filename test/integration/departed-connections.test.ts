import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { delimiter, push, TcpClient, TcpServer } from "hp-socket";
import { availableEngines } from "../support/engine-list.js";
import { until } from "../support/until.js";

const CLIENTS = 20;

for (const engine of availableEngines()) {
  describe(`connections that are gone, on ${engine}`, () => {
    for (const [name, receive] of [
      ["push", push()],
      ["delimiter", delimiter()],
    ] as const) {
      it(`are kept alive by nothing, their contexts neither (${name})`, async (test) => {
        const contexts: WeakRef<object>[] = [];
        let endedCount = 0;
        let busyCount = 0;
        const server = new TcpServer({
          engine,
          receive,
          context: () => {
            const context = { of: contexts.length };
            contexts.push(new WeakRef(context));
            return context;
          },
          // All are busy at once, so that what served each of them is left over.
          async onReceive(connection, bytes) {
            busyCount++;
            await until(() => busyCount === CLIENTS);
            connection.send(bytes);
          },
          onClose: () => void endedCount++,
        });
        test.after(() => server.stop({ drainMs: 0 }));
        const address = await server.listen({ host: "127.0.0.1" });
        const clients = Array.from({ length: CLIENTS }, () => new TcpClient({ engine, receive }));
        await Promise.all(
          clients.map(async (client) => {
            await client.connect(address);
            client.send("x");
            await client.read();
          }),
        );
        for (const client of clients) client.abort();
        await until(() => endedCount === CLIENTS);

        await until(() => {
          gc?.();
          return contexts.every((context) => context.deref() === undefined);
        });
        assert.equal(contexts.length, CLIENTS);
      });
    }
  });
}
