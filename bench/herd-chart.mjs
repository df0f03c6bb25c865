// Draws how a thousand clients come back, attempts in each tenth of a second on a logarithmic scale:
//   node bench/herd-chart.mjs docs/guide/reconnecting-herd.svg
import { writeFileSync } from "node:fs";
import { BUCKETS, KINDS, simulate } from "./questions/reconnecting.mjs";

const [to] = process.argv.slice(2);
const LEFT = 60;
const RIGHT = 720;
const HEIGHT = 90;
const PANEL = HEIGHT + 34;
const TOP = 70;
const x = (bucket) => LEFT + ((RIGHT - LEFT) * bucket) / BUCKETS;
const rise = (count) => (HEIGHT * Math.log10(count + 1)) / Math.log10(1_001);
const text = (at, y, words, more = "") => `<text x="${at}" y="${y}"${more}>${words}</text>`;
const end = ' text-anchor="end"';
const grey = ' fill="#666"';

const parts = [];
let top = TOP;
for (const [name, kind] of Object.entries(KINDS)) {
  const buckets = await simulate(kind);
  const bottom = top + HEIGHT;
  const most = Math.max(...buckets).toLocaleString("en");
  parts.push(text(LEFT, top - 8, `${name}: at most ${most} in a tenth of a second`));
  for (const count of [1, 10, 100, 1_000]) {
    const y = (bottom - rise(count)).toFixed(1);
    parts.push(`<path d="M${LEFT} ${y}H${RIGHT}" stroke="#ddd"/>`);
    parts.push(text(LEFT - 8, Number(y) + 4, count.toLocaleString("en"), end + grey));
  }
  const bars = buckets.flatMap((count, bucket) =>
    count === 0 ? [] : [`M${x(bucket + 0.5).toFixed(1)} ${bottom}v-${rise(count).toFixed(1)}`],
  );
  const color = name === "full jitter" ? "#175cd3" : "#b54708";
  parts.push(`<path d="${bars.join("")}" stroke="${color}" stroke-width="1.6"/>`);
  top += PANEL;
}
for (let second = 0; second <= BUCKETS / 10; second += 5) {
  parts.push(text(x(second * 10), top - 16, second, ` text-anchor="middle"${grey}`));
}
parts.push(text(RIGHT, top + 4, "seconds since the server is back", end + grey));

const title = "1,000 clients of a server that was away for two minutes: attempts to connect";
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 740 ${top + 14}" font-family="sans-serif" font-size="12">
<title>${title}</title>
<rect width="740" height="${top + 14}" fill="#fff"/>
${text(16, 24, title, ' font-size="14"')}
${parts.join("\n")}
</svg>
`;
writeFileSync(to, svg);
