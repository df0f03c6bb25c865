import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DUE } from "#src/connection/receiver.js";
import { connectionSettings } from "#src/connection/settings.js";
import {
  type Handshake,
  type SecurityOwner,
  TlsUpgrade,
  type UpgradeOwner,
} from "#src/connection/tls/tls-upgrade.js";
import type { TlsContext, TlsInfo } from "#src/engine/tls-options.js";
import { NetError } from "#src/errors.js";
import { ManualClock } from "#src/time/clock.js";
import { Deadlines } from "#src/time/deadlines.js";
import { TimingWheel } from "#src/time/timing-wheel.js";

const INFO = { protocol: "TLSv1.3" } as unknown as TlsInfo;

/** TLS of a component with room or without, which notes what is under way. */
class NotedSecurity implements SecurityOwner {
  readonly context: TlsContext;
  readonly startsAtOnce = false;
  readonly underWay: Set<Handshake> = new Set();
  hasRoom = true;

  constructor(role: "server" | "client") {
    this.context = { role } as TlsContext;
  }

  get underWayCount(): number {
    return this.underWay.size;
  }

  begun(handshake: Handshake): void {
    this.underWay.add(handshake);
  }

  over(handshake: Handshake): void {
    this.underWay.delete(handshake);
  }

  makeRoom(): boolean {
    return this.hasRoom;
  }
}

/** A connection with an upgrade. */
class NotedOwner implements UpgradeOwner {
  readonly id = 9;
  readonly clock: ManualClock = new ManualClock();
  readonly wheel: TimingWheel = new TimingWheel(this.clock);
  readonly settings = connectionSettings({ handshakeTimeoutMs: 1_000, idleTimeoutMs: 5 });
  readonly errors: NetError[] = [];
  readonly starts: unknown[][] = [];
  readonly security: NotedSecurity;
  readonly upgrade: TlsUpgrade;
  readonly remoteAddress = undefined;
  readonly remoteHost = "peer.example";
  pendingBytes = 0;
  hasUndelivered = false;
  tls: TlsInfo | undefined = undefined;
  readonly deadlines: Deadlines = new Deadlines(this.wheel, {
    deadlinePassed: (purpose) => {
      if (purpose === DUE.handshake) this.upgrade.duePassed();
      else this.errors.push(new NetError("IDLE_TIMEOUT"));
    },
  });
  readonly stream = {
    startTls: (...given: unknown[]) => this.starts.push(given),
    hasHeard: () => true,
  } as never;

  constructor(role: "server" | "client" = "server") {
    this.security = new NotedSecurity(role);
    this.upgrade = new TlsUpgrade(this, this.security);
  }

  endError(): NetError {
    return this.errors[0] ?? new NetError("CONNECTION_CLOSED");
  }

  fail(error: NetError): boolean {
    this.errors.push(error);
    this.upgrade.ended();
    return true;
  }

  get codes(): string[] {
    return this.errors.map(({ code }) => code);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("TlsUpgrade: with the connection", () => {
  it("is under way from begin to secured, counted, bounded in time, and then no more", () => {
    const owner = new NotedOwner();
    const early = Buffer.from("hello");

    owner.upgrade.begin(early);
    const during = [
      owner.upgrade.isShaking,
      owner.upgrade.isUnderWay,
      owner.security.underWayCount,
    ];
    owner.upgrade.secured();
    owner.clock.advance(5_000);

    assert.deepEqual(owner.starts, [[owner.security.context, "peer.example", early]]);
    assert.deepEqual(during, [true, true, 1]);
    assert.deepEqual([owner.upgrade.isUnderWay, owner.security.underWayCount], [false, 0]);
    assert.deepEqual(owner.codes, []);
  });

  it("fails with HANDSHAKE_TIMEOUT at handshakeTimeoutMs, not with the idle time", () => {
    const owner = new NotedOwner();
    owner.deadlines.set(DUE.idle, 5);

    owner.upgrade.begin();
    owner.clock.advance(990);
    const before = owner.errors.length;
    owner.clock.advance(20);

    assert.equal(before, 0);
    assert.deepEqual(owner.codes, ["HANDSHAKE_TIMEOUT"]);
    assert.match(String(owner.errors[0]?.message), /handshakeTimeoutMs \(1000\)/);
    assert.equal(owner.security.underWayCount, 0);
  });

  it("gives way with HANDSHAKE_LIMIT", () => {
    const owner = new NotedOwner();
    owner.upgrade.begin();

    owner.upgrade.giveWay();

    assert.deepEqual(owner.codes, ["HANDSHAKE_LIMIT"]);
    assert.equal(owner.security.underWayCount, 0);
  });
});

describe("TlsUpgrade: on demand", () => {
  it("waits until what was sent has left, and resolves when the handlers have let it in", async () => {
    const owner = new NotedOwner();
    owner.pendingBytes = 5;

    const done = owner.upgrade.beginLater({});
    await turn();
    const before = [owner.upgrade.isShaking, owner.starts.length];
    owner.pendingBytes = 0;
    owner.upgrade.allSent();
    owner.upgrade.allSent();
    owner.upgrade.secured();
    owner.tls = INFO;
    owner.upgrade.resolve();

    assert.deepEqual(before, [false, 0]);
    assert.equal(owner.starts.length, 1);
    assert.equal(await done, INFO);
  });

  it("looks at the end of the turn for plain bytes, and refuses those that came behind", async () => {
    const owner = new NotedOwner();

    const done = owner.upgrade.beginLater({});
    owner.hasUndelivered = true;
    await assert.rejects(done, { code: "TLS_PLAINTEXT" });

    assert.equal(owner.starts.length, 0);
    assert.equal(owner.security.underWayCount, 0);
  });

  it("needs room on a server, and never on a client", async () => {
    const [server, client] = [new NotedOwner("server"), new NotedOwner("client")];
    for (const { security } of [server, client]) security.hasRoom = false;

    const refused = server.upgrade.beginLater({});
    void client.upgrade.beginLater({}).catch(() => {});

    await assert.rejects(refused, { code: "HANDSHAKE_LIMIT" });
    assert.deepEqual([server.starts.length, client.starts.length], [0, 1]);
  });

  it("ends the connection when the wait is given up: half of it can't be taken back", async () => {
    const owner = new NotedOwner();
    const controller = new AbortController();
    const done = owner.upgrade.beginLater({ signal: controller.signal });
    await turn();

    controller.abort();

    await assert.rejects(done, { code: "ABORTED" });
    assert.deepEqual(owner.codes, ["ABORTED"]);
  });

  it("rejects with what ended the connection", async () => {
    const owner = new NotedOwner();
    const done = owner.upgrade.beginLater({});

    owner.fail(new NetError("CONNECTION_RESET"));

    await assert.rejects(done, { code: "CONNECTION_RESET" });
    owner.upgrade.allSent();
    assert.equal(owner.starts.length, 0);
  });
});
