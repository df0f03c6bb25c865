/** Clients that send data with their hello, which no server of ours asks for: it could be sent again by anyone. */
import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { TcpClient } from "hp-socket";
import { opensslAvailability } from "#src/engine/openssl/availability.js";
import { earlyData } from "../support/idle-records.js";
import { describeTls } from "../support/tls-certificates.js";
import { SessionContexts } from "../support/tls-session-pair.js";
import { secureServer } from "../support/tls-world.js";
import { until } from "../support/until.js";

describeTls("early data", ({ ca, server }) => {
  const available = opensslAvailability();
  const skip = available === true ? false : available;
  const contexts = new SessionContexts(server, { ca });

  /** Connects, with this early data if there is any; answers what comes back for `late`. */
  async function visit(
    test: TestContext,
    port: number,
    early: Buffer,
    late: string,
  ): Promise<string> {
    const end = contexts.clientEnd();
    test.after(() => end.session.free());
    let answer = "";
    let isOver = false;
    const client = new TcpClient({
      onReceive(connection, bytes) {
        if (end.isDone) {
          answer += String(end.read(bytes)[0]);
          return;
        }
        connection.send(end.shake(bytes));
        if (!end.isDone) return;
        assert.equal(end.session.side.refusal(), undefined);
        connection.send(end.write(Buffer.from(late)));
      },
      onClose() {
        isOver = true;
      },
    });
    test.after(() => client.stop({ drainMs: 0 }));
    await client.connect({ host: "127.0.0.1", port });
    client.send(early.length === 0 ? end.shake(early) : earlyData(end, early));
    await until(() => isOver || answer.length === late.length);
    await client.stop({ drainMs: 0 });
    return answer;
  }

  it("is thrown away, and the connection goes on", { skip }, async (test) => {
    const received: string[] = [];
    const world = await secureServer(test, server, {
      onReceive(connection, bytes) {
        received.push(String(bytes));
        connection.send(bytes);
      },
    });
    await visit(test, world.port, Buffer.alloc(0), "first");

    const answer = await visit(test, world.port, Buffer.from("early"), "late");

    assert.equal(answer, "late");
    assert.deepEqual(received, ["first", "late"]);
    assert.equal(world.secured[1]?.tls?.isResumed, true);
  });

  it("ends the handshake when it is more than a record", { skip }, async (test) => {
    const world = await secureServer(test, server);
    await visit(test, world.port, Buffer.alloc(0), "first");

    await visit(test, world.port, Buffer.alloc(100_000), "late");
    await until(() => world.reasons.length === 2);

    assert.deepEqual(
      [world.reasons[1]?.code, world.reasons[1]?.operation],
      ["TLS_FAILED", "handshake"],
    );
  });
});
