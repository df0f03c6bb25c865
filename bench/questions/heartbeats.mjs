// What do heartbeats of 15,000 idle connections cost? The server's processor time in each second, while its peers do nothing but
// send back what they get. Beats of connections that were made together are spread over a quarter of the interval: there are
// seconds with beats, and seconds between them, with less than one in a hundred.
import { startServer } from "../lib/pinned-process.mjs";
import { engines, server } from "../lib/subjects.mjs";

export const title = "Heartbeats on 15,000 idle connections, processor time of the server";

const CONNECTIONS = 15_000;
const EVERY_MS = 20_000;
const SECONDS = 60;

export async function measure() {
  const between = [];
  const all = [];
  for (const engine of engines()) {
    const found = await watch(engine);
    between.push({ name: engine, value: found.betweenShare * 1_000, ratio: 1, ratios: [] });
    all.push({ name: engine, value: found.share * 1_000, ratio: 1, ratios: [] });
    plot(engine, found.seconds);
  }
  const unit = "thousandths of a core";
  return [
    { name: "between beats", unit, rows: between },
    { name: `all in all, a beat each every ${EVERY_MS / 1_000} s`, unit, rows: all },
  ];
}

async function watch(engine) {
  const subject = await startServer(process.execPath, [
    server("heartbeat-server"),
    engine,
    String(EVERY_MS),
  ]);
  const peers = await startServer(process.execPath, [
    server("answering-peers"),
    String(subject.port),
  ]);
  await peers.ask(String(CONNECTIONS));
  const seconds = JSON.parse(await subject.ask(String(SECONDS)));
  await peers.stop();
  await subject.stop();
  const lost = seconds.at(-1).lost;
  if (lost > 0) throw new Error(`${lost} live connections were given up`);
  // The first round of beats is for the compiler.
  const warm = seconds.slice(EVERY_MS / 1_000);
  const quiet = warm.filter(({ beats }) => beats < CONNECTIONS / 100);
  const mean = (list) => list.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / list.length / 1_000;
  return { seconds, betweenShare: mean(quiet), share: mean(warm) };
}

function plot(engine, seconds) {
  console.log(`  ${engine}: beats in each second, processor time`);
  for (const [index, { beats, cpuMs }] of seconds.entries()) {
    const bar = "█".repeat(Math.ceil(beats / 100));
    console.log(
      `  ${String(index).padStart(4)} s ${String(beats).padStart(5)} ${cpuMs.toFixed(1).padStart(6)} ms ${bar}`,
    );
  }
}
