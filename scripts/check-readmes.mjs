// Compares the READMEs of the folders of src/ with the files there: a file that is named is there, and a
// table headed "file" lacks none of its folder. Prints what differs and exits 1.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const src = fileURLToPath(new URL("../src/", import.meta.url));
const all = readdirSync(src, { recursive: true }).map(String);
const problems = [];

for (const readme of all.filter((path) => basename(path) === "README.md")) {
  const folder = join(src, dirname(readme));
  const text = readFileSync(join(src, readme), "utf8");
  const named = [...text.matchAll(/`([\w./-]+\.ts)`/g)].map(([, path]) => path);
  for (const path of named) {
    const places = [folder, src, join(src, "..")].map((place) => join(place, path));
    const isBelow = all.some((one) => one.startsWith(dirname(readme)) && one.endsWith(`/${path}`));
    if (!isBelow && !places.some(existsSync)) problems.push(`${readme} names ${path}`);
  }
  if (!/^\| files? \|/m.test(text)) continue;
  const rows = text.split("\n").filter((line) => line.startsWith("|"));
  // `http-server*.ts` stands for all files that begin so.
  const listed = rows.flatMap((row) => row.split("|")[1].match(/[\w.*-]+(?=`)/g) ?? []);
  const forms = listed.map(
    (name) => new RegExp(`^${name.replace(".", "\\.").replace("*", ".*")}$`),
  );
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".ts"))) {
    if (file !== "index.ts" && !forms.some((form) => form.test(file))) {
      problems.push(`${readme} lacks ${file}`);
    }
  }
}
for (const problem of problems) console.error(`readmes: ${problem}`);
console.log(`readmes: ${problems.length} differences`);
process.exit(problems.length > 0 ? 1 : 0);
