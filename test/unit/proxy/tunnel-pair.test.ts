/** Tunnels whose sides end at an awkward moment. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TcpServer } from "hp-socket";
import { ManualClock, MemoryEngine } from "hp-socket/testing";
import { OutgoingStreams } from "#src/proxy/outgoing-streams.js";
import type { TunnelReport } from "#src/proxy/tunnel-pair.js";

describe("a tunnel", () => {
  for (const gone of ["client", "upstream"] as const) {
    it(`of which the ${gone} has ended before it was begun ends the other side, and tells`, async () => {
      const engine = new MemoryEngine({ clock: new ManualClock() });
      const server = new TcpServer({ engine });
      const streams = new OutgoingStreams({ engine, settings: {} });
      const listening = server.listen({ port: 1 });
      await engine.settle();
      await listening;
      const connecting = Promise.all(
        [0, 1].map(() => streams.connect({ host: "127.0.0.1", port: 1 })),
      );
      await engine.settle();
      const [client, upstream] = await connecting;
      assert.ok(client !== undefined && upstream !== undefined);
      const reports: TunnelReport[] = [];
      const pair = streams.join(client, upstream, 0, (report) => reports.push(report));

      (gone === "client" ? client : upstream).abort();
      await engine.settle();
      pair.start();
      await engine.settle();

      assert.deepEqual([client.state, upstream.state], ["closed", "closed"]);
      assert.equal(reports.length, 1);
      assert.equal(reports[0]?.isByUpstream, gone === "upstream");
      assert.equal(streams.leftBehindCount, 0);
      const stopping = Promise.all([server.stop(), streams.component.stop({ drainMs: 0 })]);
      await engine.settle();
      await stopping;
    });
  }
});
