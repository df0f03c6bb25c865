/** What a secured stream of the node engine may be sent without data. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import type { TLSSocket } from "node:tls";
import { MAX_EMPTY_CIPHER_BYTES, RecordFlood } from "#src/engine/node/record-flood.js";

function sockets(): {
  plain: { bytesRead: number };
  secure: { bytesRead: number };
  flood: RecordFlood;
} {
  const plain = { bytesRead: 5_000 };
  const secure = { bytesRead: 0 };
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
