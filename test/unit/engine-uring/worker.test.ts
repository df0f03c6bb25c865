/** Engines in worker threads, and what is left when such a thread is terminated. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { Worker } from "node:worker_threads";
import type { IpAddress } from "#src/engine/engine.js";
import { opensslAvailability } from "#src/engine/openssl/availability.js";
import { openDescriptors } from "../../support/open-descriptors.js";
import { until } from "../../support/until.js";
import { uringTest } from "./uring-case.js";

const ROUNDS = 3;

/** Starts a worker with traffic and waits for the middle of it. */
async function workerInTraffic(workerData?: "tls"): Promise<readonly [Worker, IpAddress]> {
  const worker = new Worker(new URL("./traffic-worker.js", import.meta.url), { workerData });
  const [address] = (await once(worker, "message")) as [IpAddress];
  await once(worker, "message");
  return [worker, address];
}

/** Rings, sockets, and what wakes event loops. */
const ringDescriptors = (): string[] =>
  openDescriptors().filter((target) => /io_uring|socket:|eventfd|eventpoll/.test(target));

/** Whether somebody listens there. */
async function isListening({ host, port }: IpAddress): Promise<boolean> {
  const socket = connect({ host, port });
  const answer = await Promise.race([
    once(socket, "connect").then(() => true),
    once(socket, "error").then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return answer;
}

/** The kernel takes a ring apart in the background: its listener may live for a moment longer. */
async function untilDeaf(address: IpAddress): Promise<void> {
  const endMs = performance.now() + 5_000;
  while (await isListening(address)) assert.ok(performance.now() < endMs, "still listening");
}

uringTest("a worker terminated in traffic leaves no descriptor and no listener", async () => {
  const [first] = await workerInTraffic();
  await first.terminate();
  const before = ringDescriptors();

  const addresses: IpAddress[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [worker, address] = await workerInTraffic();
    addresses.push(address);
    await worker.terminate();
  }

  await until(() => ringDescriptors().length <= before.length);
  for (const address of addresses) await untilDeaf(address);
});

uringTest("a worker terminated in traffic over TLS leaves the process as it was", async () => {
  if (opensslAvailability() !== true) return;
  for (let round = 0; round < ROUNDS; round++) {
    const [worker, address] = await workerInTraffic("tls");
    await worker.terminate();
    await untilDeaf(address);
  }
});

uringTest("engines of several workers carry bytes side by side", async () => {
  const started = await Promise.all([workerInTraffic(), workerInTraffic(), workerInTraffic()]);

  const ports = started.map(([, { port }]) => port);
  const heard = await Promise.all(started.map(([, address]) => isListening(address)));
  for (const [worker] of started) await worker.terminate();

  assert.equal(new Set(ports).size, 3);
  assert.deepEqual(heard, [true, true, true]);
});
