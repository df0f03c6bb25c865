/** Peers with an OpenSSL of their own that send what brings no data. Others go on. */
import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { TcpClient, type TcpClientOptions } from "hp-socket";
import { opensslAvailability } from "#src/engine/openssl/availability.js";
import { MAX_IDLE_RECORDS } from "#src/engine/openssl/tls-session.js";
import { MAX_ANSWER_BYTES } from "#src/engine/tls/unread-answers.js";
import { keyUpdates } from "../support/idle-records.js";
import { describeTls } from "../support/tls-certificates.js";
import { SessionContexts, type SessionEnd } from "../support/tls-session-pair.js";
import { connected, secureClient, secureServer } from "../support/tls-world.js";
import { until } from "../support/until.js";

/** A plain connection, and the session on it that is its owner's. */
interface SecuredPeer {
  readonly client: TcpClient;
  readonly end: SessionEnd;
}

/** A client that has shaken hands, and reads nothing more. */
async function silentPeer(
  test: TestContext,
  port: number,
  contexts: SessionContexts,
  options: TcpClientOptions = {},
): Promise<SecuredPeer> {
  const end = contexts.clientEnd();
  test.after(() => end.session.free());
  const client = new TcpClient({
    ...options,
    onReceive(connection, bytes) {
      connection.send(end.shake(bytes));
      if (end.isDone) connection.pause();
    },
  });
  test.after(() => client.stop({ drainMs: 0 }));
  await client.connect({ host: "127.0.0.1", port });
  client.send(end.shake(Buffer.alloc(0)));
  await until(() => end.isDone);
  return { client, end };
}

describeTls("floods of records without data", ({ ca, server }, engine) => {
  const available = opensslAvailability();
  const skip = available === true ? false : available;
  const skipAnswers =
    engine === "uring" ? skip : "takes 12 s there: test/unit/engine/record-flood.test.ts has it";
  const contexts = new SessionContexts(server, { ca });

  it("end the connection", { skip }, async (test) => {
    const world = await secureServer(test, server);
    const { client, end } = await silentPeer(test, world.port, contexts);
    const other = await connected(secureClient(test, { ca }), world.port);

    for (let round = 0; world.reasons.length === 0; round++) {
      assert.ok(round < 20_000, "nothing happens");
      // More than the node engine lets pass between two looks; the uring engine counts records.
      client.send(keyUpdates(end, 4 * MAX_IDLE_RECORDS, false));
      await new Promise(setImmediate);
    }

    assert.equal(world.reasons[0]?.code, "TLS_FAILED");
    assert.match(world.reasons[0]?.cause?.message ?? "", /records in a row without data/);
    assert.equal(String(await other.request("others go on")), "others go on");
  });

  it("end the connection when the answers they ask for are not read", {
    skip: skipAnswers,
  }, async (test) => {
    const world = await secureServer(test, server, { sendBufferBytes: 4_096, onReceive() {} });
    const { client, end } = await silentPeer(test, world.port, contexts, {
      receiveBufferBytes: 4_096,
    });
    const other = await connected(secureClient(test, { ca }), world.port);
    const data = Buffer.from("x");

    for (let round = 0; world.reasons.length === 0; round++) {
      assert.ok(round < 2_000, "nothing happens");
      client.send(Buffer.concat([keyUpdates(end, MAX_IDLE_RECORDS / 2, true), end.write(data)]));
      await new Promise(setImmediate);
    }

    assert.equal(world.reasons[0]?.code, "TLS_FAILED");
    assert.match(world.reasons[0]?.cause?.message ?? "", new RegExp(`${MAX_ANSWER_BYTES} bytes`));
    assert.equal(world.server.connectionCount, 1);
    await other.stop();
  });
});
