/**
 * What HP-Socket 5.8.3 for Linux was seen to send and to take, byte by byte: recorded between it and this library,
 * with the ids of ours, which nobody can foresee, put in where they belong.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { ArqClient, ArqServer } from "hp-socket/arq";
import { peerKeyOf } from "#src/engine/peer-key.js";
import { CLOSE_NOTIFY } from "#src/protocol/udp-control/udp-control.js";
import { loopback } from "../../support/engine-world.js";
import { memoryWorld } from "../../support/memory-world.js";

const PORT = 5_555;
const PROBE = "";

/** Bytes in hexadecimal. */
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("hex");

describe("ARQ beside the original", () => {
  it("takes its client: a handshake, a probe, a message with its answer, and its end", async () => {
    const { engine, world } = memoryWorld();
    const reasons: string[] = [];
    const server = new ArqServer({
      engine,
      onReceive: (connection, message) => void connection.send(`${message}!`),
      onClose: (_, reason) => void reasons.push(`${reason.code} ${reason.initiator}`),
    });
    const listening = server.listen({ host: "127.0.0.1", port: PORT });
    await engine.settle();
    await listening;
    const original = world.startDatagram();
    await engine.settle();
    const to = peerKeyOf(loopback(PORT));
    const said = async (...datagrams: string[]): Promise<string[]> => {
      const before = original.received.length;
      for (const datagram of datagrams) original.socket.send(0, Buffer.from(datagram, "hex"), to);
      await engine.settle();
      return original.received.slice(before).map(({ bytes }) => hex(bytes));
    };
    const itsId = "1bc8db26";

    const [first, ...others] = await said(PROBE, `4fbb0100${itsId}00000000`);
    assert.deepEqual(others, []);
    assert.match(first!, new RegExp(`^4fbb0100[0-9a-f]{8}${itsId}$`));
    const ourId = first!.slice(8, 16);
    assert.equal(server.connectionCount, 0);

    await engine.advance(60);
    const proof = await said(`4fbb0101${itsId}${ourId}`);
    assert.deepEqual(proof, [`4fbb0101${ourId}${itsId}`]);
    assert.equal(server.connectionCount, 1);

    await engine.advance(60);
    const push = `${itsId}5100000291c8db260000000000000000050000006561726c79`;
    const [answer, ...rest] = await said(push);
    assert.deepEqual(rest, []);
    const [acknowledgement, data] = [answer!.slice(0, 48), answer!.slice(48)];
    assert.equal(acknowledgement, `${ourId}5200000291c8db26000000000100000000000000`);
    assert.match(
      data,
      new RegExp(
        `^${ourId}51000002[0-9a-f]{8}00000000010000000600000065${hex(Buffer.from("arly!"))}$`,
      ),
    );

    const time = data.slice(16, 24);
    await said(`${itsId}52000002${time}000000000100000000000000`);
    await engine.advance(2_000);
    assert.equal(original.received.length, 3, "nothing is sent again");
    assert.deepEqual(await said(PROBE), [PROBE]);

    await said("beb61febda5246ba923359dbbfe6c8e4");
    await engine.settle();
    assert.deepEqual(reasons, ["CLOSED remote"]);
    await server.stop();
  });

  it("meets its server: the proof of both ids, a message each way, and our end", async () => {
    const { engine, world } = memoryWorld();
    const original = world.startDatagram({ address: { ...loopback(), port: PORT } });
    await engine.settle();
    const got: string[] = [];
    const client = new ArqClient({
      engine,
      onReceive: (_, message) => void got.push(`${message}`),
    });
    const connecting = client.connect({ port: PORT, timeoutMs: 0 });
    await engine.settle();
    const said = (): string[] => original.received.splice(0).map(({ bytes }) => hex(bytes));
    const from = peerKeyOf(original.received[0]!.from);
    const answer = async (...datagrams: string[]): Promise<string[]> => {
      for (const datagram of datagrams) original.socket.send(0, Buffer.from(datagram, "hex"), from);
      await engine.settle();
      return said();
    };
    const itsId = "ae20e026";

    const [first] = said();
    assert.match(first!, /^4fbb0100[0-9a-f]{8}00000000$/);
    const ourId = first!.slice(8, 16);
    // It sends its own id when it accepts, and both when it has read ours.
    const proofs = await answer(`4fbb0100${itsId}00000000`, `4fbb0100${itsId}${ourId}`);
    await connecting;
    assert.deepEqual(proofs, [`4fbb0100${ourId}${itsId}`, `4fbb0101${ourId}${itsId}`, PROBE]);

    client.send("hello");
    await engine.settle();
    const [push] = said();
    assert.match(
      push!,
      new RegExp(`^${ourId}51000002[0-9a-f]{8}00000000000000000500000068656c6c6f$`),
    );
    const time = push!.slice(16, 24);
    assert.deepEqual(await answer(`${itsId}52000002${time}000000000100000000000000`), []);
    const echo = `${itsId}510000022521e02600000000010000000500000068656c6c6f`;
    assert.deepEqual(await answer(echo), [`${ourId}520000022521e026000000000100000000000000`]);
    assert.deepEqual(got, ["hello"]);

    // It has not answered our proof, so that is repeated until it does.
    await engine.advance(120);
    assert.deepEqual(said(), [`4fbb0101${ourId}${itsId}`]);
    assert.deepEqual(await answer(`4fbb0101${itsId}${ourId}`), []);
    await engine.advance(2_000);
    assert.deepEqual(said(), []);

    await client.stop();
    assert.deepEqual(said(), [hex(CLOSE_NOTIFY)]);
  });
});
