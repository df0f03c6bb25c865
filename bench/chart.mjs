// Draws how late messages were over a bad link, from p50 to p99, on a logarithmic scale:
//   node bench/run.mjs bad-link --json results.json && node bench/chart.mjs results.json 50 docs/guide/arq-bad-link.svg
// (50: the messages a second that are drawn).
import { readFileSync, writeFileSync } from "node:fs";

const [from, perSecond, to] = process.argv.slice(2);
const report = JSON.parse(readFileSync(from, "utf8"));
const rowsOf = (share) =>
  report["bad-link"].find(({ name }) => name === `${perSecond} messages a second, ${share}`).rows;
const halfway = rowsOf("p50");
const slowest = rowsOf("p99");
const halfOfTcp = slowest[0].value / 2;

const LEFT = 190;
const RIGHT = 700;
const ROW = 30;
const TOP = 56;
const TICKS = [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];
const bottom = TOP + ROW * slowest.length;
const scale = Math.log(TICKS.at(-1) / TICKS[0]);
const x = (ms) => Math.round(LEFT + ((RIGHT - LEFT) * Math.log(ms / TICKS[0])) / scale);
const text = (at, y, words, more = "") => `<text x="${at}" y="${y}"${more}>${words}</text>`;
const end = ' text-anchor="end"';
const middle = ' text-anchor="middle"';
const grey = ' fill="#666"';

const parts = [];
for (const ms of TICKS) {
  parts.push(`<path d="M${x(ms)} ${TOP}V${bottom}" stroke="#ddd"/>`);
  parts.push(text(x(ms), bottom + 18, ms.toLocaleString("en"), middle + grey));
}
for (const [index, { name, value }] of slowest.entries()) {
  const y = TOP + ROW * index + ROW / 2;
  const color = name.startsWith("TCP") ? "#b54708" : "#175cd3";
  const first = x(Math.max(TICKS[0], halfway[index].value));
  const tooltip = `${name}: p50 ${Math.round(halfway[index].value)} ms, p99 ${Math.round(value)} ms`;
  parts.push(text(LEFT - 12, y + 4, name.replaceAll('"', "&quot;"), end));
  parts.push(
    `<g fill="${color}" stroke="${color}"><title>${tooltip.replaceAll('"', "&quot;")}</title>`,
  );
  parts.push(`<path d="M${first} ${y}H${x(value)}" stroke-width="4" opacity=".45"/>`);
  parts.push(
    `<circle cx="${first}" cy="${y}" r="3.5"/><circle cx="${x(value)}" cy="${y}" r="5.5"/></g>`,
  );
}
const half = x(halfOfTcp);
parts.push(`<path d="M${half} ${TOP - 6}V${bottom}" stroke="#b54708" stroke-dasharray="4 3"/>`);
parts.push(text(half, TOP - 12, "half of TCP's p99", `${middle} fill="#b54708"`));
parts.push(text(RIGHT, bottom + 36, "milliseconds; small dot p50, large dot p99", end + grey));

const height = bottom + 46;
const title = `1 KiB messages, ${perSecond} a second, over a link with 5 % loss and 50 ms delay: how late they are`;
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 740 ${height}" font-family="sans-serif" font-size="12">
<title>${title}</title>
<rect width="740" height="${height}" fill="#fff"/>
${text(16, 24, title, ' font-size="14"')}
${parts.join("\n")}
</svg>
`;
writeFileSync(to, svg);
