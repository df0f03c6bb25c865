/** Sessions of TLS without sockets: cut, mutated, and many of them. */
import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { opensslAvailability, tlsLibrary } from "#src/engine/openssl/availability.js";
import { RECORD_BYTES, sealedRoom } from "#src/engine/openssl/cipher-port.js";
import {
  MAX_IDLE_RECORDS,
  MAX_KEY_RECORDS,
  READ_ENDED,
  READ_FAILED,
} from "#src/engine/openssl/tls-session.js";
import { selfSignedCertificate } from "#src/testing/index.js";
import { helloRequests, keyUpdates, tickets } from "../../support/idle-records.js";
import { SessionContexts, type SessionEnd, shakenPair } from "../../support/tls-session-pair.js";

const available = opensslAvailability();
const { cert, key } = selfSignedCertificate({ names: ["localhost"] });

/** `HP_SOCKET_MANY=1` runs what takes minutes. */
const IS_LONG = process.env["HP_SOCKET_MANY"] === "1";

function contextsOf(version: "TLSv1.2" | "TLSv1.3"): SessionContexts {
  const versions = { minVersion: version, maxVersion: version } as const;
  return new SessionContexts({ cert, key, ...versions }, { ca: cert, ...versions });
}

/** What reads certificates leaves such errors behind. */
function leaveForeignError({ library: { functions } }: SessionEnd): void {
  const bytes = Buffer.from("no session");
  const pointer = new BigUint64Array([BigInt(functions.addressOf(bytes))]);
  functions.sessionFromDer(0, new Uint8Array(pointer.buffer), bytes.length);
  assert.notEqual(functions.newestError(), 0);
}

function free(...ends: SessionEnd[]): void {
  for (const { session } of ends) session.free();
}

/** The same numbers every time. */
function* numbers(seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state;
  }
}

