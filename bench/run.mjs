// Runs the benchmarks: `npm run bench -- [QUESTION …] [--rounds 5] [--seconds 2] [--json FILE]`.
// Each question is a file of questions/; its subjects are measured in turn, the server on one core
// and the load on another, and what counts are the medians of the ratios to the first subject.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { arch, cpus, platform, release } from "node:os";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    json: { type: "string" },
  },
});
const folder = new URL("questions/", import.meta.url);
const names = readdirSync(folder).map((file) => file.replace(/\.mjs$/, ""));
const asked = positionals.length > 0 ? positionals : names;
for (const name of asked) {
  if (names.includes(name)) continue;
  console.error(`bench: there is no question ${name}; there are ${names.join(", ")}`);
  process.exit(2);
}

const bounds = { rounds: Number(values.rounds), seconds: Number(values.seconds) };
const machine = `${cpus().length} × ${cpus()[0]?.model}, ${platform()} ${release()} ${arch()}`;
console.log(`${machine}, Node ${process.version}, ${bounds.rounds} rounds of ${bounds.seconds} s`);
const report = { machine, node: process.version, date: new Date().toISOString(), ...bounds };
for (const name of asked) {
  const question = await import(new URL(`${name}.mjs`, folder));
  console.log(`\n${question.title}`);
  report[name] = await question.measure(bounds);
  for (const { name: part, unit, rows } of report[name]) {
    console.log(`  ${part}`);
    for (const row of rows) {
      const spread =
        row.ratios.length > 1
          ? `  (${Math.min(...row.ratios).toFixed(2)}–${Math.max(...row.ratios).toFixed(2)})`
          : "";
      const value = Math.round(row.value).toLocaleString("en");
      console.log(
        `    ${row.name.padEnd(28)}${value.padStart(14)} ${unit}  ${row.ratio.toFixed(2)}×${spread}`,
      );
    }
  }
}
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
} else {
  mkdirSync(new URL("results/", import.meta.url), { recursive: true });
  writeFileSync(new URL("results/latest.json", import.meta.url), JSON.stringify(report, null, 2));
}
