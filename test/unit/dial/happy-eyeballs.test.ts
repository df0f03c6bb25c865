import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AddressRace, interleaveFamilies } from "#src/dial/happy-eyeballs.js";
import type { Address, ConnectTarget, StreamSocket } from "#src/engine/engine.js";
import { MemoryEngine } from "#src/engine/memory/memory-engine.js";
import type { ConnectFate } from "#src/engine/memory/memory-network.js";
import { noStreamSink } from "#src/engine/no-sink.js";
import type { NetError } from "#src/errors.js";
import { ManualClock } from "#src/time/clock.js";

const PORT = 80;
const STREAM = { noDelay: true, keepAlive: false } as const;

/** A network in which each host has a fate, and hosts that answer a listener. */
class RaceTrack {
  readonly clock: ManualClock = new ManualClock();
  readonly engine: MemoryEngine;
  /** Hosts in the order in which they were tried, with the times. */
  readonly tried: string[] = [];
  won: StreamSocket | undefined = undefined;
  lost: NetError | undefined = undefined;
  race: AddressRace | undefined = undefined;
  readonly #hosts: readonly string[];

  constructor(fates: Readonly<Record<string, ConnectFate>>, delayMs = 5) {
    this.#hosts = Object.keys(fates);
    this.engine = new MemoryEngine({
      clock: this.clock,
      delayMs,
      names: { all: this.#hosts },
      connectFate: (to) => {
        const host = hostOf(to);
        this.tried.push(`${host} at ${this.clock.now()}`);
        return fates[host] ?? "answer";
      },
    });
  }

  async start(hosts: readonly string[] = this.#hosts): Promise<void> {
    for (const host of this.#hosts) this.#listen(host);
    await this.engine.settle();
    const targets = hosts.map(
      (host): ConnectTarget => ({ address: addressOf(host), stream: STREAM }),
    );
    this.race = new AddressRace(this.engine, targets, 250, {
      raceWon: (stream) => {
        this.won = stream;
      },
      raceLost: (error) => {
        this.lost = error;
      },
    });
    this.race.start();
  }

  #listen(host: string): void {
    const target = {
      address: addressOf(host),
      backlog: 1,
      reusePort: false,
      dualStack: false,
      stream: STREAM,
    };
    this.engine.listen(target, {
      listenerOpened() {},
      listenerAccepted: () => noStreamSink,
      listenerAcceptFailed() {},
      listenerClosed() {},
    });
  }
}

const hostOf = (address: Address): string => ("path" in address ? address.path : address.host);

const addressOf = (host: string): Address => ({
  host,
  port: PORT,
  family: host.includes(":") ? "IPv6" : "IPv4",
});

describe("racing addresses", () => {
  test("connects to the first address when it answers in time, and tries no other", async () => {
    const track = new RaceTrack({ "2001:db8::1": "answer", "192.0.2.1": "answer" });
    await track.start();

    await track.engine.advance(1_000, 50);

    assert.deepEqual(track.tried, ["2001:db8::1 at 0"]);
    assert.deepEqual(track.won?.remoteAddress(), addressOf("2001:db8::1"));
    assert.equal(track.clock.timerCount, 0);
  });

  test("begins the next attempt after the delay, and lets the first that opens win", async () => {
    const track = new RaceTrack({ "2001:db8::1": "blackHole", "192.0.2.1": "answer" });
    await track.start();

    await track.engine.advance(300, 10);

    assert.deepEqual(track.tried, ["2001:db8::1 at 0", "192.0.2.1 at 250"]);
    assert.deepEqual(track.won?.remoteAddress(), addressOf("192.0.2.1"));
  });

  test("keeps a slow attempt in the race while later ones run", async () => {
    const track = new RaceTrack({ "2001:db8::1": "answer", "192.0.2.1": "blackHole" }, 200);
    await track.start();

    await track.engine.advance(500, 10);

    assert.equal(track.tried.length, 2);
    assert.deepEqual(track.won?.remoteAddress(), addressOf("2001:db8::1"));
    assert.equal(track.lost, undefined);
  });

  test("begins the next attempt at once when one fails", async () => {
    const track = new RaceTrack({ "2001:db8::1": "ENETUNREACH", "192.0.2.1": "answer" });
    await track.start();

    await track.engine.advance(50, 10);

    assert.deepEqual(track.tried, ["2001:db8::1 at 0", "192.0.2.1 at 10"]);
    assert.deepEqual(track.won?.remoteAddress(), addressOf("192.0.2.1"));
  });

  test("loses with the most telling error, and the error of every address as its cause", async () => {
    const track = new RaceTrack({
      "2001:db8::1": "ECONNREFUSED",
      "192.0.2.1": "EHOSTUNREACH",
    });
    await track.start();

    await track.engine.advance(100, 10);

    assert.equal(track.lost?.code, "CONNECTION_REFUSED");
    assert.match(track.lost!.message, /\[2001:db8::1\]:80, 192\.0\.2\.1:80/);
    const { errors } = track.lost!.cause as AggregateError;
    assert.deepEqual(
      errors.map((error: NetError) => error.code),
      ["CONNECTION_REFUSED", "HOST_UNREACHABLE"],
    );
  });

  test("loses with the error itself when there is one address", async () => {
    const track = new RaceTrack({ "192.0.2.1": "ETIMEDOUT" });
    await track.start();

    await track.engine.advance(100, 10);

    assert.equal(track.lost?.code, "SYSTEM_TIMEOUT");
    assert.equal(track.lost?.cause, undefined);
  });

  test("ends every attempt on cancel and tells nobody", async () => {
    const track = new RaceTrack({ "2001:db8::1": "blackHole", "192.0.2.1": "answer" }, 100);
    await track.start();
    await track.engine.advance(300, 10);

    track.race!.cancel();
    await track.engine.advance(1_000, 10);

    assert.equal(track.tried.length, 2);
    assert.equal(track.won, undefined);
    assert.equal(track.lost, undefined);
    assert.equal(track.engine.connectionCount, 0);
    assert.equal(track.clock.timerCount, 0);
  });

  test("closes the attempts that lost", async () => {
    const track = new RaceTrack({ "2001:db8::1": "answer", "2001:db8::2": "answer" }, 140);
    await track.start();

    await track.engine.advance(1_000, 10);

    assert.equal(track.tried.length, 2);
    assert.deepEqual(track.won?.remoteAddress(), addressOf("2001:db8::1"));
    assert.equal(track.engine.connectionCount, 1);
  });
});

describe("interleaving families", () => {
  const host = (text: string) => ({
    host: text,
    family: text.includes(":") ? ("IPv6" as const) : ("IPv4" as const),
  });

  test("takes the families in turn, the first address's family first, the rest at the end", () => {
    const mixed = interleaveFamilies(["::1", "::2", "::3", "10.0.0.1", "10.0.0.2"].map(host));

    assert.deepEqual(
      mixed.map((found) => found.host),
      ["::1", "10.0.0.1", "::2", "10.0.0.2", "::3"],
    );
  });

  test("leaves one family as it was", () => {
    const hosts = ["10.0.0.2", "10.0.0.1"].map(host);

    assert.deepEqual(interleaveFamilies(hosts), hosts);
    assert.deepEqual(interleaveFamilies([]), []);
  });
});
