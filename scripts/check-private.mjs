// Checks how private members are written (docs/decisions/0070): `#name` in classes that applications can hold,
// TypeScript's `private` in all others of src/, `#name` in tests and demos. Prints what differs and exits 1.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseSync } from "@swc/core";

const root = fileURLToPath(new URL("..", import.meta.url));
const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** The TypeScript files of a folder, by their path from the root. */
const filesOf = (folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .map((path) => join(folder, String(path)))
    .filter((path) => path.endsWith(".ts"));

/** Each class of a file: its name, what it stands on, and the members that say that they are private. */
function classesOf(file) {
  const source = readFileSync(join(root, file), "utf8");
  if (!/\bclass\b/.test(source)) return [];
  const found = [];
  const look = (node, name) => {
    if (typeof node !== "object" || node === null) return;
    if (Array.isArray(node)) {
      for (const one of node) look(one);
      return;
    }
    if (node.type === "ClassDeclaration" || node.type === "ClassExpression") {
      found.push({
        file,
        name: node.identifier?.value ?? name ?? "a class without a name",
        base: node.superClass?.value,
        hashed: node.body.filter(
          ({ type, key }) => /^Private/.test(type) || key?.type === "PrivateName",
        ),
        worded: node.body.filter(({ accessibility }) => accessibility === "private"),
      });
    }
    for (const [key, value] of Object.entries(node))
      if (key !== "span") look(value, node.id?.value);
  };
  look(parseSync(source, { syntax: "typescript" }).body);
  return found;
}

/** The names that a module exports, by those of the modules that it has them from. */
function exportedNames(file) {
  const names = [];
  for (const node of parseSync(readFileSync(join(root, file), "utf8"), { syntax: "typescript" })
    .body) {
    if (node.type === "ExportAllDeclaration" && node.source.value.startsWith(".")) {
      names.push(...exportedNames(join(dirname(file), node.source.value.replace(/js$/, "ts"))));
    }
    if (node.type === "ExportNamedDeclaration")
      names.push(...node.specifiers.map(({ orig }) => orig.value));
  }
  return names;
}

const entries = Object.values(exports)
  .filter((entry) => typeof entry === "object")
  .map((entry) => entry.default.replace("./dist/", "src/").replace(/js$/, "ts"));
const exported = new Set(entries.flatMap(exportedNames));
const inner = filesOf("src").flatMap(classesOf);
const byName = new Map(inner.map((one) => [one.name, one]));

/** Its objects pass for those of the platform's classes, which have no such members. */
const STAND_INS = new Set(["FetchedResponse", "LightHeaders", "LightRequest", "LightResponse"]);
const held = new Set();
for (const one of inner) {
  const isForeign = one.base !== undefined && !byName.has(one.base);
  if (!exported.has(one.name) && !isForeign && !STAND_INS.has(one.name)) continue;
  for (let above = one; above !== undefined; above = byName.get(above.base)) held.add(above);
}

const problems = [];
for (const one of inner) {
  const wrong = held.has(one) ? one.worded : one.hashed;
  if (wrong.length === 0) continue;
  const how = held.has(one)
    ? "applications can hold it: #name"
    : "no application holds it: private";
  problems.push(`${one.file}: ${one.name} has ${wrong.length} members otherwise (${how})`);
}
for (const one of ["test", "demos", "templates"].flatMap(filesOf).flatMap(classesOf)) {
  if (one.worded.length > 0) problems.push(`${one.file}: ${one.name} has "private": #name`);
}
for (const problem of problems) console.error(`private: ${problem}`);
console.log(
  `private: ${held.size} of ${inner.length} classes can be held, ${problems.length} differences`,
);
if (process.argv.includes("--list"))
  for (const { file, name } of held) console.log(`${file} ${name}`);
process.exit(problems.length > 0 || held.size === 0 ? 1 : 0);
