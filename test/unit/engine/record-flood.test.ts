/** What a secured stream of the node engine may be sent without data. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { TLSSocket } from "node:tls";
import { MAX_EMPTY_CIPHER_BYTES, RecordFlood } from "#src/engine/node/record-flood.js";
import { waitingBytes } from "#src/engine/node/taken-by-kernel.js";
import { opensslAvailability } from "#src/engine/openssl/availability.js";
import { MAX_ANSWER_BYTES } from "#src/engine/tls/unread-answers.js";
import { selfSignedCertificate } from "#src/testing/index.js";
import { keyUpdates } from "../../support/idle-records.js";
import { SessionContexts, type SessionEnd } from "../../support/tls-session-pair.js";
import { until } from "../../support/until.js";

const available = opensslAvailability();

function sockets(): {
  plain: { bytesRead: number };
  secure: { bytesRead: number; writableLength: number };
  flood: RecordFlood;
} {
  const plain = { bytesRead: 5_000 };
  const secure = { bytesRead: 0, writableLength: 0 };
  const flood = new RecordFlood(secure as unknown as TLSSocket, plain as unknown as Socket);
  return { plain, secure, flood };
}

describe("a flood of records without data", () => {
  it("begins behind the handshake, beyond MAX_EMPTY_CIPHER_BYTES", () => {
    const { plain, flood } = sockets();

    plain.bytesRead += MAX_EMPTY_CIPHER_BYTES;
    const atLimit = flood.look();
    plain.bytesRead += 1;
    const beyond = flood.look();

    assert.equal(atLimit, undefined);
    assert.deepEqual([beyond?.code, beyond?.operation], ["TLS_FAILED", "receive"]);
    assert.match(beyond?.message ?? "", /sent 65537 bytes of records .* more than 65536/);
  });

  it("is none while a byte of data comes between two looks", () => {
    const { plain, secure, flood } = sockets();

    for (let round = 0; round < 10; round++) {
      plain.bytesRead += MAX_EMPTY_CIPHER_BYTES;
      secure.bytesRead += 1;
      assert.equal(flood.look(), undefined);
    }
  });
});

/** A secured socket of Node's whose peer has shaken hands, and reads nothing from then on. */
async function unreadSocket(
  test: TestContext,
): Promise<{ secure: TLSSocket; wire: Duplex; peer: SessionEnd; flood: RecordFlood }> {
  const { cert, key } = selfSignedCertificate({ names: ["localhost"] });
  const contexts = new SessionContexts({ cert, key }, { ca: cert });
  const peer = contexts.clientEnd();
  test.after(() => peer.session.free());
  const wire = new Duplex({
    read() {},
    write(bytes: Buffer, _encoding, written) {
      if (peer.isDone) return;
      wire.push(peer.shake(bytes));
      written();
    },
  });
  const secure = new TLSSocket(wire, { isServer: true, secureContext: contexts.server.main });
  secure.resume();
  test.after(() => secure.destroy());
  wire.push(peer.shake(Buffer.alloc(0)));
  await new Promise((resolve) => secure.once("secure", resolve));
  const flood = new RecordFlood(secure, { bytesRead: 0 } as Socket);
  return { secure, wire, peer, flood };
}

describe("answers that are not read", { skip: available === true ? false : available }, () => {
  it("are too many beyond MAX_ANSWER_BYTES", async (test) => {
    const { secure, wire, peer, flood } = await unreadSocket(test);
    const updates = keyUpdates(peer, 100, true);
    wire.push(updates);
    await until(() => (waitingBytes(secure) ?? 0) >= updates.length);
    const few = flood.look();

    for (let sent = 100; sent * 22 <= MAX_ANSWER_BYTES; sent += 500) {
      wire.push(keyUpdates(peer, 500, true));
      await new Promise(setImmediate);
    }
    await until(() => (waitingBytes(secure) ?? 0) > MAX_ANSWER_BYTES);
    const many = flood.look();

    assert.equal(few, undefined);
    assert.deepEqual([many?.code, many?.operation], ["TLS_FAILED", "receive"]);
    assert.match(many?.message ?? "", new RegExp(`${MAX_ANSWER_BYTES} bytes`));
  });

  it("are not what the application writes", async (test) => {
    const { secure, flood } = await unreadSocket(test);

    secure.write(Buffer.alloc(16 * MAX_ANSWER_BYTES));
    await until(() => (waitingBytes(secure) ?? 0) > 16 * MAX_ANSWER_BYTES);

    assert.equal(flood.look(), undefined);
  });
});