describe("sessions of TLS", { skip: available === true ? false : available }, () => {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const contexts = contextsOf(version);

    it(`take what comes byte by byte (${version})`, () => {
      const { client, server } = shakenPair(contexts, 1);
      const message = Buffer.from("some text that is sent");

      const sealed = client.write(message);
      let received = Buffer.alloc(0);
      for (const byte of sealed) {
        received = Buffer.concat([received, server.read(Buffer.from([byte]))[0]]);
      }

      assert.deepEqual(received, message);
      assert.equal(client.session.info()?.protocol, version);
      free(client, server);
    });

    it(`take records that are cut at every byte (${version})`, () => {
      const { client, server } = shakenPair(contexts);
      const message = Buffer.alloc(150, "m");

      for (let cut = 0; cut <= 150; cut++) {
        const sealed = client.write(message);
        const [first] = server.read(sealed.subarray(0, cut));
        const [second] = server.read(sealed.subarray(cut));
        assert.deepEqual(Buffer.concat([first, second]), message);
      }
      free(client, server);
    });

    it(`take sizes around records and segments, and fit into the room for them (${version})`, () => {
      const { client, server } = shakenPair(contexts);
      const sizes = [1, 2_047, 2_048, 2_049, RECORD_BYTES - 1, RECORD_BYTES, RECORD_BYTES + 1];

      for (const size of [...sizes, 3 * RECORD_BYTES, 65_536, 100_000]) {
        const message = Buffer.allocUnsafeSlow(size).fill(size & 0xff);
        const sealed = client.write(message);
        assert.ok(sealed.length <= sealedRoom(size) && sealed.length > size);
        assert.deepEqual(server.read(sealed)[0], message);
      }
      free(client, server);
    });

    it(`do not take errors for theirs that others have left in the queue (${version})`, () => {
      const { client, server } = shakenPair(contexts);
      const message = Buffer.from("some text");
      const leaveError = (): void => leaveForeignError(server);

      leaveError();
      assert.equal(server.read(Buffer.alloc(0))[1], 0);
      leaveError();
      assert.deepEqual(server.read(client.write(message)), [message, 0]);
      leaveError();
      assert.deepEqual(client.read(server.write(message)), [message, 0]);
      const sealed = client.write(message);
      sealed[sealed.length - 1]! ^= 1;
      leaveError();
      assert.equal(server.read(sealed)[1], READ_FAILED);
      assert.match(server.session.error?.code ?? "", /BAD_RECORD_MAC/);
      const alert = server.output();
      leaveError();
      assert.equal(client.read(alert)[1], READ_FAILED);
      assert.match(client.session.error?.code ?? "", /ALERT_BAD_RECORD_MAC/);
      free(client, server);
    });

    it(`tell close_notify although there is an error of others (${version})`, () => {
      const { client, server } = shakenPair(contexts);

      const goodbye = client.end();
      leaveForeignError(server);

      assert.equal(server.read(goodbye)[1], READ_ENDED);
      free(client, server);
    });

    it(`tell close_notify, and what came before it (${version})`, () => {
      const { client, server } = shakenPair(contexts);

      const sealed = Buffer.concat([client.write(Buffer.from("last")), client.end()]);
      const [plain, outcome] = server.read(sealed);

      assert.equal(String(plain), "last");
      assert.equal(outcome, READ_ENDED);
      free(client, server);
    });

    it(`fail for any record that was changed, and for nothing else (${version})`, () => {
      const random = numbers(7);
      const rounds = IS_LONG ? 50_000 : 150;
      for (let round = 0; round < rounds; round++) {
        const { client, server } = shakenPair(contexts);
        const [from, to] = round % 2 === 0 ? [client, server] : [server, client];
        const sealed = from.write(Buffer.alloc(1 + (random.next().value % 100), "x"));
        const at = random.next().value % sealed.length;
        sealed[at] = (sealed[at]! + 1 + (random.next().value % 255)) & 0xff;

        const [plain, outcome] = to.read(sealed);

        // A head that announces more waits for it; whatever comes, no text does.
        assert.equal(plain.length, 0);
        assert.ok(outcome === READ_FAILED || outcome === 0);
        assert.equal(tlsLibrary().functions.takeError(), 0);
        tlsLibrary().port.discard();
        free(client, server);
      }
    });

    it(`survive hellos that were changed (${version})`, () => {
      const random = numbers(11);
      const rounds = IS_LONG ? 50_000 : 1_000;
      for (let round = 0; round < rounds; round++) {
        const client = contexts.clientEnd();
        const server = contexts.serverEnd();
        const hello = client.shake(Buffer.alloc(0));
        const changes = 1 + (random.next().value % 4);
        for (let change = 0; change < changes; change++) {
          hello[random.next().value % hello.length] = random.next().value & 0xff;
        }
        const end = random.next().value % 8 === 0 ? random.next().value % hello.length : undefined;

        server.shake(hello.subarray(0, end));

        assert.equal(tlsLibrary().functions.takeError(), 0);
        assert.equal(tlsLibrary().port.outputBytes, 0);
        free(client, server);
      }
    });

    it(`survive what follows hellos, of either side, that was changed (${version})`, () => {
      const random = numbers(13);
      const rounds = IS_LONG ? 20_000 : 100;
      for (let round = 0; round < rounds; round++) {
        let [from, to] = [contexts.clientEnd(), contexts.serverEnd()];
        const ends = [from, to];
        let flight = from.shake(Buffer.alloc(0));
        // The server's answer, the end of the client's handshake, the end of the server's, or tickets.
        const changed = 1 + (round % 3);
        for (let count = 0; count < 5 && flight.length > 0; count++) {
          if (count === changed) {
            flight[random.next().value % flight.length] = random.next().value & 0xff;
          }
          if (to.isDone) to.read(flight);
          const answer = to.isDone ? to.output() : to.shake(flight);
          assert.equal(tlsLibrary().functions.takeError(), 0);
          [from, to, flight] = [to, from, answer];
        }
        tlsLibrary().port.discard();
        free(...ends);
      }
    });
  }

  describe("and records that bring no data", () => {
    const newer = contextsOf("TLSv1.3");
    const older = contextsOf("TLSv1.2");
    const data = Buffer.from("data");

    function failsWith(end: SessionEnd, flood: Buffer): void {
      assert.equal(end.read(flood)[1], READ_FAILED);
      const { error } = end.session;
      assert.equal(error?.code, "TLS_FAILED");
      assert.match(error?.message ?? "", new RegExp(`more than ${MAX_IDLE_RECORDS} records`));
      end.library.port.discard();
    }

    it("end a peer that renews its keys too often, and then nothing of it is read", () => {
      for (const areAnswered of [false, true]) {
        const { client, server } = shakenPair(newer);
        failsWith(server, keyUpdates(client, MAX_IDLE_RECORDS + 1, areAnswered));
        free(client, server);
      }
    });

    it("end a peer whose records come one by one, too", () => {
      const { client, server } = shakenPair(newer);
      for (let count = 0; count < MAX_IDLE_RECORDS; count++) {
        assert.equal(server.read(keyUpdates(client, 1, false))[1], 0);
      }
      failsWith(server, keyUpdates(client, 1, false));
      free(client, server);
    });

    it("take no parts of a record for records", () => {
      for (const contexts of [newer, older]) {
        const { client, server } = shakenPair(contexts);
        const message = Buffer.alloc(10 * MAX_IDLE_RECORDS, "m");
        let received = Buffer.alloc(0);
        for (const byte of client.write(message)) {
          received = Buffer.concat([received, server.read(Buffer.of(byte))[0]]);
        }
        assert.deepEqual(received, message);
        free(client, server);
      }
    });

    it("let a peer renew its keys as often as it sends data", () => {
      const { client, server } = shakenPair(newer);
      for (let round = 0; round < 100; round++) {
        const updates = keyUpdates(client, MAX_IDLE_RECORDS / 2, true);
        const [plain, outcome] = server.read(Buffer.concat([updates, client.write(data)]));
        assert.deepEqual([plain, outcome], [data, 0]);
        assert.deepEqual(client.read(server.output())[1], 0);
        assert.deepEqual(client.read(server.write(data)), [data, 0]);
      }
      free(client, server);
    });

    it("end a server that gives tickets without end", () => {
      const { client, server } = shakenPair(newer);
      // Two have come with the handshake.
      assert.equal(client.read(tickets(server, MAX_IDLE_RECORDS - 2))[1], 0);
      client.read(server.write(data));
      failsWith(client, tickets(server, MAX_IDLE_RECORDS + 1));
      free(client, server);
    });

    it("end a server that wants to begin anew without end", () => {
      const { client, server } = shakenPair(older);
      failsWith(client, helloRequests(server, MAX_IDLE_RECORDS + 1));
      free(client, server);
    });

    it("tell a peer of new keys before the old ones are worn out, where TLS can", () => {
      for (const [contexts, updates] of [
        [newer, 1],
        [older, 0],
      ] as const) {
        const { client, server } = shakenPair(contexts);
        Reflect.set(client.session, "keyRecords", MAX_KEY_RECORDS - 1);
        const sealed = Array.from({ length: 4 }, () => client.write(data));
        const usual = sealed[0]!.length;
        // A renewed key is a record of 27 bytes (RFC 8446 §4.6.3).
        assert.deepEqual(
          sealed.map(({ length }) => length - usual),
          [0, updates * 27, 0, 0],
        );
        for (const bytes of sealed) assert.deepEqual(server.read(bytes), [data, 0]);
        assert.deepEqual(client.read(server.write(data)), [data, 0]);
        free(client, server);
      }
    });

    it("renew keys within large pieces too", () => {
      const { client, server } = shakenPair(newer);
      const large = Buffer.alloc(4 * RECORD_BYTES, "large");
      Reflect.set(client.session, "keyRecords", MAX_KEY_RECORDS);
      assert.deepEqual(server.read(client.write(large)), [large, 0]);
      assert.deepEqual(server.read(client.write(large)), [large, 0]);
      free(client, server);
    });

    it("are counted whole, however they are cut", () => {
      const { client, server } = shakenPair(newer);
      const updates = keyUpdates(client, 3, false);
      for (let round = 0; round < updates.length; round++) {
        assert.equal(server.read(updates.subarray(round, round + 1))[1], 0);
      }
      assert.deepEqual(server.read(client.write(data)), [data, 0]);
      free(client, server);
    });
  });

  it("give their memory back", () => {
    const contexts = contextsOf("TLSv1.3");
    const cycle = (count: number): number => {
      for (let round = 0; round < count; round++) {
        const { client, server } = shakenPair(contexts);
        server.read(client.write(Buffer.from("x")));
        client.read(server.end());
        free(client, server);
      }
      globalThis.gc?.();
      return process.memoryUsage().rss;
    };
    const count = IS_LONG ? 50_000 : 400;
    cycle(count);

    const before = cycle(count);
    const after = cycle(count);

    // One session that is lost costs 20 KiB and more.
    assert.ok(after - before < count * 5_000, `${after - before} bytes for ${count} cycles`);
  });

  it("are freed once, however often they are told to", () => {
    const { client, server } = shakenPair(contextsOf("TLSv1.3"));

    free(client, client, server, server);

    assert.equal(client.session.isFreed, true);
    assert.equal(client.session.info(), undefined);
  });
});
